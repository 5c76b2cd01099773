"""Estimators of anybody's own: an object with ``fit(real, fake)`` and ``evaluate(x)``, as the engine asks for it."""

from __future__ import annotations

import inspect
from typing import Any, Callable

import numpy as np

#: What an estimator of one's own may ask for in ``fit``, beside the two samples: twice the step, and one more for another cloud of that step (which ``heun``
#: tries, ``nesterov`` looks ahead to, or a generator that is trained adversarially has by then); the part of the flow that lies behind, in [0, 1]; and the scenario's seed, the same at
#: every fit.
ASKED = ("index", "progress", "seed")


def is_own(given: Any) -> bool:
    """Whether ``given`` can be fitted and evaluated."""
    return callable(getattr(given, "fit", None)) and callable(getattr(given, "evaluate", None))


class Adapter:
    """Calls the estimator, and checks what it returns."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.name = type(estimator).__name__
        self.is_log_ratio = bool(getattr(estimator, "is_log_ratio", True))
        self.wanted = _wanted(estimator.fit)

    def fit(self, real: Any, fake: Any, index: int, progress: float, seed: int) -> None:
        # A flow that begins anew begins with nothing learned, if the estimator can forget.
        forget = getattr(self.estimator, "reset", None)
        if index == 0 and callable(forget):
            forget()
        known = {"index": index, "progress": progress, "seed": seed}
        self.estimator.fit(real, fake, **{name: known[name] for name in self.wanted})

    def evaluate(self, x: Any) -> tuple[Any, Any]:
        count = len(x)
        found = self.estimator.evaluate(x)
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise ValueError(f"{self.name}.evaluate returned a {type(found).__name__}: must return a pair, D (n) and its gradient (n×2)")
        log, gradient = (self._numbers(what, value) for what, value in zip(("D", "the gradient"), found))
        if log.shape == (count, 1):
            log = log[:, 0]
        for what, array, shape in (("D", log, (count,)), ("the gradient", gradient, (count, 2))):
            if array.shape != shape:
                raise ValueError(f"{self.name}.evaluate returned {what} of shape {array.shape} for {count} points: must be {shape}")
            if not np.isfinite(array).all():
                row = int(np.argwhere(~np.isfinite(array))[0][0])
                raise ValueError(f"{self.name}.evaluate returned {what} that is {array[row]} at x[{row}] = {x[row].tolist()}: must be finite")
        return np.ascontiguousarray(log), np.ascontiguousarray(gradient)

    def _numbers(self, what: str, value: Any) -> Any:
        # A tensor that still knows how it was made is refused by NumPy.
        detach = getattr(value, "detach", None)
        if callable(detach):
            value = detach().cpu().numpy()
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{self.name}.evaluate returned {what} of {array.dtype}: must be real numbers")
        return array.astype(np.float64, copy=False)

    def step_rule(self) -> tuple[float, float | None, float] | None:
        """Step, longest displacement (or None) and length scale; None: the engine's own rule."""
        rule = getattr(self.estimator, "step_rule", None)
        if not callable(rule):
            return None
        found = rule()
        if not isinstance(found, (tuple, list)) or len(found) != 3:
            what = f"{len(found)} numbers" if isinstance(found, (tuple, list)) else f"a {type(found).__name__}"
            raise ValueError(f"{self.name}.step_rule returned {what}: must return three, step, longest displacement (or None) and length scale")
        step, longest, scale = found
        step, scale = float(step), float(scale)
        longest = None if longest is None else float(longest)
        for what, number in (("step", step), ("longest displacement", longest), ("length scale", scale)):
            if number is not None and not (np.isfinite(number) and number > 0):
                raise ValueError(f"{self.name}.step_rule returned a {what} of {number}: must be a finite number greater than 0")
        return step, longest, scale


def _wanted(fit: Callable[..., Any]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(fit).parameters.values()
    except (TypeError, ValueError):
        return ()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return ASKED
    return tuple(name for name in ASKED if any(parameter.name == name for parameter in parameters))
