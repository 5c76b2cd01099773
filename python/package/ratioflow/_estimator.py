"""The engine's estimators as objects, in scikit-learn's manner."""

from __future__ import annotations

import inspect
from typing import Any, Mapping

import numpy as np
import numpy.typing as npt

from . import _engine
from ._points import Points, points, whole


class Estimator:
    """An estimator of the log density ratio ``D ≈ log p/q``, fitted to two samples.

    Settings are given by name, kept as they are, and checked when the estimator is fitted. ``sklearn.base.clone`` works.
    """

    #: Name of the estimator in a scenario.
    name = ""
    #: Whether ``D`` is a log ratio. Otherwise it is a function whose gradient moves a cloud to the target.
    is_log_ratio = True

    @classmethod
    def _names(cls) -> list[str]:
        # The class attribute of the function, and not of an instance: `self` comes first.
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **settings: Any) -> Estimator:
        """Changes settings; the estimator then has to be fitted again.

        Raises ``ValueError`` for a name that it does not have.
        """
        for name, value in settings.items():
            if name not in self._names():
                raise ValueError(f"{type(self).__name__} has no setting `{name}`: must be one of {', '.join(self._names())}")
            setattr(self, name, value)
        for what in ("_fitted", "_made_of"):
            self.__dict__.pop(what, None)
        return self

    def _settings(self) -> dict[str, Any]:
        """The settings of the table of a scenario."""
        # A setting that is a word of Python's, such as lambda, has an underscore behind it here.
        return {name.rstrip("_"): value for name, value in self.get_params().items() if name != "target"}

    def _scenario(self) -> dict[str, Any]:
        target = getattr(self, "target", None)
        if isinstance(target, str):
            target = {target: {}}
        if target is not None and not isinstance(target, Mapping):
            raise TypeError(f'`target` is a {type(target).__name__}: must be a name such as "ring", or a dict such as {{"ring": {{"modes": 5}}}}')
        if target is None and "target" in self._names():
            raise ValueError(f'{type(self).__name__} knows the density of its target: give it, such as target="ring" or target={{"ring": {{"modes": 5}}}}')
        return {"target": target or {"gaussian": {}}, "discriminator": {self.name: self._settings()}}

    def fit(self, real: npt.ArrayLike, fake: npt.ArrayLike, *, progress: float = 1.0, seed: int = 1) -> Estimator:
        """Fits to ``real`` (m, 2), a sample of the target p, and ``fake`` (n, 2), the cloud q.

        ``progress`` in [0, 1] is the part of a run that lies behind: annealed bandwidths depend on it, and have shrunk at 1. ``seed`` is that of all
        randomness. Every fit begins anew: what estimators take over from their last fit in a flow, such as networks that go on learning, is not taken over here. So a class
        of one's own around one of these, which is fitted at every step of a flow, begins anew at each of them. Raises ``ValueError`` for settings out of range and for samples that admit no estimate.
        """
        samples = points("real", real), points("fake", fake)
        if not 0.0 <= progress <= 1.0:
            raise ValueError(f"`progress` is {progress}: must lie between 0 and 1")
        # Kept so that a copy can be fitted to the same: what is random follows from the seed.
        self._made_of: Any = (self._scenario(), *(np.array(sample) for sample in samples), float(progress), whole("seed", seed))
        self._fitted = _engine.Estimator(self._made_of[0])
        try:
            self._fitted.fit(*self._made_of[1:])
        except BaseException:
            for what in ("_fitted", "_made_of"):
                self.__dict__.pop(what, None)
            raise
        return self

    def _fit_again(self) -> Any:
        fitted = self.__dict__.get("_fitted")
        if fitted is None:
            made_of = self.__dict__.get("_made_of")
            if made_of is None:
                raise ValueError(f"this {type(self).__name__} is not fitted yet: call fit(real, fake) first")
            fitted = _engine.Estimator(made_of[0])
            fitted.fit(*made_of[1:])
            self._fitted = fitted
        return fitted

    def evaluate(self, x: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], Points]:
        """``D`` (n) and its gradient (n, 2), in inverse units of the target, at the points ``x`` (n, 2).

        ``Score`` and ``Drift`` give a velocity that is the gradient of nothing: it stands in place of the gradient, and ``D`` is 0 everywhere.
        """
        return self._fit_again().evaluate(points("x", x, 0))

    def log_ratio(self, x: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """``log p/q`` (n), natural logarithm, at the points ``x`` (n, 2).

        Raises ``ValueError`` where ``D`` is no log ratio; ``evaluate`` gives it all the same.
        """
        if not self.is_log_ratio:
            raise ValueError(f"the D of {type(self).__name__} is no log ratio: take it from evaluate(x)")
        return self.evaluate(x)[0]

    def gradient(self, x: npt.ArrayLike) -> Points:
        """``∇D`` (n, 2), in inverse units of the target, at the points ``x`` (n, 2); of ``Score`` and ``Drift`` their velocity."""
        return self.evaluate(x)[1]

    def step_rule(self) -> tuple[float, float | None, float]:
        """The step ε in squared units, the longest displacement (or None) and the length scale that suit the fit."""
        return self._fit_again().step_rule()

    def __sklearn_is_fitted__(self) -> bool:
        return "_made_of" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        # Nobody but scikit-learn asks for them.
        from sklearn.utils import Tags, TargetTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=False))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_fitted"}

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        changed = (f"{name}={value!r}" for name, value in self.get_params().items() if not _same(value, defaults[name].default))
        return f"{type(self).__name__}({', '.join(changed)})"


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(np.all(value == default))
