"""Floors and verdicts: what a number means that was measured on points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Floor:
    """What a measure gives where the cloud is as good as can be: its distribution over perfect clouds of the same size."""

    mean: float
    sd: float
    median: float
    q90: float
    q95: float
    #: Perfect clouds that it was found from; None where that was not kept.
    draws: int | None = None


@dataclass(frozen=True)
class Measured:
    """One measure of a cloud, and where it stands. ``float(measured)`` is its value."""

    #: Name of the measure.
    name: str
    #: Its value.
    value: float
    #: Its floor; None where it gives no number.
    floor: Floor | None
    #: Probability of a value at least as bad for a perfect cloud; NaN without a floor.
    p: float
    #: Standard deviations above the mean of the floor.
    z: float
    #: Whether the cloud can be told from the target by it, and what it can and cannot see.
    sentence: str
    #: Standard error of the value, where it is a mean over something drawn.
    standard_error: float | None = None
    #: A certificate, or that the value is an estimate.
    note: str | None = None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.name} {self.value:.6g} (p = {self.p:.3g}): {self.sentence}"


@dataclass(frozen=True)
class Verdict:
    """Whether a cloud can be told from independent samples of the target, by all measures of fit together."""

    #: Whether no measure tells it from perfect ones, at one false alarm in twenty, and it is no copy.
    at_floor: bool
    #: The joint p-value: how likely a perfect cloud looks as bad in its worst measure. None if no measure has a floor.
    p: float | None
    #: Perfect clouds that it was compared with.
    draws: int
    #: The largest badness among the measures, in standard deviations.
    statistic: float | None
    #: All measures of fit, the worst first: dicts with ``name``, ``value``, ``z`` and ``p``.
    measures: list[dict[str, Any]] = field(repr=False)
    #: First step from which no measure told the cloud from the target; None if there is none.
    since: int | None
    #: Whether some measure shows it to be more regular than independent points.
    too_regular: bool
    #: Whether it lies nearer to the training sample than fresh points do.
    leans_on_training: bool
    #: ``enough``, or what so few points cannot show.
    power: str
    #: All of that in one sentence.
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def verdict_of(told: dict[str, Any]) -> Verdict:
    return Verdict(**{name: told.get(name) for name in Verdict.__dataclass_fields__})  # type: ignore[arg-type]


def floor_of(told: dict[str, Any] | None) -> Floor | None:
    return None if told is None else Floor(**{name: told.get(name) for name in Floor.__dataclass_fields__})  # type: ignore[arg-type]
