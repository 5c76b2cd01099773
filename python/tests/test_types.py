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


def test_the_licences_are_those_of_the_repository():
    folder = Path(__file__).parents[1] / "licences"
    for licence in folder.iterdir():
        assert licence.read_bytes() == (folder.parents[1] / licence.name).read_bytes()
    assert {path.name for path in folder.iterdir()} == {"LICENSE-APACHE", "LICENSE-MIT", "NOTICE"}


def test_a_wheel_is_held_to_its_tags(tmp_path):
    import runpy
    import zipfile

    complaints = runpy.run_path(str(Path(__file__).parents[1] / "check_wheels.py"))["complaints"]

    def made(name, inside=("ratioflow/__init__.py", "ratioflow/py.typed", "ratioflow/_engine.pyi", "ratioflow/_engine.abi3.so", "x/LICENSE-APACHE", "x/LICENSE-MIT", "x/NOTICE"), size=10):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for file in inside:
                archive.writestr(file, b"x" * size)
        return complaints(tmp_path / name, "0.1.0")

    for platform in ("manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_35_x86_64", "macosx_11_0_arm64", "macosx_10_12_x86_64", "win_amd64"):
        assert made(f"ratioflow-0.1.0-cp310-abi3-{platform}.whl") == []
    for wrong, told in [
        ("ratioflow-0.1.0-cp311-cp311-win_amd64.whl", "its name"),
        ("ratioflow-0.1.0-cp310-abi3-linux_x86_64.whl", "no platform"),
        ("ratioflow-0.2.0-cp310-abi3-win_amd64.whl", "its version is 0.2.0"),
    ]:
        assert told in " ".join(made(wrong))
    assert "no ratioflow/py.typed" in " ".join(made("ratioflow-0.1.0-cp310-abi3-win_amd64.whl", ["ratioflow/__init__.py"]))
    assert "bytes" in " ".join(made("ratioflow-0.1.0-cp310-abi3-win_amd64.whl", size=2_000_000))
