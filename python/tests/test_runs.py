"""Whole runs: numbers, directories, generators, comparisons, pictures, and the same bytes as the command line."""

import gc
import json
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas
import pytest

import ratioflow as rf
from conftest import SHORT

ROOT = Path(__file__).parents[2]
GENERATOR = {"generator": {"distill": {"network": [8], "inner_steps": 5, "batch": 32}}}


def program() -> Path:
    """The command line program of the same sources, if it was built."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    found = os.environ.get("RATIOFLOW_BIN") or target / "release" / ("ratioflow.exe" if os.name == "nt" else "ratioflow")
    if not Path(found).is_file():
        pytest.skip(f"{found} is not there: `cargo build --release` makes it, or RATIOFLOW_BIN names another")
    return Path(found)


@pytest.fixture(scope="module")
def run() -> rf.Run:
    return rf.run("eight-gaussians", set=SHORT)


@pytest.fixture(scope="module")
def trained() -> rf.Run:
    return rf.run("eight-gaussians", set={**SHORT, **GENERATOR})


def test_a_run_has_numbers_floors_verdict_and_clouds(run):
    assert run.name == "eight-gaussians" and run.status == "complete" and run.ending["kind"] == "complete"
    assert isinstance(run.metrics, pandas.DataFrame) and list(run.metrics["step"]) == [0, 4]
    assert run.final["energy_distance"] > 0 and run.floors["energy_distance"].q95 > 0
    assert run.verdict.sentence == str(run.verdict) and run.verdict.sentence in run.sentence
    seen = run.trajectory
    assert seen.particles.shape == (3, 80, 2) and seen.steps.tolist() == [0, 2, 4] and seen.log_ratio.shape == (3, 80)
    assert seen.target.shape == (160, 2) and seen.reference.shape == (80, 2) and seen.field_velocity.shape[0] == 3
    np.testing.assert_array_equal(run.cloud, seen.particles[-1])
    assert 'title = "Ring of eight Gaussians"' in run.scenario or "[target.ring]" in run.scenario
    assert run.generator is None and repr(run).startswith("<Run eight-gaussians: 4 steps")


def test_settings_of_numpy_and_none_change_a_scenario():
    run = rf.run("eight-gaussians", set={**SHORT, "flow.steps": np.int32(2), "target.ring.sd": np.float64(0.3)})
    assert run.manifest["steps"] == 2 and "sd = 0.3" in run.scenario
    assert "[generator" not in rf.run("affine-gan", set={**SHORT, "generator": None}).scenario


def test_a_scenario_can_be_a_dict_with_arrays(clouds):
    fake, real = clouds
    scenario = {"title": "Mine", "target": {"points": {"file": real}}, "source": {"points": {"file": fake}}, "cloud": {"particles": 60}, "flow": {"steps": 3}, "output": {"frames": 2}}
    run = rf.run(scenario, set={"metrics.floor_draws": 19})
    assert run.name == "python" and {tuple(p) for p in run.trajectory.target} <= {tuple(p) for p in real}
    assert 'file = "target.npy"' in run.scenario


def test_a_scenario_can_be_a_file(tmp_path):
    (tmp_path / "01-mine.toml").write_text("[target.ring]\nmodes = 3\n")
    np.savetxt(tmp_path / "points.csv", np.random.default_rng(1).normal(size=(300, 2)), delimiter=",")
    assert rf.run(tmp_path / "01-mine.toml", set=SHORT).name == "mine"
    (tmp_path / "below").mkdir()
    other = tmp_path / "below" / "other.toml"
    other.write_text('target.points.file = "../points.csv"\n')
    with pytest.raises(ValueError, match="outside the scenario's folder"):
        rf.run(other, set=SHORT)
    assert rf.run(other, set={**SHORT, "cloud.particles": 50}, allow_outside=True).status == "complete"


def test_what_is_no_scenario_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="did you mean `eight-gaussians`"):
        rf.run("8-gaussian")
    with pytest.raises(TypeError, match="must be the name of a shipped scenario"):
        rf.run(3)
    with pytest.raises(rf.ScenarioError, match="target") as told:
        rf.run({"flow": {"steps": 3}})
    assert told.value.message
    (tmp_path / "bad.toml").write_text("[target.ring\n")
    with pytest.raises(rf.ScenarioError, match="not valid TOML") as told:
        rf.run(tmp_path / "bad.toml")
    assert told.value.place[1] == 1
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="UTF-8"):
        rf.run(tmp_path / "binary.toml")
    with pytest.raises(ValueError, match="no plain file"):
        rf.run(tmp_path)
    with pytest.raises(MemoryError, match="lower"):
        rf.run("eight-gaussians", set={"cloud.particles": 10**12})


def test_what_would_not_fit_is_refused_before_it_is_tried(trained, clouds):
    with pytest.raises(MemoryError, match="lower draws"):
        rf.measure(*clouds, draws=10**13)
    with pytest.raises(MemoryError, match="lower n"):
        trained.generator.sample(10**14)
    with pytest.raises(MemoryError, match="lower"):
        rf.compare("eight-gaussians", set={"cloud.particles": 10**12})
    with pytest.raises(MemoryError, match="lower"):
        rf.flow("gaussian", "ring", particles=10**12)


def test_every_text_can_be_set():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
    for text in ['a\nb"c\'\\\t', "\x7f\x00\x1b", "∇ ² 𝒩", "'''", '"' * 3, ""]:
        run = rf.run("moons", set={**SHORT, "flow.steps": 1, "title": text})
        assert tomllib.loads(run.scenario)["title"] == text


def test_what_cannot_be_set_is_told():
    with pytest.raises(TypeError, match="`set` is a list"):
        rf.run("moons", set=["flow.steps=3"])
    with pytest.raises(TypeError, match="a key of `set` is 3"):
        rf.run("moons", set={3: 4})
    with pytest.raises(rf.ScenarioError, match="whole number"):
        rf.run("moons", set={"flow.steps": 2.0})


def test_scenarios_are_listed():
    shipped = rf.scenarios()
    assert "eight-gaussians" in shipped and len(shipped) >= 40 and all("?" in line for line in shipped.values())


def test_a_saved_run_is_read_again(run, tmp_path):
    folder = run.save(tmp_path / "run")
    assert {"run.json", "metrics.csv", "trajectory.npz", "report.html", "animation.png", "scenario.toml", "checkpoint"} <= set(os.listdir(folder))
    other = rf.load(folder)
    assert other.manifest == run.manifest and other.verdict == run.verdict
    for name, column in run.columns.items():
        np.testing.assert_array_equal(other.columns[name], column)
    for name, array in vars(run.trajectory).items():
        np.testing.assert_array_equal(getattr(other.trajectory, name), array)
    assert other.html() == run.html()


def test_a_folder_that_is_not_free_is_left_alone(run, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="mine.txt|not empty|is no"):
        run.save(tmp_path)
    folder = run.save(tmp_path / "run", frames=False)
    with pytest.raises(ValueError):
        run.save(folder)
    assert run.save(folder, force=True, frames=False) == folder and not (folder / "animation.png").exists()
    other = rf.load(folder)
    with pytest.raises(ValueError, match="new or empty"):
        other.save(folder)
    assert sorted(os.listdir(other.save(tmp_path / "copy"))) == sorted(set(os.listdir(folder)) - {".lock"})
    with pytest.raises(ValueError, match="name a folder"):
        other.save()
    with pytest.raises(ValueError, match="no run directory"):
        rf.load(tmp_path)
    with pytest.raises(OSError):
        run.save(tmp_path / "mine.txt" / "below")


def test_without_a_folder_a_run_is_saved_below_output(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run.save(frames=False).as_posix() == "output/eight-gaussians/001"
    assert run.save(frames=False).as_posix() == "output/eight-gaussians/002"


def test_runs_are_pickled_with_all_that_they_hold(trained, tmp_path):
    other = pickle.loads(pickle.dumps(trained))
    np.testing.assert_array_equal(other.trajectory.particles, trained.trajectory.particles)
    assert other.verdict == trained.verdict and other._repr_html_() == trained._repr_html_() and other.sentence == trained.sentence
    np.testing.assert_array_equal(other.generator.sample(20), trained.generator.sample(20))
    assert rf.load(other.save(tmp_path / "again")).manifest == trained.manifest


def test_a_generator_samples_applies_and_shows_its_parameters(trained):
    generator = trained.generator
    assert generator.kind == "distill" and generator.activation == "relu" and "2 → 8 → 2" in repr(generator)
    assert generator.sample(7).shape == (7, 2)
    np.testing.assert_array_equal(generator.sample(50, seed=3), generator.sample(50, seed=3))
    assert not np.array_equal(generator.sample(50, seed=3), generator.sample(50, seed=4))
    state = generator.state_dict()
    assert state["0.weight"].shape == (8, 2) and state["0.weight"].dtype == np.float32 and state["input"].shape == ()
    z = np.random.default_rng(5).normal(size=(30, 2))
    # The network as docs/generators.md has it.
    x = (z - state["centre"]) / state["input"]
    x = np.maximum(x @ state["0.weight"].T + state["0.bias"], 0)
    expected = state["shift"] + state["skip"] * z + state["output"] * (x @ state["1.weight"].T + state["1.bias"])
    np.testing.assert_allclose(generator.apply(z), expected, atol=1e-5)
    with pytest.raises(ValueError, match="`n` is 0"):
        generator.sample(0)
    with pytest.raises(ValueError, match="`z` has shape"):
        generator.apply(np.zeros(3))
    with pytest.raises(TypeError, match="pickle its run"):
        pickle.dumps(generator)


def test_a_generator_may_have_latent_points_of_its_own():
    training = {"network": [8], "residual": False, "latent": {"dimension": 5, "distribution": "uniform"}}
    generator = rf.run("eight-gaussians", set={**SHORT, "generator.distill": training}).generator
    assert generator.latent_dimension == 5 and "5 → 8 → 2" in repr(generator)
    state = generator.state_dict()
    assert state["0.weight"].shape == (8, 5) and state["centre"].shape == (5,) and state["skip"] == 0
    z = np.random.default_rng(5).normal(size=(30, 5))
    x = np.maximum(z @ state["0.weight"].T + state["0.bias"], 0)
    expected = state["shift"] + state["output"] * (x @ state["1.weight"].T + state["1.bias"])
    np.testing.assert_allclose(generator.apply(z), expected, atol=1e-5)
    with pytest.raises(ValueError, match="must be n×5"):
        generator.apply(z[:, :2])


def test_the_same_scenario_gives_the_same_run_again(run):
    other = rf.run("eight-gaussians", set=SHORT)
    assert other.manifest == run.manifest and other.trajectory.particles.tobytes() == run.trajectory.particles.tobytes()
    assert rf.run("eight-gaussians", set={**SHORT, "seed": 2}).final != run.final


def test_an_estimator_can_be_put_into_a_scenario():
    run = rf.run("eight-gaussians", set=SHORT, estimator=rf.Moments())
    assert "[discriminator.moments]" in run.scenario
    assert "bandwidth = 0.4" in rf.run("eight-gaussians", set=SHORT, estimator=rf.Kde(bandwidth=0.4)).scenario


def test_variants_are_compared(tmp_path):
    settings = {**SHORT, "flow.steps": 3}
    comparison = rf.compare("eight-gaussians", {"fine": {"flow.step_ratio": 0.5}, "mlp net": {"discriminator.moments": {}}}, set=settings)
    assert list(comparison) == comparison.order == ["fine", "mlp net"] and len(comparison) == 2
    assert comparison["fine"].manifest["steps"] == 3 and comparison["mlp net"].verdict.sentence
    assert isinstance(comparison.table, pandas.DataFrame) and list(comparison.table.index) == ["fine", "mlp net"]
    assert "<iframe" in comparison._repr_html_() and "mlp net" in comparison.html()
    saved = comparison.save(tmp_path / "kept")
    other = pickle.loads(pickle.dumps(comparison))
    assert other.rows == comparison.rows and other["mlp net"].final == comparison["mlp net"].final
    assert (saved / "comparison.json").is_file()


def test_what_cannot_be_compared_is_refused(tmp_path):
    with pytest.raises(rf.ScenarioError, match="same seeds"):
        rf.compare("eight-gaussians", ["other: seed=5"], set=SHORT)
    with pytest.raises(ValueError, match="has no name"):
        rf.compare("eight-gaussians", ["flow.steps=5"], set=SHORT)
    with pytest.raises(ValueError, match="two variants are called"):
        rf.compare("eight-gaussians", ["a: flow.steps=3", "a: flow.steps=4"], set=SHORT)
    with pytest.raises(ValueError, match="`seeds` is 0: must be between 1 and 1000"):
        rf.compare("eight-gaussians", seeds=0)


def test_several_seeds_have_a_spread():
    comparison = rf.compare("eight-gaussians", ["a: flow.steps=2", "b: flow.steps=3"], set=SHORT, seeds=2, frames=False)
    assert comparison.manifest["spread"]["a"]["energy_distance"]["seeds"] == 2


def test_matplotlib_draws_a_step(run, clouds):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    ax = run.to_matplotlib()
    assert "step 4" in ax.get_title() and len(ax.collections) >= 2
    assert ax.get_xlim() == tuple(run.trajectory.view[0])
    shared = pyplot.subplots()[1]
    assert run.to_matplotlib(0, ax=shared) is shared and "step 0" in shared.get_title()
    assert "step 4" in run.to_matplotlib(-1).get_title()
    solution = rf.flow(*clouds, steps=2)
    assert "step 1" in solution.to_matplotlib(1).get_title()
    pyplot.close("all")


def test_without_pandas_there_are_arrays(tmp_path):
    (tmp_path / "pandas.py").write_text("raise ImportError('not here')\n")
    code = "import ratioflow as rf; s = rf.flow('gaussian', 'ring', steps=2, particles=50); print(type(s.metrics).__name__, 'matplotlib' in __import__('sys').modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "dict False\n"


# ------------------------------------------------------------------------------------------------ the command line

#: What makes networks quick, where a scenario has any.
QUICK = {"inner_steps": 3, "warm_up": 5, "batch": 32, "critic_steps": 2}


def shortened(name: str) -> dict:
    """Settings that make the shipped scenario short, whatever it has."""
    changes = {**SHORT, "cloud.particles": 60, "cloud.samples": 120}
    scenario = rf.Flow.from_scenario(name, set=changes).scenario
    section = ""
    for line in scenario.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        key = line.split(" = ")[0]
        if key in QUICK and section.split(".")[0] in ("discriminator", "generator"):
            changes[f"{section}.{key}"] = QUICK[key]
    return changes


@pytest.mark.parametrize("name", rf.scenarios())
def test_a_run_is_that_of_the_command_line(name, tmp_path):
    binary = program()
    changes = shortened(name)
    options = [option for key, value in changes.items() for option in ("--set", f"{key}={json.dumps(value)}")]
    there = tmp_path / "there"
    done = subprocess.run([binary, "run", name, "--quiet", "--out", there, *options], capture_output=True, text=True)
    assert done.returncode in (0, 4), done.stderr
    run = rf.run(name, set=changes)
    assert json.dumps(run.manifest) == json.dumps(json.loads((there / "run.json").read_text()))
    other = rf.load(there)
    assert run.trajectory.particles.tobytes() == other.trajectory.particles.tobytes()
    for column in other.columns:
        # To the bit, but for the sign of what is no number; the file below has its bytes.
        np.testing.assert_array_equal(run.columns[column], other.columns[column], column)
    here = run.save(tmp_path / "here", frames=False)
    for file in ("run.json", "metrics.csv", "trajectory.npz", "scenario.toml", "report.html"):
        assert (here / file).read_bytes() == (there / file).read_bytes(), file
    if (there / "generator.npz").exists():
        assert (here / "generator.npz").read_bytes() == (there / "generator.npz").read_bytes()


def test_samples_are_those_of_the_command_line(tmp_path, trained):
    binary = program()
    folder = trained.save(tmp_path / "run", frames=False)
    out = tmp_path / "points.npy"
    subprocess.run([binary, "sample", folder, "-n", "40", "--seed", "9", "--out", out, "--quiet"], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(out), trained.generator.sample(40, seed=9))


def test_a_comparison_is_that_of_the_command_line(tmp_path):
    binary = program()
    options = [option for key, value in SHORT.items() for option in ("--set", f"{key}={json.dumps(value)}")]
    variants = ["a: flow.steps=2", "b: flow.step_ratio=0.5"]
    written = [option for variant in variants for option in ("--variant", variant)]
    subprocess.run([binary, "compare", "moons", "--quiet", "--out", tmp_path / "there", *options, *written], check=True, capture_output=True)
    rf.compare("moons", variants, set=SHORT, folder=tmp_path / "here")
    for file in ("comparison.csv", "a/metrics.csv", "b/trajectory.npz", "report.html", "animation.png"):
        assert (tmp_path / "here" / file).read_bytes() == (tmp_path / "there" / file).read_bytes(), file


def test_the_program_goes_on_with_a_run_of_arrays(clouds, tmp_path):
    binary = program()
    run = rf.Flow(*clouds, steps=3, frames=2, set={"metrics.floor_draws": 19}).run()
    folder = run.save(tmp_path / "run", frames=False)
    subprocess.run([binary, "run", folder / "scenario.toml", "--quiet", "--out", tmp_path / "again"], check=True, capture_output=True)
    np.testing.assert_array_equal(rf.load(tmp_path / "again").trajectory.particles, run.trajectory.particles)


# ------------------------------------------------------------------------------------------------ folders that move


def test_a_loaded_run_is_read_wherever_python_works(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run.save("there", frames=False)
    comparison = rf.compare("moons", {"a": {"flow.steps": 2}}, set=SHORT, folder="rel", frames=False)
    loaded = rf.load("there")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert sorted(os.listdir(loaded.save(tmp_path / "copy"))) == sorted(set(os.listdir(tmp_path / "there")) - {".lock"})
    assert (comparison.save(tmp_path / "compared") / "comparison.json").is_file()
    np.testing.assert_array_equal(loaded.cloud, run.cloud)


def test_a_loaded_run_whose_folder_is_gone_says_so(run, tmp_path):
    folder = run.save(tmp_path / "run", frames=False)
    loaded, other = rf.load(folder), rf.load(folder)
    (folder / "trajectory.npz").unlink()
    with pytest.raises(FileNotFoundError, match="run has no trajectory.npz: it was taken away"):
        loaded.trajectory
    folder.rename(tmp_path / "moved")
    for take in (lambda: loaded.save(tmp_path / "copy"), lambda: loaded.generator, lambda: other.trajectory, lambda: pickle.dumps(loaded)):
        with pytest.raises(FileNotFoundError, match="is not there any more"):
            take()
    assert not (tmp_path / "copy").exists()


def test_what_is_no_finished_run_is_not_loaded(tmp_path):
    for text, told in [('{"status": "complete"}', "no run.json that can be read"), ("[]", "no run.json"), ('{"status": ["x"], "scenario": "a", "steps": 1, "ending": ""}', r"no status that a run has, but \['x'\]")]:
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(ValueError, match=told) as raised:
            rf.load(tmp_path)
        assert "resume" not in str(raised.value)
    with pytest.raises(ValueError, match="no run directory"):
        rf.load(tmp_path / "nowhere")


def test_a_loaded_run_is_copied_without_its_pictures(run, tmp_path):
    loaded = rf.load(run.save(tmp_path / "run"))
    names = set(os.listdir(loaded.save(tmp_path / "whole")))
    assert {"animation.png", "frames"} <= names
    assert set(os.listdir(loaded.save(tmp_path / "few", frames=False))) == names - {"animation.png", "animation-dark.png", "frames"}


# ------------------------------------------------------------------------------------------------ words and remedies


def test_the_generator_of_an_affine_run_is_the_one_that_is_saved(tmp_path):
    run = rf.run("affine-gan", set={"flow.steps": 3, "metrics.floor_draws": 19, "output.frames": 2})
    loaded = rf.load(run.save(tmp_path / "run", frames=False)).generator
    np.testing.assert_array_equal(loaded.sample(100, 5), run.generator.sample(100, 5))
    for name, array in run.generator.state_dict().items():
        np.testing.assert_array_equal(loaded.state_dict()[name], array)
        assert array.dtype == loaded.state_dict()[name].dtype == np.float64


def test_remedies_are_those_of_python(run, tmp_path):
    folder = run.save(tmp_path / "run", frames=False)
    other = tmp_path / "other.toml"
    other.write_text('target.points.file = "../points.csv"\n')
    (tmp_path / "file").write_text("")
    refused = {
        "force=True": lambda: run.save(folder),
        "is not empty": lambda: run.save(tmp_path, force=True),
        "another folder": lambda: run.save(tmp_path / "file"),
        "choose another folder": lambda: rf.compare("moons", ["a: flow.steps=2"], set=SHORT, folder=folder),
        "allow_outside=True": lambda: rf.run(other, set=SHORT),
        "set `target={moons={}}` first": lambda: rf.run("eight-gaussians", set={"target.moons.noise": 0.1}),
        " --> set\n": lambda: rf.run("moons", set={"flow.stepz": 1}),
        "write `\"NAME: key=value": lambda: rf.compare("moons", ["flow.steps=2"]),
    }
    for told, take in refused.items():
        with pytest.raises((ValueError, OSError)) as raised:
            take()
        text = str(raised.value)
        assert told in text and not any(word in text for word in ("--force", "--out", "--allow", "--variant", "--set", "command line")), text
        assert ("force" in text) == (told in ("force=True", "is not empty")), text


def test_variants_are_refused_with_their_names():
    with pytest.raises(TypeError, match="the variant `a` is a int: must be a dict"):
        rf.compare("moons", {"a": 3})
    with pytest.raises(ValueError, match="`flow.steps` of the variant `a` is None"):
        rf.compare("moons", {"a": {"flow.steps": None}})


def test_a_variant_without_changes_is_the_scenario_as_it_is():
    comparison = rf.compare("moons", {"base": {}, "fine": {"flow.step_ratio": 0.5}}, set={**SHORT, "seed": 4}, frames=False)
    assert comparison["base"].final == rf.run("moons", set={**SHORT, "seed": 4}).final != comparison["fine"].final


def test_arrays_and_files_are_told_apart(clouds, tmp_path, monkeypatch):
    fake, real = clouds
    monkeypatch.chdir(tmp_path)
    np.save("target.npy", fake)
    for own in ("target.npy", Path("target.npy")):
        scenario = {"target": {"points": {"file": real}}, "source": {"points": {"file": own, "in_order": True}}, "cloud": {"particles": 60}}
        start, seen = rf.Flow.from_scenario(scenario).samples
        assert {tuple(p) for p in start} <= {tuple(p) for p in fake} and {tuple(p) for p in seen} <= {tuple(p) for p in real}
    (tmp_path / "grid").write_text("[target.ring]\nmodes = 3\n")
    assert "modes = 3" in rf.Flow.from_scenario(Path("grid")).scenario and "[target.grid]" in rf.Flow.from_scenario("grid").scenario


def test_arrays_may_be_set(clouds):
    fake, real = clouds
    for changes in ({"target": {"points": {"file": real}}}, {"target.points": {"file": real}}, {"target.points.file": real}):
        base = "moons" if "target" in changes else {"target": {"points": {"file": fake}}}
        seen = rf.Flow.from_scenario(base, set=changes).samples[1]
        assert {tuple(p) for p in seen} <= {tuple(p) for p in real}
    judged = rf.measure(fake, {"points": {"file": real}}, only="energy_distance")
    assert judged["energy_distance"].value > 0


def test_masked_points_and_frames_with_missing_numbers(clouds):
    fake, real = clouds
    masked = np.ma.array(fake, mask=np.arange(240).reshape(120, 2) < 4)
    with pytest.raises(ValueError, match=r"such as np.ma.compress_rows\(fake\)"):
        rf.w2(masked, real)
    assert rf.w2(np.ma.compress_rows(masked), real) == rf.w2(fake[2:], real)
    frame = pandas.DataFrame(fake, columns=["x", "y"]).convert_dtypes()
    assert str(frame.dtypes["x"]) == "Float64" and rf.w2(frame, real) == rf.w2(fake, real)
    frame.loc[3, "y"] = pandas.NA
    with pytest.raises(ValueError, match=r"`fake\[3\]` is \[.*nan\]: must have finite coordinates"):
        rf.w2(frame, real)


def test_a_missing_place_for_temporary_folders_is_one_error(run, monkeypatch):
    ignored = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    with pytest.raises(FileNotFoundError):
        pickle.dumps(run)
    gc.collect()
    assert ignored == []
