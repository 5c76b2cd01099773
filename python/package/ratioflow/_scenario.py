"""What is to run, put together from what people have: names, files, dicts and arrays."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping

import numpy as np

from ._estimator import Estimator
from ._own import Adapter, is_own
from ._points import Points, points


def named(what: str, given: Any) -> dict[str, Any]:
    """A kind with its settings: ``"ring"`` is ``{"ring": {}}``."""
    if isinstance(given, str):
        return {given: {}}
    if isinstance(given, Mapping):
        return dict(given)
    raise TypeError(f"`{what}` is a {type(given).__name__}: must be an array (n×2), a name such as \"ring\", or a dict such as {{\"ring\": {{\"modes\": 5}}}}")


def is_array(given: Any) -> bool:
    """Whether ``given`` stands for points rather than for a name or settings; whether they are points is found out later."""
    return not isinstance(given, (str, bytes, Mapping, os.PathLike))


def estimator_of(given: Any) -> tuple[dict[str, Any] | None, Adapter | None]:
    """The table of an estimator of the engine, or the adapter of one of one's own."""
    # A class that somebody has made of one of ours is somebody's own.
    if isinstance(given, Estimator) and type(given).__module__.startswith("ratioflow."):
        return {given.name: given._settings()}, None
    if isinstance(given, (str, Mapping)):
        return named("estimator", given), None
    if isinstance(given, type):
        raise TypeError(f"`estimator` is the class {given.__name__}: give an object, {given.__name__}()")
    if is_own(given):
        return None, Adapter(given)
    raise TypeError(
        f"`estimator` is a {type(given).__name__}: must be a name such as \"kde\", an estimator such as Kde(), or an object with "
        "fit(real, fake) and evaluate(x) -> (D, gradient)"
    )


def without_arrays(scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Points]]:
    """The scenario with the names of files where points of target or source were arrays, and these arrays by name."""
    settings, arrays = dict(scenario), {}
    for role in ("target", "source"):
        table = settings.get(role)
        if isinstance(table, Mapping) and isinstance(table.get("points"), Mapping):
            own = dict(table["points"])
            for key in ("file", "held_out"):
                if key in own and is_array(own[key]):
                    name = f"{role}.npy" if key == "file" else f"{role}-held-out.npy"
                    arrays[name] = points(f"{role}.points.{key}", own[key])
                    own[key] = name
            settings[role] = {**table, "points": own}
    return settings, arrays


def given(scenario: Any) -> tuple[Any, dict[str, Points]]:
    """A scenario as the engine takes it: a name, a path or a dict; and the arrays in it."""
    if isinstance(scenario, Mapping):
        return without_arrays(scenario)
    if isinstance(scenario, (str, os.PathLike)):
        return os.fspath(scenario), {}
    raise TypeError(f"`scenario` is a {type(scenario).__name__}: must be the name of a shipped scenario, a path, or a dict of settings")


def changes_of(set: Any) -> dict[str, Any]:
    """The changes of a scenario under dotted keys."""
    if set is None or isinstance(set, Mapping):
        return dict(set or {})
    raise TypeError(f"`set` is a {type(set).__name__}: must be a dict from dotted keys to values, such as {{\"flow.steps\": 50}}")


def toml(value: Any) -> str:
    """A value on one line of TOML."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(str(key))} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, float) and not np.isfinite(value):
        return "nan" if value != value else ("inf" if value > 0 else "-inf")
    if isinstance(value, (int, float)):
        return repr(value)
    # Strings of JSON are strings of TOML, with the characters beyond the basic plane as they are.
    return json.dumps(str(value), ensure_ascii=False)
