"""How far a run is, in every front end; and what none of them must do."""

import io
import os
import re
import subprocess
import sys
import types

import pytest

import ratioflow as rf
from ratioflow import _progress
from ratioflow._progress import Bar


@pytest.fixture
def eager(monkeypatch):
    """Shows at once what otherwise waits for half a second."""
    for name in ("QUIET", "PAUSE", "LINES"):
        monkeypatch.setattr(_progress, name, 0.0)


def show(wish, steps=((None, 10), (0, 10), (4, 10), (10, 10))):
    with Bar("mine", wish) as bar:
        for step in steps:
            bar(*step)


def test_a_function_is_told_the_steps(eager):
    seen = []
    show(lambda step, steps: seen.append((step, steps)))
    assert seen == [(None, 10), (0, 10), (4, 10), (10, 10)]


def test_an_error_of_that_function_is_raised(eager):
    with pytest.raises(ZeroDivisionError):
        show(lambda step, steps: 1 // 0)


def test_text_is_shown_where_it_was_asked_for(eager, capsys):
    show(None)
    assert capsys.readouterr().err == ""
    show(True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("mine: floors and first fit") and "step 4 of 10" in lines[2]


def test_nothing_is_shown_of_what_is_quick(capsys):
    rf.flow("gaussian", "ring", steps=2, particles=50, progress=True)
    assert capsys.readouterr().err == ""


def test_a_terminal_has_one_line_that_goes_again(eager, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    show(None)
    text = terminal.getvalue()
    assert "step 4 of 10" in text and "\n" not in text and text.endswith("\r\x1b[2K")


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_real_terminal_sees_it():
    import pty

    parent, child = pty.openpty()
    code = "import ratioflow as rf; rf.flow('gaussian', 'ring', steps=600, particles=6000)"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=child, cwd="/")
    os.close(child)
    seen = b""
    while True:
        try:
            part = os.read(parent, 1024)
        except OSError:
            break
        if not part:
            break
        seen += part
    assert process.wait() == 0 and re.search(rb"flow: step \d+ of 600", seen)


def test_a_notebook_updates_one_output(eager, monkeypatch):
    pytest.importorskip("IPython")
    updates = []

    class Shown:
        def update(self, bundle, raw):
            updates.append(bundle)

    def display(bundle, raw, display_id):
        updates.append(bundle)
        return Shown()

    monkeypatch.setattr(_progress, "_front_end", lambda: "notebook")
    monkeypatch.setattr("IPython.display.display", display)
    show(None)
    assert '<progress max="10" value="4"' in updates[2]["text/html"] and "step 4 of 10" in updates[2]["text/plain"]
    assert "done after" in updates[-1]["text/plain"] and len(updates) == 5


def test_marimo_shows_it_in_its_own_output(eager, monkeypatch):
    seen = []
    marimo = types.ModuleType("marimo")
    marimo.running_in_notebook = lambda: True
    marimo.Html = lambda text: ("html", text)
    marimo.output = types.SimpleNamespace(replace=seen.append, clear=lambda: seen.append(None))
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    show(None)
    assert seen[0][0] == "html" and "step 4 of 10" in seen[2][1] and seen[-1] is None


def test_a_front_end_that_fails_falls_back_to_text(eager, monkeypatch, capsys):
    monkeypatch.setattr(_progress, "_front_end", lambda: "notebook")
    monkeypatch.setattr(Bar, "_display", lambda *_: 1 // 0)
    show(None)
    assert "step 4 of 10" in capsys.readouterr().err


def test_without_any_output_a_run_goes_on(eager, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    show(True)
    assert rf.flow("gaussian", "ring", steps=2, particles=50, progress=True).ending["kind"] == "complete"


def test_a_function_is_told_the_end_of_every_run():
    for steps in (3, 40):
        seen = []
        rf.flow("gaussian", "ring", steps=steps, particles=50, progress=lambda *told: seen.append(told))
        assert seen[-1] == (steps, steps) and seen.count((steps, steps)) == 1
