"""A run: its clouds and numbers, its verdict, its generator, and its page."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Mapping

import numpy as np
import numpy.typing as npt

from . import _engine
from ._files import Folder, Temporary, arrays, columns, in_memory, is_picture, needed, write
from ._player import framed
from ._plot import draw
from ._points import Points, points, whole
from ._solution import nearest, table
from ._verdict import Floor, Verdict, floor_of, verdict_of


@dataclass(frozen=True)
class Trajectory:
    """The kept clouds of a run: the arrays of ``trajectory.npz``, F frames of N particles. Points of the line, which have one coordinate in that file, have a second
    one here, 0."""

    #: Steps done, (F).
    steps: npt.NDArray[np.int64]
    #: Time Σ ε, (F), in squared units of the target.
    times: npt.NDArray[np.float64]
    #: The clouds, (F, N, 2).
    particles: npt.NDArray[np.float64]
    #: The target sample that the estimator saw, (M, 2), and the one that the last cloud is measured against.
    target: Points
    reference: Points
    #: Where the field was asked for: left and right, lower and upper border, (2, 2).
    view: npt.NDArray[np.float64]
    #: D and velocity over the view, (F, R, C) and (F, R, C, 2); no values where the estimator gives no log ratio.
    field_log_ratio: npt.NDArray[np.float32]
    field_velocity: npt.NDArray[np.float32]
    #: The log ratio at the particles, (F, N); None where there is none.
    log_ratio: npt.NDArray[np.float64] | None = None
    #: With a reaction, the row in the frame before that each particle descends from, −1 for none, (F, N).
    parents: npt.NDArray[np.int64] | None = None
    #: Weights, (F, N), which sum to one; None where all are equal.
    weights: npt.NDArray[np.float64] | None = None
    #: ε of the next step, the longest displacement in it, and the length over which the field is smooth, (F); None in runs of earlier versions.
    step_sizes: npt.NDArray[np.float64] | None = None
    longest_moves: npt.NDArray[np.float64] | None = None
    scales: npt.NDArray[np.float64] | None = None


def _in_plane(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Points of the line, as everything else here takes them."""
    return np.concatenate([points, np.zeros_like(points)], axis=-1)


class Generator:
    """A trained generator: latent points in, samples out."""

    def __init__(self, native: Any) -> None:
        self._native = native

    def sample(self, n: int, seed: int = 1) -> Points:
        """``n`` fresh points, (n, 2); another ``seed`` gives others. Those of ``ratioflow sample``, to the byte."""
        return self._native.sample(whole("n", n, 1), whole("seed", seed))

    def apply(self, z: npt.ArrayLike) -> Points:
        """The images (n, 2) of latent points ``z`` (n, 2), which are as the source gives them, or (n, ``latent_dimension``) where the generator has latent points of its own."""
        return self._native.apply(points("z", z, columns=self.latent_dimension))

    def state_dict(self) -> dict[str, npt.NDArray[Any]]:
        """Its parameters, the arrays of ``generator.npz``: ``k.weight`` (outputs × inputs) and ``k.bias`` of each layer, ``centre``, ``input``, ``output``, ``skip`` and ``shift``."""
        return self._native.state_dict()

    @property
    def kind(self) -> str:
        """How it was trained: ``distill``, ``adversarial``, ``inherit`` or ``pairs``."""
        return self._native.kind

    @property
    def activation(self) -> str:
        """The function between its layers."""
        return self._native.activation

    @property
    def latent_dimension(self) -> int:
        """Coordinates of a latent point."""
        return self._native.latent_dimension

    def __reduce__(self) -> Any:
        raise TypeError("a generator cannot be pickled by itself: pickle its run, or keep its state_dict()")

    def __repr__(self) -> str:
        sizes = [array.shape for name, array in self.state_dict().items() if name.endswith(".weight")]
        return f"<Generator {self.kind}: {' → '.join(str(n) for n in [self.latent_dimension, *(shape[0] for shape in sizes)])}>"


