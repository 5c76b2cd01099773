"""Variants of a scenario side by side."""

from __future__ import annotations

import csv
import io
import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from . import _engine
from ._files import Folder, Temporary, below, in_memory, needed, write
from ._player import framed
from ._run import Run
from ._points import whole
from ._scenario import given, toml


class Comparison:
    """Variants that were run on the same seed. ``comparison["name"]`` is the run of a variant."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What ``comparison.json`` says; docs/files.md explains it."""
        return json.loads(needed(self._files, "comparison.json"))

    @property
    def order(self) -> list[str]:
        """The names of the variants, in their order."""
        return self.manifest["order"]

    @cached_property
    def runs(self) -> dict[str, Run]:
        """The run of each variant, on the first seed."""
        return {name: Run(files=below(self._files, name)) for name in self.order}

    @property
    def claims(self) -> list[dict[str, Any]]:
        """What the scenario claims of the variants, and whether it is so."""
        return self.manifest.get("claims", [])

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of ``comparison.csv``."""
        return list(csv.DictReader(io.StringIO(needed(self._files, "comparison.csv").decode())))

    @property
    def table(self) -> Any:
        """A row for each variant, as a pandas DataFrame if pandas is there, else as a list of dicts."""
        try:
            import pandas
        except ImportError:
            return self.rows
        return pandas.read_csv(io.BytesIO(needed(self._files, "comparison.csv")), index_col="variant")

    def html(self) -> str:
        """The page with all variants in lock-step."""
        return needed(self._files, "report.html").decode()

    def _repr_html_(self) -> str:
        return framed(self.html(), "ratioflow: " + ", ".join(self.order))

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Writes the directory that ``ratioflow compare`` leaves into ``folder``, which must be new or empty."""
        return write(self._files, Path(folder))

    def __getitem__(self, name: str) -> Run:
        return self.runs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.order)

    def __len__(self) -> int:
        return len(self.order)

    def __getstate__(self) -> dict[str, Any]:
        return {"_files": in_memory(self._files)}

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.order)}>"


def _written(name: str, changes: Any) -> str:
    """A variant as a text of the command line."""
    if not isinstance(changes, Mapping):
        raise TypeError(f"the variant `{name}` is a {type(changes).__name__}: must be a dict from dotted keys to values, such as {{\"flow.steps\": 400}}")
    for key, value in changes.items():
        if value is None:
            raise ValueError(f"`{key}` of the variant `{name}` is None: a variant takes no key away; leave the key out, or take it away from all of them with set={{\"{key}\": None}}")
    return f"{name}: " + ", ".join(f"{key}={toml(value)}" for key, value in changes.items())


def compare(
    scenario: str | os.PathLike[str] | Mapping[str, Any],
    variants: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    *,
    set: Mapping[str, Any] | None = None,
    seeds: int = 1,
    frames: bool = True,
    folder: str | os.PathLike[str] | None = None,
    allow_outside: bool = False,
) -> Comparison:
    """Runs variants of a scenario on the same seed; those that change neither the data nor the source also from the same samples and the same first cloud.

    ``variants``: a dict from name to settings under dotted keys, ``{"fine": {"flow.steps": 400}}``, or texts as on the command line, ``"fine: flow.steps=400"``; one that
    changes nothing, ``{"base": {}}``, is the scenario as it is; None: those of the scenario, or else ``flow``, ``distill`` and ``adversarial``. Each is run on ``seeds`` seeds, 1 to 1000. Without ``frames`` no frames and no animation are drawn; the page plays all the same. ``folder`` is
    where it is recorded, new or empty; None: a temporary folder. Raises ``ValueError`` as ``run`` does.
    """
    seeds = whole("seeds", seeds, 1, 1000)
    if isinstance(variants, Mapping):
        written = [_written(name, changes) for name, changes in variants.items()]
    else:
        written = list(variants or [])
    keeps = Temporary() if folder is None else None
    path = keeps.path / "comparison" if keeps is not None else Path(folder)  # type: ignore[arg-type]
    settings, arrays, changes = given(scenario, set)
    _engine.compare(settings, arrays, changes, written, seeds, path, frames, allow_outside)
    return Comparison(Folder(path, keeps))
