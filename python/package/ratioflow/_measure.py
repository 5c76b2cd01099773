"""Measures of a cloud against a sample, with the floors that numbers on points need."""

from __future__ import annotations

import json
import numbers
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal, Mapping, Sequence, overload

import numpy as np
import numpy.typing as npt

from . import _engine
from ._points import Points, points, whole
from ._scenario import given
from ._verdict import Measured, Verdict, floor_of, verdict_of


@dataclass(frozen=True)
class Measurement:
    """Every measure of a cloud with its floor, and one verdict."""

    #: Each measure by name, in the order of the tables.
    metrics: dict[str, Measured]
    #: All measures together.
    verdict: Verdict
    #: What to know before using the numbers, such as that not all points were taken.
    notes: list[str] = field(default_factory=list)
    #: Points that were taken of the cloud, and that they were compared with.
    points: tuple[int, int] = (0, 0)

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return self.verdict.sentence

    @property
    def p(self) -> float | None:
        """The joint p-value."""
        return self.verdict.p

    def __getitem__(self, name: str) -> Measured:
        if name not in self.metrics:
            # A measure that was asked for and cannot be taken has a note.
            why = [note for note in self.notes if note.startswith(f"{name} ")] or [f"`{name}` was not taken: there are {', '.join(self.metrics)}"]
            raise KeyError(why[0])
        return self.metrics[name]

    def __str__(self) -> str:
        lines = [f"{'measure':<16} {'value':>12} {'floor mean':>12} {'q95':>12} {'p':>6}"]
        for each in self.metrics.values():
            mean, q95 = ("–", "–") if each.floor is None else (f"{each.floor.mean:.4g}", f"{each.floor.q95:.4g}")
            lines.append(f"{each.name:<16} {each.value:>12.5g} {mean:>12} {q95:>12} {each.p:>6.3f}")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes), self.sentence])

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each measure. Needs pandas."""
        import pandas

        rows = [
            {"value": m.value, "floor_mean": m.floor and m.floor.mean, "floor_q95": m.floor and m.floor.q95, "p": m.p, "z": m.z}
            for m in self.metrics.values()
        ]
        return pandas.DataFrame(rows, index=pandas.Index(self.metrics, name="measure"))

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in ("measure", "value", "floor mean", "floor q95", "p", ""))
        rows = []
        for m in self.metrics.values():
            floor = ("–", "–") if m.floor is None else (f"{m.floor.mean:.4g}", f"{m.floor.q95:.4g}")
            cells = (m.name, f"{m.value:.5g}", *floor, f"{m.p:.3f}", m.sentence)
            rows.append("<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in cells) + "</tr>")
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<p><b>{escape(self.sentence)}</b></p><table><tr>{head}</tr>{''.join(rows)}</table>{notes}"


def measure(
    fake: npt.ArrayLike,
    real: npt.ArrayLike | str | Mapping[str, Any],
    *,
    points: int = 2000,
    draws: int = 99,
    dear_draws: int = 19,
    only: str | Sequence[str] | None = None,
    seed: int = 1,
) -> Measurement:
    """Judges the cloud ``fake`` (n, 2) against ``real``: a sample (m, 2), the name of a family of targets such as ``"ring"``, or its table ``{"ring": {"modes": 5}}``.

    Floors are random relabellings of the pooled points (against a sample) or independent draws (against a target): ``draws`` of them, at least 19, and
    ``dear_draws`` for ``w2`` and ``sinkhorn``. Of more than ``points`` points so many are drawn at random. ``only`` names the measures to take; of several, ``notes`` say which cannot be taken here.
    Source: docs/metrics.md. Raises ``ValueError`` for what is no cloud, for settings out of range, if none of ``only`` can be taken, and for points in a unit that
    makes their extent less than 1e-75 or a coordinate more than 1e75.
    """
    cloud = _points("fake", fake, 2)
    if isinstance(real, str):
        real = {real: {}}
    against, arrays, _ = given({"target": real}) if isinstance(real, Mapping) else (_points("real", real, 2), {}, None)
    counts = {"points": whole("points", points, 2), "draws": whole("draws", draws, 19), "dear_draws": whole("dear_draws", dear_draws, 19), "seed": whole("seed", seed)}
    names = [only] if isinstance(only, str) else list(only or [])
    for place, name in enumerate(names):
        if not isinstance(name, str):
            raise TypeError(f"`only[{place}]` is {name!r}: must be the name of a measure, such as \"energy_distance\"")
    told = _engine.judge(cloud, against, arrays, {**counts, "only": names})
    metrics = {}
    for entry in told["metrics"]:
        entry["floor"] = floor_of(entry["floor"])
        metrics[entry["name"]] = Measured(**entry)
    return Measurement(metrics, verdict_of(json.loads(told["verdict"])), told["notes"], told["points"])


_points = points

#: Most regularisation of the Sinkhorn divergence, in squared extents of the points.
WIDEST = 1e6


def _one(name: str, fake: Any, real: Any, with_floor: bool, draws: int, seed: int, width: float | None = None) -> float | Measured:
    fake, real = _points("fake", fake, 2), _points("real", real, 2)
    if width is not None:
        width = _width("sinkhorn_divergence" if name == "sinkhorn" else name, width, fake, real)
    if name == "w2":
        _engine.exact_w2(len(fake), len(real))
    if not with_floor:
        return _engine.measure(name, fake, real, width)
    if width is not None:
        raise ValueError(f"`{name}` has a floor for its own width only: leave the width out, or the floor")
    whole = max(len(fake), len(real))
    judged = measure(fake, real, points=whole, draws=draws, dear_draws=draws, only=[name], seed=seed)
    return judged[name]


def _width(name: str, given: Any, fake: Points, real: Points) -> float:
    """A width that leaves digits in the value."""
    if not isinstance(given, numbers.Real):
        raise TypeError(f"the width of `{name}` is {given!r}: must be a finite number greater than 0")
    width = float(given)
    if not (np.isfinite(width) and width > 0):
        raise ValueError(f"the width of `{name}` is {width}: must be a finite number greater than 0")
    if name == "sinkhorn_divergence":
        # Beyond it the terms, which grow with the width, leave no digits for their difference.
        pooled = np.concatenate([fake, real])
        most = WIDEST * float(np.max(np.ptp(pooled, axis=0))) ** 2
        if most > 0 and width > most:
            raise ValueError(f"the width of `{name}` is {width:.6g}: must be at most {most:.3g}, {WIDEST:.0e} times the square of the extent of these points, where the divergence is the squared distance of the means already")
    return width


@overload
def w2(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[False] = False, draws: int = ..., seed: int = ...) -> float: ...

@overload
def w2(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[True], draws: int = ..., seed: int = ...) -> Measured: ...


def w2(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: bool = False, draws: int = 99, seed: int = 1) -> float | Measured:
    """Exact 2-Wasserstein distance, the root of the least mean squared distance of a coupling, in the units of the points.

    As many points on either side, up to 20 000, or others, up to 10⁸ pairs of points; of pairs of clouds with different numbers, 10⁸ take minutes. More raise ``ValueError``: ``sliced_w2`` and
    ``sinkhorn_divergence`` take large clouds.

    ``fake`` (n, 2) is the cloud, ``real`` (m, 2) the sample. ``with_floor=True`` gives a ``Measured`` instead of a float: the value with its floor from ``draws``
    random relabellings of all points, at least 19, and its p-value. Raises ``ValueError`` for what is no cloud.
    """
    return _one("w2", fake, real, with_floor, draws, seed)


@overload
def energy_distance(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[False] = False, draws: int = ..., seed: int = ...) -> float: ...

@overload
def energy_distance(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[True], draws: int = ..., seed: int = ...) -> Measured: ...


def energy_distance(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: bool = False, draws: int = 99, seed: int = 1) -> float | Measured:
    """Energy distance ``2E‖x−y‖ − E‖x−x′‖ − E‖y−y′‖`` with all pairs (V-statistic), in the units of the points (Székely and Rizzo 2013).

    ``fake`` (n, 2) is the cloud, ``real`` (m, 2) the sample. ``with_floor=True`` gives a ``Measured`` instead of a float: the value with its floor from ``draws``
    random relabellings of all points, at least 19, and its p-value. Raises ``ValueError`` for what is no cloud.
    """
    return _one("energy_distance", fake, real, with_floor, draws, seed)


@overload
def mmd2(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[False] = False, draws: int = ..., seed: int = ..., width: float | None = None) -> float: ...

@overload
def mmd2(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[True], draws: int = ..., seed: int = ..., width: float | None = None) -> Measured: ...


def mmd2(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: bool = False, draws: int = 99, seed: int = 1, width: float | None = None) -> float | Measured:
    """Unbiased squared maximum mean discrepancy with the kernel ``exp(−‖x−y‖²/2s²)`` (Gretton et al. 2012). ``width`` is s, in the units of the points; None: the median distance of the pooled points.

    ``fake`` (n, 2) is the cloud, ``real`` (m, 2) the sample. ``with_floor=True`` gives a ``Measured`` instead of a float: the value with its floor from ``draws``
    random relabellings of all points, at least 19, and its p-value. Raises ``ValueError`` for what is no cloud.
    """
    return _one("mmd2", fake, real, with_floor, draws, seed, width)


@overload
def sliced_w2(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[False] = False, draws: int = ..., seed: int = ...) -> float: ...

@overload
def sliced_w2(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[True], draws: int = ..., seed: int = ...) -> Measured: ...


def sliced_w2(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: bool = False, draws: int = 99, seed: int = 1) -> float | Measured:
    """Sliced 2-Wasserstein distance, over directions that are evenly spread, in the units of the points.

    ``fake`` (n, 2) is the cloud, ``real`` (m, 2) the sample. ``with_floor=True`` gives a ``Measured`` instead of a float: the value with its floor from ``draws``
    random relabellings of all points, at least 19, and its p-value. Raises ``ValueError`` for what is no cloud.
    """
    return _one("sliced_w2", fake, real, with_floor, draws, seed)


@overload
def sinkhorn_divergence(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[False] = False, draws: int = ..., seed: int = ..., width: float | None = None) -> float: ...

@overload
def sinkhorn_divergence(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[True], draws: int = ..., seed: int = ..., width: float | None = None) -> Measured: ...


def sinkhorn_divergence(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: bool = False, draws: int = 99, seed: int = 1, width: float | None = None) -> float | Measured:
    """Debiased Sinkhorn divergence (Feydy et al. 2019), in squared units. ``width`` is the regularisation ε in squared units; None: one that follows from the pooled points.
    At most 10⁶ times the square of their extent.

    ``fake`` (n, 2) is the cloud, ``real`` (m, 2) the sample. ``with_floor=True`` gives a ``Measured`` instead of a float: the value with its floor from ``draws``
    random relabellings of all points, at least 19, and its p-value. Raises ``ValueError`` for what is no cloud.
    """
    return _one("sinkhorn", fake, real, with_floor, draws, seed, width)


@overload
def knn_kl(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[False] = False, draws: int = ..., seed: int = ...) -> float: ...

@overload
def knn_kl(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[True], draws: int = ..., seed: int = ...) -> Measured: ...


def knn_kl(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: bool = False, draws: int = 99, seed: int = 1) -> float | Measured:
    """Nearest-neighbour estimate of ``KL(fake‖real)`` in nats (Wang, Kulkarni and Verdú 2009); it may be negative.

    ``fake`` (n, 2) is the cloud, ``real`` (m, 2) the sample. ``with_floor=True`` gives a ``Measured`` instead of a float: the value with its floor from ``draws``
    random relabellings of all points, at least 19, and its p-value. Raises ``ValueError`` for what is no cloud.
    """
    return _one("knn_kl", fake, real, with_floor, draws, seed)


@overload
def c2st(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[False] = False, draws: int = ..., seed: int = ...) -> float: ...

@overload
def c2st(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[True], draws: int = ..., seed: int = ...) -> Measured: ...


def c2st(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: bool = False, draws: int = 99, seed: int = 1) -> float | Measured:
    """Accuracy of a nearest-neighbour classifier that tells the two apart, in [0, 1] (Lopez-Paz and Oquab 2017); one half is chance.

    ``fake`` (n, 2) is the cloud, ``real`` (m, 2) the sample. ``with_floor=True`` gives a ``Measured`` instead of a float: the value with its floor from ``draws``
    random relabellings of all points, at least 19, and its p-value. Raises ``ValueError`` for what is no cloud.
    """
    return _one("c2st", fake, real, with_floor, draws, seed)


@overload
def coverage(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[False] = False, draws: int = ..., seed: int = ...) -> float: ...

@overload
def coverage(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: Literal[True], draws: int = ..., seed: int = ...) -> Measured: ...


def coverage(fake: npt.ArrayLike, real: npt.ArrayLike, *, with_floor: bool = False, draws: int = 99, seed: int = 1) -> float | Measured:
    """Share of the real points that have a cloud point within the distance of their fifth neighbour, in [0, 1] (Naeem et al. 2020).

    ``fake`` (n, 2) is the cloud, ``real`` (m, 2) the sample. ``with_floor=True`` gives a ``Measured`` instead of a float: the value with its floor from ``draws``
    random relabellings of all points, at least 19, and its p-value. Raises ``ValueError`` for what is no cloud.
    """
    return _one("coverage", fake, real, with_floor, draws, seed)
