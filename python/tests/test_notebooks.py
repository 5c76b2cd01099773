"""The notebooks run from top to bottom, and the player is what it should be."""

import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import ratioflow as rf
from conftest import SHORT

FOLDER = Path(__file__).parents[1] / "notebooks"
#: What makes a notebook short, put behind its cell of parameters.
SHORTER = {
    "1-first-flow": "STEPS, PARTICLES = 20, 200",
    "2-judge-your-gan": "POINTS, DRAWS = 300, 19",
    "3-your-own-torch-discriminator": "STEPS, PARTICLES = 12, 100",
}


def test_every_notebook_is_tested():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(SHORTER)


@pytest.mark.parametrize("name", SHORTER)
@pytest.mark.filterwarnings("ignore")
def test_a_notebook_runs_from_top_to_bottom(name, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    if "torch" in name:
        pytest.importorskip("torch", reason="SKIPPED: torch is not here, so that the notebook of a torch discriminator was not run")
    book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in book.cells), "notebooks are kept without outputs"
    place = next(k for k, cell in enumerate(book.cells) if "parameters" in cell.metadata.get("tags", []))
    book.cells.insert(place + 1, nbformat.v4.new_code_cell(SHORTER[name]))
    nbclient.NotebookClient(book, timeout=240, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    shown = [output.get("data", {}) for cell in book.cells for output in cell.get("outputs", [])]
    assert any("<iframe" in data.get("text/html", "") for data in shown) or name == "2-judge-your-gan"
    assert any("<table" in data.get("text/html", "") for data in shown) or name != "2-judge-your-gan"


def page_of(run):
    frame = run._repr_html_()
    assert frame.count("<iframe") == 1 and 'sandbox="allow-scripts"' in frame
    return html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])


def test_the_player_is_the_page_and_reaches_nothing():
    run = rf.run("eight-gaussians", set=SHORT)
    page = page_of(run)
    assert page == run.html()
    # Nothing is fetched: links lead away only where somebody follows them.
    assert not re.search(r"""(?:src|href)\s*=\s*["']https?:""", re.sub(r"<a\s[^>]*>", "", page))
    assert "Content-Security-Policy" in page


@pytest.mark.filterwarnings("ignore")
def test_several_players_live_on_one_page(tmp_path):
    """In a real browser: each draws its own run, and none disturbs the other."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("SKIPPED: no browser is here, so that the players were not seen in one")
    runs = [rf.run(name, set={**SHORT, "title": f"Player {name}"}) for name in ("eight-gaussians", "moons")]
    # Each frame tells the page around it whether its stage is drawn, by a script that stands in for the reader's eyes.
    frames = []
    for run in runs:
        page = run.html()
        probe = "<script>window.onerror = e => parent.postMessage('error ' + e, '*'); addEventListener('load', () => setTimeout(() => { const c = document.querySelector('canvas'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; parent.postMessage(document.title + ': ' + (new Set(d).size > 8 ? 'drawn' : 'empty'), '*'); }, 400));</script>"
        # The page's own policy runs no script but its own, which is what keeps it apart; for this look it is set aside.
        opened = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("<head>", "<head>" + probe, 1)
        frames.append(run._repr_html_().replace(html.escape(page), html.escape(opened)))
    around = "<!doctype html><body><ul id=told></ul><script>addEventListener('message', e => { const li = document.createElement('li'); li.textContent = e.data; told.append(li); });</script>"
    (tmp_path / "page.html").write_text(around + "".join(frame.replace('loading="lazy"', "") for frame in frames))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run([browser, *options, (tmp_path / "page.html").as_uri()], capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)})
    told = re.findall(r"<li>(.*?)</li>", done.stdout)
    assert len(told) == 2 and all(line.endswith("drawn") for line in told), (told, done.stderr[-2000:])
    assert {line.split(":")[0] for line in told} == {"Player eight-gaussians", "Player moons"} or "Player moons" in " ".join(told)
