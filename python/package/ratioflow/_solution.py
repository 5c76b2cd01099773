"""What a bare flow comes to: clouds, and measures of them when somebody asks."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from ._plot import draw
from ._points import Points
from ._verdict import Floor, Verdict, floor_of, verdict_of


class Solution:
    """Clouds of a flow at ``steps`` (F), of which the first and the last are always there.

    ``steps``, ``ys`` and ``weights`` are what measures and verdict are worked out from, and read only: change a copy.
    """

    #: Steps done at each kept cloud, (F).
    steps: npt.NDArray[np.int64]
    #: Time Σ ε at each kept cloud, (F), in squared units of the target.
    ts: npt.NDArray[np.float64]
    #: The clouds, (F, N, 2), in the target's units; on the line the second coordinate is 0.
    ys: npt.NDArray[np.float64]
    #: The estimated log ratio at the particles, (F, N); None where the estimator gives none.
    log_ratio: npt.NDArray[np.float64] | None
    #: Weights of the particles, (F, N), which sum to one; None where all are equal.
    weights: npt.NDArray[np.float64] | None
    #: How the flow ended: ``kind`` (``complete``, ``stopped`` or ``diverged``), ``step``, the steps done or the one that failed, and ``words``.
    ending: dict[str, Any]
    #: What to know although it is allowed.
    warnings: list[str]

    def __init__(self, data: Any) -> None:
        self._data: Any = data
        self._judged: dict[str, Any] | None = None
        self.steps, self.ts, self.ys, self.log_ratio, self.weights = data.arrays()
        self._clouds = self.steps, self.ys, self.weights
        for array in self._clouds:
            if array is not None:
                array.flags.writeable = False
        self.ending = dict(zip(("kind", "step", "words"), data.ending()))
        self.warnings = data.warnings()

    def _judge(self) -> dict[str, Any]:
        if self._judged is None:
            # Those that the flow has left, whatever stands under these names by now.
            steps, clouds, weights = self._clouds
            self._judged = self._data.judge(steps.tolist(), clouds, weights)
        return self._judged

    @property
    def cloud(self) -> Points:
        """The last cloud, (N, 2)."""
        return self.ys[-1]

    @property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """``step``, ``time`` and each measure (F) of the kept clouds, against the points that are kept for the last one. Measured at the first look."""
        return {"step": self.steps, "time": self.ts, **self._judge()["columns"]}

    @property
    def metrics(self) -> Any:
        """The columns as a pandas DataFrame if pandas is there, else as a dict of arrays."""
        return table(self.columns)

    @property
    def floors(self) -> dict[str, Floor]:
        """What each measure gives for perfect clouds."""
        return {name: floor for name, told in self._judge()["floors"].items() if (floor := floor_of(told)) is not None}

    @property
    def verdict(self) -> Verdict:
        """Whether the last cloud can be told from the target."""
        return verdict_of(json.loads(self._judge()["verdict"]))

    def to_matplotlib(self, step: int | None = None, ax: Any = None) -> Any:
        """Draws the kept cloud nearest to ``step`` (None: the last) on ``ax``, or on new axes. Needs Matplotlib."""
        k = nearest(self.steps, step)
        log = None if self.log_ratio is None else self.log_ratio[k]
        return draw(self.ys[k], None, log, None, f"step {self.steps[k]}, time {self.ts[k]:.3g}", ax, around=self.ys)

    def __getstate__(self) -> dict[str, Any]:
        # What was not asked for yet cannot be asked for where the flow is not.
        self._judge()
        return {name: value for name, value in self.__dict__.items() if name not in ("_data", "_clouds")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._data = None

    def __repr__(self) -> str:
        frames, particles, _ = self.ys.shape
        return f"<Solution: {particles} particles, {frames} clouds, {self.ending['words']}>"


def nearest(steps: npt.NDArray[Any], step: int | None) -> int:
    """The place of the kept step that is nearest to ``step``; a negative one counts from the end."""
    if step is None:
        return len(steps) - 1
    if step < 0:
        step = int(steps[-1]) + 1 + step
    return int(np.argmin(np.abs(steps - step)))


def table(columns: dict[str, npt.NDArray[Any]]) -> Any:
    """The columns as a pandas DataFrame if pandas is there, else as they are."""
    try:
        import pandas
    except ImportError:
        return columns
    return pandas.DataFrame(columns)
