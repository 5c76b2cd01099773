"""What is to run, put together from what people have: names, files, dicts and arrays."""

from __future__ import annotations

import json
import os
from itertools import count
from typing import Any, Collection, Iterator, Mapping

import numpy as np

from ._estimator import Estimator
from ._own import Adapter, is_own
from ._points import Points, points


def named(what: str, given: Any, kind: str = "ring", settings: Mapping[str, Any] = {"modes": 5}) -> dict[str, Any]:
    """A kind with its settings: ``"ring"`` is ``{"ring": {}}``. ``kind`` and ``settings`` are an example."""
    if isinstance(given, str):
        return {given: {}}
    if isinstance(given, Mapping):
        return dict(given)
    raise TypeError(f"`{what}` is a {type(given).__name__}: must be a name such as {json.dumps(kind)}, or a dict such as {json.dumps({kind: settings})}")


def is_array(given: Any) -> bool:
    """Whether ``given`` stands for points rather than for a name or settings; whether they are points is found out later."""
    return not isinstance(given, (str, bytes, Mapping, os.PathLike))


def estimator_of(given: Any, target: Mapping[str, Any] | None = None) -> tuple[dict[str, Any] | None, Adapter | None]:
    """The table of an estimator of the engine, or the adapter of one of one's own; ``target`` is that of the flow, where it is no array."""
    # A class that somebody has made of one of ours is somebody's own.
    if isinstance(given, Estimator) and type(given).__module__.startswith("ratioflow."):
        known = getattr(given, "target", None)
        if known is not None and named("target", known) != target:
            raise ValueError(f"{given!r} knows a target of its own: in a flow an estimator follows the flow's target; leave `target` out, or give the same")
        return {given.name: given._settings()}, None
    if isinstance(given, (str, Mapping)):
        return named("estimator", given, "kde", {"bandwidth": 0.5}), None
    if isinstance(given, type):
        raise TypeError(f"`estimator` is the class {given.__name__}: give an object, {given.__name__}()")
    if is_own(given):
        return None, Adapter(given)
    raise TypeError(
        f"`estimator` is a {type(given).__name__}: must be a name such as \"kde\", an estimator such as Kde(), or an object with "
        "fit(real, fake) and evaluate(x) -> (D, gradient)"
    )


#: Where a scenario names files of points, and what an array there is called.
FILES = {f"{role}.points.{key}": f"{role}{called}" for role in ("target", "source") for key, called in (("file", ""), ("held_out", "-held-out"))}


def _leaves(settings: Mapping[Any, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys with their values."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{place}{key}.")
        else:
            yield f"{place}{key}", value


def without_arrays(settings: Mapping[str, Any], arrays: dict[str, Points], taken: Collection[str], place: str = "") -> dict[str, Any]:
    """The settings with names of files where points were arrays, which go into ``arrays`` under these names: none that is ``taken`` by a file."""
    changed: dict[str, Any] = {}
    for key, value in settings.items():
        where = f"{place}{key}"
        if isinstance(value, Mapping):
            value = without_arrays(value, arrays, taken, f"{where}.")
        elif where in FILES and value is not None and is_array(value):
            name = next(name for k in count() if (name := f"{FILES[where]}{f'-{k}' if k else ''}.npy") not in taken and name not in arrays)
            arrays[name] = points(where, value)
            value = name
        changed[key] = value
    return changed


def given(scenario: Any, set: Any = None) -> tuple[Any, dict[str, Points], dict[str, Any]]:
    """A scenario as the engine takes it: a name, a path or a dict; the arrays in it and in its changes by name; and these changes under dotted keys."""
    changes = changes_of(set)
    arrays: dict[str, Points] = {}
    found = scenario if isinstance(scenario, Mapping) else {}
    named_there = (value for each in (found, changes) for where, value in _leaves(each) if where in FILES)
    taken = [os.fspath(value) for value in named_there if isinstance(value, (str, os.PathLike))]
    if isinstance(scenario, Mapping):
        settings: Any = without_arrays(scenario, arrays, taken)
    elif isinstance(scenario, (str, os.PathLike)):
        # A path is one, even if a scenario that ships is called so.
        settings = os.fspath(scenario) if isinstance(scenario, str) else os.path.join(".", os.fspath(scenario))
        # What the file itself names is not known here.
        taken += [f"{name}.npy" for name in FILES.values()]
    else:
        raise TypeError(f"`scenario` is a {type(scenario).__name__}: must be the name of a shipped scenario, a path, or a dict of settings")
    return settings, arrays, without_arrays(changes, arrays, taken)


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
