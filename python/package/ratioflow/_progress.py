"""How far a run is, shown by the thread that waits for it: in a notebook, on a terminal, or as lines of text."""

from __future__ import annotations

import html
import sys
import time
from types import TracebackType
from typing import Any, Callable, Union

#: None: shown where somebody looks on; True: shown anywhere, as text if need be; False: not shown; a function: called with the steps done (or
#: None before the first) and the steps to do, after half a second now and then, and always at the end.
Progress = Union[None, bool, Callable[[Union[int, None], int], Any]]

#: Seconds before anything is shown, and between two pictures of it.
QUIET, PAUSE = 0.5, 0.2
#: Seconds between two lines of text.
LINES = 5.0


def _front_end() -> str:
    """Where output goes: ``marimo``, ``notebook`` (Jupyter, VS Code, Colab and their like), ``terminal`` or ``text``."""
    marimo = sys.modules.get("marimo")
    if marimo is not None:
        try:
            if marimo.running_in_notebook():
                return "marimo"
        except Exception:
            pass
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is not None and getattr(shell, "kernel", None) is not None:
        return "notebook"
    try:
        return "terminal" if sys.stderr.isatty() else "text"
    except Exception:
        return "text"


class Bar:
    """Shows how far a run is; ``with Bar(…) as show: show(step, steps)``."""

    def __init__(self, name: str, wish: Progress) -> None:
        self.name, self.wish = name, wish
        self.began = time.monotonic()
        self.last = 0.0
        self.shown = False
        self.told: tuple[int | None, int] | None = None
        self.handle: Any = None
        self.front = "function" if callable(wish) else _front_end()
        self.on = wish is not False and (wish is not None or self.front != "text")

    def __enter__(self) -> Callable[[int | None, int], None]:
        return self.show

    def show(self, step: int | None, steps: int) -> None:
        """Shows it, unless it was shown a moment ago. What a front end cannot do is no reason to lose a run."""
        now = time.monotonic()
        pause = LINES if self.front == "text" else PAUSE
        if not self.on or now - self.began < QUIET or now - self.last < pause:
            return
        self.last = now
        if callable(self.wish):
            self._tell(step, steps)
            return
        try:
            self._draw(step, steps, now - self.began)
            self.shown = True
        except Exception:
            self.front = "text" if self.front != "text" else "none"
            self.on = self.front != "none"

    def end(self, step: int | None, steps: int) -> None:
        """Tells a function where the run has ended, however short it was, unless it knows."""
        if callable(self.wish) and self.told != (step, steps):
            self._tell(step, steps)

    def _tell(self, step: int | None, steps: int) -> None:
        self.told = step, steps
        self.wish(step, steps)  # type: ignore[operator, misc]

    def _words(self, step: int | None, steps: int, seconds: float) -> str:
        if step is None:
            return f"{self.name}: floors and first fit, {seconds:.0f} s"
        left = seconds / step * (steps - step) if step else float("nan")
        rest = f", about {left:.0f} s left" if left == left else ""
        return f"{self.name}: step {step} of {steps}, {seconds:.0f} s{rest}"

    def _draw(self, step: int | None, steps: int, seconds: float) -> None:
        words = self._words(step, steps, seconds)
        if self.front == "terminal":
            sys.stderr.write(f"\r\x1b[2K{words}")
            sys.stderr.flush()
        elif self.front == "text":
            print(words, file=sys.stderr, flush=True)
        else:
            value = "" if step is None else f' value="{step}"'
            markup = f'<progress max="{max(steps, 1)}"{value} style="width:18em"></progress> <span style="font-family:monospace">{html.escape(words)}</span>'
            if self.front == "marimo":
                marimo = sys.modules["marimo"]
                marimo.output.replace(marimo.Html(markup))
            else:
                self._display({"text/html": markup, "text/plain": words})

    def _display(self, bundle: dict[str, str]) -> None:
        import IPython.display

        show: Any = IPython.display.display
        if self.handle is None:
            self.handle = show(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self.shown:
            return
        try:
            if self.front == "terminal":
                sys.stderr.write("\r\x1b[2K")
                sys.stderr.flush()
            elif self.front == "marimo":
                sys.modules["marimo"].output.clear()
            elif self.front == "notebook":
                seconds = time.monotonic() - self.began
                words = f"{self.name}: {'interrupted' if error else 'done'} after {seconds:.1f} s"
                self._display({"text/html": f'<span style="font-family:monospace">{html.escape(words)}</span>', "text/plain": words})
        except Exception:
            pass
