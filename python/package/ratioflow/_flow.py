"""Flows: taken step by step, solved as arrays, or run with floors, verdict and page; in the foreground or in the background."""

from __future__ import annotations

import os
import threading
import time
import warnings
from dataclasses import dataclass
from typing import Any, Callable, Generic, Iterator, Mapping, TypeVar, Union

import numpy.typing as npt

from . import _engine
from ._estimator import Estimator
from ._points import Points, points, whole
from ._progress import Bar, Progress
from ._run import Run
from ._scenario import estimator_of, given, is_array, named
from ._solution import Solution

#: A scenario: the name of a shipped one, the path of a file, or a dict of settings, in which points may be arrays.
Scenario = Union[str, "os.PathLike[str]", Mapping[str, Any]]

T = TypeVar("T")

#: Seconds between two looks for a signal.
PATIENCE = 0.05


@dataclass(frozen=True)
class Glance:
    """Where a run in the background stands."""

    #: Steps done.
    step: int
    #: Steps to do.
    steps: int
    #: Σ ε, in squared units of the target.
    time: float
    #: A copy of the particles, (n, 2).
    cloud: Points


class Handle(Generic[T]):
    """A run that goes on in the background, while Python does something else.

    A handle that nobody holds any more ends its run.
    """

    def __init__(self, native: Any, name: str, wrap: Callable[[Any], T]) -> None:
        self._native, self._name, self._wrap = native, name, wrap
        self._result: T | None = None
        self._error: BaseException | None = None
        self._ended = False
        self._lock = threading.Lock()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._ended or self._native.join(0.0)

    @property
    def paused(self) -> bool:
        """Whether it is held."""
        return self._native.paused

    def wait(self, timeout: float | None = None, *, progress: Progress = None) -> T:
        """Waits for the end, ``timeout`` seconds at most, and gives the result.

        Raises ``TimeoutError`` after that time; the run goes on, as it does after a ``KeyboardInterrupt``. An error of the run itself is raised here.
        """
        if timeout is not None and timeout != timeout:
            raise ValueError(f"`timeout` is {timeout}: must be a number of seconds, or None")
        until = None if timeout is None else time.monotonic() + timeout
        bar = Bar(self._name, progress)
        with bar as show:
            while not self._ended:
                left = PATIENCE if until is None else min(PATIENCE, until - time.monotonic())
                # Without the lock of the interpreter; signals are heard on the way back.
                if self._native.join(max(left, 0.0)):
                    self._end()
                    if self._error is None:
                        bar.end(*self._native.progress())
                elif until is not None and time.monotonic() >= until:
                    step, steps = self._native.progress()
                    raise TimeoutError(f"{self._name} has not ended after {timeout} s: {step or 0} of {steps} steps are done; wait(…) again, or abort()")
                else:
                    show(*self._native.progress())
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def _end(self) -> None:
        # The result can be taken once, and several threads may wait for it.
        with self._lock:
            if self._ended:
                return
            try:
                self._result = self._wrap(self._native.result())
            # A `KeyboardInterrupt` too: an estimator of one's own may raise it.
            except BaseException as error:
                self._error = error
            self._ended = True

    def inspect(self) -> Glance | None:
        """Where it stands; None before the first fit."""
        seen = self._native.inspect()
        if seen is None:
            return None
        step, at, cloud = seen
        return Glance(step, self._native.progress()[1], at, cloud)

    def pause(self) -> None:
        """Holds it at its next step."""
        self._native.pause()

    def resume(self) -> None:
        """Lets it go on."""
        self._native.resume()

    def abort(self, reason: str = "aborted", *, progress: Progress = None) -> T:
        """Ends it at its next step and gives what is there: a whole result of fewer steps, the ``ending`` of which names the reason."""
        self._native.ask(reason)
        return self.wait(progress=progress)

    def __enter__(self) -> Handle[T]:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended:
            self._native.ask("left")

    def __reduce__(self) -> Any:
        raise TypeError("a run that goes on cannot be pickled: wait() for its result, which can")

    def __repr__(self) -> str:
        try:
            ended = self.done
        except RuntimeError:
            return f"<Handle {self._name}: of another process>"
        step, steps = self._native.progress()
        state = "ended" if ended else "paused" if self.paused else "running"
        return f"<Handle {self._name}: {state}, {step or 0} of {steps} steps>"


