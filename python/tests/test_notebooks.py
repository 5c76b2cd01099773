"""The notebooks run from top to bottom, and the player is what it should be."""

import html
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
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


class Browser:
    """A browser without a screen, asked by its own protocol for developers."""

    def __init__(self, page, folder):
        program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if program is None:
            pytest.skip("SKIPPED: no browser is here, so that the players were not seen in one")
        self.websocket = pytest.importorskip("websocket")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1100,1700", "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={folder}"]
        self.process = subprocess.Popen([program, *options, page.as_uri()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(folder)})
        self.port_file = folder / "DevToolsActivePort"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def frames(self, question):
        """What each frame answers."""
        port = self.port_file.read_text().split()[0]
        targets = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json"))
        answers = []
        for target in targets:
            if target["type"] == "iframe":
                connection = self.websocket.create_connection(target["webSocketDebuggerUrl"])
                connection.send(json.dumps({"id": 1, "method": "Runtime.evaluate", "params": {"expression": question, "returnByValue": True}}))
                answers.append(json.loads(connection.recv())["result"]["result"].get("value"))
                connection.close()
        return answers


#: Title, what went wrong, whether the player is there, how many colours its stage has, and whether the page around can be reached.
LOOK = """({
    title: document.title, failure: document.getElementById("failure").textContent, shown: !document.querySelector(".stage").hidden,
    colours: (() => { const c = document.querySelector("canvas"); return new Set(c.getContext("2d").getImageData(0, 0, c.width, c.height).data).size; })(),
    outside: (() => { try { return parent.document.title; } catch { return null; } })(),
})"""


@pytest.mark.filterwarnings("ignore")
def test_several_players_live_on_one_page(tmp_path):
    """In a real browser: each draws its own run, without an error, and none reaches the page around it."""
    runs = [rf.run("eight-gaussians", set={**SHORT, "title": f"Player {k}"}) for k in (1, 2, 3)]
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>around</title>" + "".join(run._repr_html_().replace('loading="lazy"', "") for run in runs))
    with Browser(page, tmp_path / "profile") as browser:
        seen, until = [], time.monotonic() + 60
        while time.monotonic() < until and not (len(seen) == 3 and all(one and one["shown"] and one["colours"] > 20 for one in seen)):
            time.sleep(0.3)
            try:
                seen = browser.frames(LOOK)
            except (OSError, KeyError, ValueError):
                continue
    assert sorted(one["title"][:8] for one in seen) == ["Player 1", "Player 2", "Player 3"]
    for one in seen:
        assert one["failure"] == "" and one["shown"] and one["colours"] > 20 and one["outside"] is None
