"""Types: the stubs are those of the module, and the package keeps to them."""

import os
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

import pytest

import ratioflow as rf

#: What mypy has worked out once serves all tests, which one process runs.
os.environ["MYPY_CACHE_DIR"] = tempfile.mkdtemp(prefix="mypy-")
CONFIG = Path(__file__).parents[1] / "pyproject.toml"


def test_the_stubs_are_those_of_the_module(tmp_path):
    pytest.importorskip("mypy")
    done = subprocess.run([sys.executable, "-m", "mypy.stubtest", "ratioflow", "--mypy-config-file", CONFIG], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_keeps_to_its_types(tmp_path):
    pytest.importorskip("mypy")
    done = subprocess.run([sys.executable, "-m", "mypy", "--config-file", CONFIG, "-p", "ratioflow"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_a_users_program_is_checked_against_it(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "good.py").write_text("import ratioflow as rf\nx: float = rf.w2([[0.0, 1.0]], [[1.0, 2.0]])\np: float = rf.w2([[0.0, 1.0]], [[1.0, 2.0]], with_floor=True).p\nfor step in rf.Flow('gaussian', 'ring'):\n    print(step.cloud.shape)\n")
    (tmp_path / "bad.py").write_text("import ratioflow as rf\nx: str = rf.w2([[0.0, 1.0]], [[1.0, 2.0]])\nrf.run('moons').verdikt\n")
    check = lambda name: subprocess.run([sys.executable, "-m", "mypy", "--strict", name], capture_output=True, text=True, cwd=tmp_path)
    assert check("good.py").returncode == 0
    assert "Found 2 errors" in check("bad.py").stdout


def test_the_package_says_that_it_is_typed():
    assert files("ratioflow").joinpath("py.typed").is_file() and files("ratioflow").joinpath("_engine.pyi").is_file()


def test_everything_public_is_explained():
    for name in rf.__all__:
        item = getattr(rf, name)
        if name in ("ESTIMATORS", "__version__"):
            continue
        assert item.__doc__, name
        for method, value in vars(item).items() if isinstance(item, type) else ():
            if not method.startswith("_") and (callable(value) or isinstance(value, property)) and method not in ("fget",):
                assert value.__doc__, f"{name}.{method}"