class Steps(Iterator[Any]):
    """The steps of a flow, the first cloud first. ``ending`` says how the flow ended."""

    def __init__(self, native: Any, name: str) -> None:
        self._native, self._name, self._told = native, name, False

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> Any:
        try:
            step = next(self._native, None)
        except BaseException:
            # Whoever got an exception needs no warning of the same.
            self._told = True
            raise
        if step is not None:
            return step
        if self.ending is not None and self.ending[0] == "diverged" and not self._told:
            self._told = True
            warnings.warn(f"{self._name} {self.ending[2]}", RuntimeWarning, stacklevel=2)
        raise StopIteration

    @property
    def ending(self) -> tuple[str, int, str] | None:
        """Kind (``complete``, ``stopped`` or ``diverged``), steps done or the step that failed, and words; None while the flow goes on."""
        return self._native.ending()

    def stop(self, reason: str = "asked for") -> None:
        """Ends the flow where it stands."""
        self._native.stop(reason)


class Flow:
    """A cloud that is to flow from ``source`` to ``target``.

    ``source``: the particles (n, 2), in their order; or a name or table of a family to draw ``particles`` from, such as ``"gaussian"``; None: a Gaussian that fits the
    target. ``target``: a sample (m, 2), of which one half is held out to measure by, unless ``held_out`` (k, 2) gives further points; or a name or table
    such as ``"ring"``. ``estimator``: a name, an estimator such as ``Kde()``, or an object of one's own with ``fit(real, fake)`` and
    ``evaluate(x) -> (D, gradient)``. ``steps`` and further ``settings`` are those of the table ``[flow]`` of a scenario; ``set`` holds any others
    under dotted keys, such as ``{"metrics.every": 5}``. ``samples`` is how many target points the estimator sees, ``frames`` how many clouds are kept.

    Iteration gives the steps, ``solve()`` arrays, ``run()`` a run with floors, verdict and page, ``start()`` the same in the background. Raises ``ValueError`` for
    settings that cannot be used, with their place and a remedy.
    """

    def __init__(
        self,
        source: npt.ArrayLike | str | Mapping[str, Any] | None,
        target: npt.ArrayLike | str | Mapping[str, Any],
        estimator: Any = "kde",
        *,
        steps: int = 200,
        seed: int = 1,
        held_out: npt.ArrayLike | None = None,
        generator: str | Mapping[str, Any] | None = None,
        particles: int | None = None,
        samples: int | None = None,
        frames: int = 100,
        title: str = "",
        set: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        cloud: dict[str, Any] = {"particles": particles, "samples": samples}
        scenario: dict[str, Any] = {"title": title, "seed": seed}
        if is_array(target):
            scenario["target"] = {"points": {"file": points("target", target, 2)}}
            if held_out is not None:
                scenario["target"]["points"]["held_out"] = points("held_out", held_out, 4)
        else:
            scenario["target"] = named("target", target)
            if held_out is not None:
                raise ValueError("`held_out` belongs to a target that is an array: other targets draw fresh points to measure by")
        if source is not None and is_array(source):
            start = points("source", source, 2)
            particles = None if particles is None else whole("particles", particles, 2)
            if particles is not None and particles > len(start):
                raise ValueError(f"`particles` is {particles}: `source` has {len(start)} points")
            cloud["particles"] = len(start) if particles is None else particles
            # A generator draws its latent points from the source, again and again.
            scenario["source"] = {"points": {"file": start, "in_order": generator is None}}
        elif source is not None:
            scenario["source"] = named("source", source)
        scenario["cloud"] = cloud
        scenario["flow"] = {"steps": steps, **settings}
        scenario["output"] = {"frames": frames}
        table, own = estimator_of(estimator, None if is_array(target) else scenario["target"])
        scenario["discriminator"] = table
        if generator is not None:
            scenario["generator"] = named("generator", generator, "distill", {"network": [8]})
        self._build(*given(scenario, set), own, False)

    @classmethod
    def from_scenario(
        cls,
        scenario: Scenario,
        *,
        set: Mapping[str, Any] | None = None,
        estimator: Any = None,
        allow_outside: bool = False,
    ) -> Flow:
        """A flow as a scenario has it; ``set`` changes it, as ``--set`` does on the command line (None takes a key away). A file may read files of its own folder
        alone, unless ``allow_outside`` is set."""
        flow = cls.__new__(cls)
        settings, arrays, changes = given(scenario, set)
        own = None
        if estimator is not None:
            table, own = estimator_of(estimator)
            if table is not None:
                changes["discriminator"] = table
        flow._build(settings, arrays, changes, own, allow_outside)
        return flow

    def _build(self, scenario: Any, arrays: dict[str, Points], set: dict[str, Any], own: Any, allow_outside: bool) -> None:
        self._native = _engine.Flow(scenario, arrays, set, own, allow_outside)
        name = self._native.name
        self._name = "flow" if name == "python" else name

    @property
    def scenario(self) -> str:
        """The scenario as TOML, every default spelled out."""
        return self._native.scenario()

    @property
    def warnings(self) -> list[str]:
        """What to know although it is allowed."""
        return self._native.warnings()

    @property
    def samples(self) -> tuple[Points, Points]:
        """The first cloud (n, 2), and the target sample (m, 2) that the estimator sees."""
        return self._native.samples()

    def __iter__(self) -> Steps:
        return Steps(self._native.steps(), self._name)

    def start(self) -> Handle[Run]:
        """Starts the run in the background."""
        return Handle(self._native.start(), self._name, Run)

    def run(self, *, progress: Progress = None) -> Run:
        """Runs it to its end, with floors, verdict and page. Ctrl-C ends it at its next step, and gives what is there; a second Ctrl-C gives that up."""
        return foreground(self.start(), progress)

    def start_solving(self) -> Handle[Solution]:
        """Starts the bare flow in the background."""
        native = self._native.start_bare()
        return Handle(native, self._name, lambda data: Solution(data))

    def solve(self, *, progress: Progress = None) -> Solution:
        """Runs the bare flow: clouds as arrays, which are measured when somebody asks. Ctrl-C as for ``run``."""
        return foreground(self.start_solving(), progress)

    def __reduce__(self) -> Any:
        raise TypeError("a Flow cannot be pickled: pickle what it was made from, or its Run or Solution")

    def __repr__(self) -> str:
        return f"<Flow {self._name}>"


def foreground(handle: Handle[T], progress: Progress) -> T:
    """Waits for a run; the first Ctrl-C ends it at its next step, the second ends the waiting."""
    try:
        return handle.wait(progress=progress)
    except KeyboardInterrupt:
        return handle.abort("by Ctrl-C")


def flow(
    source: npt.ArrayLike | str | Mapping[str, Any] | None,
    target: npt.ArrayLike | str | Mapping[str, Any],
    estimator: str | Mapping[str, Any] | Estimator | Any = "kde",
    *,
    steps: int = 200,
    seed: int = 1,
    progress: Progress = None,
    **settings: Any,
) -> Solution:
    """Moves the cloud ``source`` along the gradient of the estimated log ratio to ``target``: clouds in, clouds out.

    ``source`` (n, 2), ``target`` (m, 2), ``estimator`` and ``settings`` are those of ``Flow``. Gives a ``Solution``: ``ts`` (F), ``ys`` (F, N, 2), ``log_ratio`` (F, N),
    and ``metrics``, ``floors`` and ``verdict``, which are worked out when they are asked for. Raises ``ValueError`` for what cannot be used.
    """
    return Flow(source, target, estimator, steps=steps, seed=seed, **settings).solve(progress=progress)


def start(
    scenario: Scenario,
    *,
    set: Mapping[str, Any] | None = None,
    estimator: Any = None,
    allow_outside: bool = False,
) -> Handle[Run]:
    """Starts a scenario in the background; see ``run``."""
    return Flow.from_scenario(scenario, set=set, estimator=estimator, allow_outside=allow_outside).start()


def run(
    scenario: Scenario,
    *,
    set: Mapping[str, Any] | None = None,
    estimator: Any = None,
    allow_outside: bool = False,
    progress: Progress = None,
) -> Run:
    """Runs a scenario in memory: the name of a shipped one (``scenarios()`` lists them), the path of a file, or a dict of settings.

    ``set`` changes it under dotted keys, such as ``{"flow.steps": 50}``. The same scenario and seed give the same clouds and numbers as ``ratioflow run``, to the byte;
    ``run.save(folder)`` writes the same files. Ctrl-C ends it at its next step and gives what is there; a second Ctrl-C gives that up. Raises ``ValueError`` for settings that
    cannot be used, with their place and a remedy, and ``MemoryError`` for what would not fit.
    """
    handle = start(scenario, set=set, estimator=estimator, allow_outside=allow_outside)
    return foreground(handle, progress)


def scenarios() -> dict[str, str]:
    """The scenarios that ship: name, and title with question."""
    return dict(_engine.shipped())