class Run:
    """A run that has ended."""

    def __init__(self, native: Any = None, files: Mapping[str, bytes] | None = None) -> None:
        self._native = native
        self._files = files

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What ``run.json`` says; docs/files.md explains it."""
        return json.loads(needed(self._files, "run.json") if self._files is not None else self._native.manifest())

    @cached_property
    def scenario(self) -> str:
        """The scenario as TOML, every default spelled out. Arrays stand in it under the names of files."""
        return needed(self._files, "scenario.toml").decode() if self._files is not None else self._native.scenario()

    @property
    def name(self) -> str:
        """Name of the scenario; ``python`` for one that was given as settings."""
        return self.manifest["scenario"]

    @property
    def status(self) -> str:
        """``complete`` or ``diverged``; a run that was stopped is complete, and its ``ending`` says so."""
        return self.manifest["status"]

    @property
    def ending(self) -> dict[str, Any]:
        """How the flow ended: ``kind`` (``complete``, ``stopped`` or ``diverged``), ``step``, and ``reason`` and ``particle`` where there are any."""
        return self.manifest["ended"]

    @property
    def verdict(self) -> Verdict:
        """Whether the last cloud can be told from the target."""
        return verdict_of(self.manifest["verdict"])

    @property
    def sentence(self) -> str:
        """How the run ended, and the verdict, in one sentence."""
        return self.manifest["ending"]

    @property
    def final(self) -> dict[str, float]:
        """Each measure of the last cloud, against points that nothing else has seen; NaN where it is no number."""
        return {name: float("nan") if value is None else value for name, value in self.manifest["final"].items()}

    @property
    def floors(self) -> dict[str, Floor]:
        """What each measure gives for perfect clouds of the same size."""
        told = self.manifest["floor"].items()
        return {name: floor for name, numbers in told if (floor := floor_of(numbers)) is not None}

    @property
    def warnings(self) -> list[str]:
        """What to know before trusting the numbers."""
        return self.manifest["warnings"]

    @cached_property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The columns of ``metrics.csv``, a row for each measured step: ``step``, ``time`` and each measure; NaN where nothing was measured."""
        return columns(needed(self._files, "metrics.csv")) if self._files is not None else self._native.columns()

    @property
    def metrics(self) -> Any:
        """The columns as a pandas DataFrame if pandas is there, else as a dict of arrays."""
        return table(self.columns)

    @cached_property
    def trajectory(self) -> Trajectory:
        """The kept clouds."""
        if self._files is None:
            self._on_line = self._native.dimension() == 1
            return Trajectory(**self._native.trajectory())
        read = arrays(needed(self._files, "trajectory.npz"))
        self._on_line = read["particles"].shape[2] == 1
        if self._on_line:
            read.update((name, _in_plane(read[name])) for name in ("particles", "target", "reference", "field_velocity"))
        return Trajectory(**{name: read.get(name) for name in Trajectory.__dataclass_fields__})  # type: ignore[arg-type]

    @property
    def cloud(self) -> Points:
        """The last cloud, (N, 2); on the line the second coordinate is 0."""
        return self.trajectory.particles[-1]

    @cached_property
    def generator(self) -> Generator | None:
        """The trained generator; None for a flow of the particles themselves."""
        if self._files is None:
            native = self._native.generator()
            return None if native is None else Generator(native)
        if "generator.npz" not in self._files:
            return None
        if isinstance(self._files, Folder):
            return Generator(_engine.load_generator(self._files.path))
        folder = Temporary()
        return Generator(_engine.load_generator(write(self._files, folder.path)))

    def html(self) -> str:
        """The report page: player, curves, table and settings in one file that needs nothing else."""
        return needed(self._files, "report.html").decode() if self._files is not None else self._native.html()

    def _repr_html_(self) -> str:
        return framed(self.html(), f"ratioflow: {self.name}")

    def save(self, folder: str | os.PathLike[str] | None = None, *, force: bool = False, frames: bool = True) -> Path:
        """Writes the run directory, the files that ``ratioflow run`` leaves, to the byte, and gives its path.

        ``folder`` must be new or empty, or with ``force`` hold an earlier run, which is replaced; None: a new one below ``output``. Without ``frames``, which
        take most of the time, neither animation nor frames are drawn. A run that was loaded or unpickled is copied as it is, without ``frames`` leaving these out; it wants a
        ``folder``, and replaces nothing. Raises ``ValueError`` for a folder that is not free, and ``OSError`` if it cannot be written, or if that of a loaded run is gone.
        """
        path = None if folder is None else Path(folder)
        if self._files is None:
            return Path(self._native.save(path, force, frames))
        if path is None:
            raise ValueError("a run that was loaded or unpickled has no place of its own: name a folder")
        files = self._files if frames else {name: self._files[name] for name in self._files if not is_picture(name)}
        return write(files, path)

    def to_matplotlib(self, step: int | None = None, ax: Any = None) -> Any:
        """Draws the frame nearest to ``step`` (None: the last; −1 counts from the end) with target and field on ``ax``, or on new axes. Needs Matplotlib."""
        seen = self.trajectory
        if self._on_line:
            raise ValueError("this run is on the line, whose pictures are those of the page and of save()")
        k = nearest(seen.steps, step)
        log = None if seen.log_ratio is None else seen.log_ratio[k]
        (left, right), (low, high) = seen.view
        rows, across = seen.field_velocity.shape[1:3]
        # The field is known in the middles of equal cells.
        xs = left + (np.arange(across) + 0.5) * (right - left) / max(across, 1)
        ys = low + (np.arange(rows) + 0.5) * (high - low) / max(rows, 1)
        title = f"{self.name}: step {seen.steps[k]}, time {seen.times[k]:.3g}"
        ax = draw(seen.particles[k], seen.target, log, (xs, ys, seen.field_velocity[k]), title, ax)
        ax.set_xlim(left, right)
        ax.set_ylim(low, high)
        return ax

    def __getstate__(self) -> dict[str, Any]:
        if self._files is not None:
            return {"_native": None, "_files": in_memory(self._files)}
        # A run is what its directory holds; frames and animation can be drawn from that.
        folder = Temporary()
        path = folder.path / "run"
        self._native.save(path, False, False)
        return {"_native": None, "_files": in_memory(Folder(path))}

    def __repr__(self) -> str:
        return f"<Run {self.name}: {self.manifest['steps']} steps, {self.sentence}>"


def load(folder: str | os.PathLike[str]) -> Run:
    """A finished run that was saved, or made on the command line.

    The files are read when they are asked for. Raises ``ValueError`` if the folder holds none.
    """
    path = Path(folder)
    run = Run(files=Folder(path))
    try:
        status, *_ = (run.manifest[name] for name in ("status", "scenario", "steps", "ending"))
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise ValueError(f"{path} is no run directory: it has no run.json that can be read") from error
    if status not in ("running", "interrupted", "failed", "complete", "diverged"):
        raise ValueError(f"{path} is no run directory: its run.json has no status that a run has, but {status!r}")
    if status not in ("complete", "diverged"):
        raise ValueError(f"{path} holds a run that is {status}: go on with `ratioflow resume {path}`, and load it then")
    return run
