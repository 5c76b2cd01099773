"""Flows step by step and as arrays: memory, views, endings, pickles."""

import gc
import pickle
import warnings
import weakref

import numpy as np
import pytest

import ratioflow as rf
from conftest import Moments


def moved(array):
    """Whether NumPy shows memory that the engine has handed over, and has copied nothing."""
    base = array
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    return type(base).__name__ == "PySliceContainer"


def test_a_solution_has_clouds_times_and_log_ratios(clouds):
    fake, real = clouds
    solution = rf.flow(fake, real, steps=10)
    assert solution.ys.shape == (11, 120, 2) and solution.log_ratio.shape == (11, 120) and solution.weights is None
    assert solution.steps.tolist() == list(range(11)) and (np.diff(solution.ts) > 0).all() and solution.ts[0] == 0
    np.testing.assert_array_equal(solution.ys[0], fake)
    assert solution.ending["kind"] == "complete"
    assert rf.energy_distance(solution.cloud, real) < 0.1 * rf.energy_distance(fake, real)
    assert "120 particles" in repr(solution)


def test_frames_are_spread_over_the_steps(clouds):
    solution = rf.flow(*clouds, steps=20, frames=5)
    assert solution.steps.tolist() == [0, 5, 10, 15, 20]


def test_the_memory_of_results_is_handed_over(clouds):
    fake, real = clouds
    solution = rf.flow(fake, real, steps=3)
    assert moved(solution.ys) and moved(solution.ts) and moved(solution.log_ratio)
    assert solution.ys is solution.ys and np.shares_memory(solution.cloud, solution.ys)
    log, gradient = rf.Kde().fit(real, fake).evaluate(fake)
    assert moved(log) and moved(gradient)


def test_a_step_shows_the_engines_own_memory(clouds):
    steps = iter(rf.Flow(*clouds, steps=4))
    step = next(steps)
    first, second = step.cloud, step.cloud
    assert first.ctypes.data == second.ctypes.data and not first.flags.owndata
    before, address = first.copy(), first.ctypes.data
    following = next(steps)
    # The flow has moved on, and left the memory where it was.
    assert first.ctypes.data == address == step.cloud.ctypes.data and following.cloud.ctypes.data != address
    np.testing.assert_array_equal(first, before)
    assert not np.array_equal(following.cloud, first)


def test_a_step_cannot_be_written_to(clouds):
    cloud = next(iter(rf.Flow(*clouds, steps=4))).cloud
    with pytest.raises(ValueError, match="read-only"):
        cloud[0, 0] = 1.0
    with pytest.raises(ValueError):
        cloud.flags.writeable = True


def test_views_live_longer_than_their_flow(clouds):
    def kept():
        return [step.cloud for step in rf.Flow(*clouds, steps=30)]

    views = kept()
    gc.collect()
    np.testing.assert_array_equal(np.array(views), rf.flow(*clouds, steps=30).ys)


def test_steps_that_nobody_keeps_are_let_go(clouds):
    steps = iter(rf.Flow(*clouds, steps=50))
    seen = [weakref.ref(next(steps).cloud) for _ in range(50)]
    gc.collect()
    assert all(view() is None for view in seen)


def test_steps_are_those_of_the_solution(clouds):
    flow = rf.Flow(*clouds, steps=6)
    solution, steps = flow.solve(), list(flow)
    for k, step in enumerate(steps):
        assert (step.index, step.steps) == (k, 6) and step.time == solution.ts[k]
        np.testing.assert_array_equal(step.cloud, solution.ys[k])
        np.testing.assert_array_equal(step.ratio, solution.log_ratio[k])
    assert len(steps) == 7


def test_a_step_tells_ratio_velocity_and_step_size(clouds):
    steps = list(rf.Flow(*clouds, steps=2, clip="off"))
    first, second = steps[:2]
    np.testing.assert_allclose(first.cloud + first.step_size * first.velocity, second.cloud, atol=1e-12)
    np.testing.assert_array_equal(first.gradient, first.velocity)
    assert first.displacement == 0 < second.displacement and first.is_log_ratio and first.scale > 0 and first.weights is None
    assert repr(second).startswith("<Step 1 of 2")


def test_weights_sum_to_one(clouds):
    settings = {"set": {"flow.reaction": {"carrier": "weights"}}}
    step = list(rf.Flow(*clouds, steps=5, **settings))[-1]
    solution = rf.flow(*clouds, steps=5, **settings)
    assert step.weights.sum() == pytest.approx(1) and step.weights.std() > 0
    np.testing.assert_allclose(solution.weights.sum(axis=1), 1.0)
    np.testing.assert_array_equal(solution.weights[-1], step.weights)
    assert solution.verdict.sentence and solution.columns["energy_distance"].shape == solution.ts.shape


def test_a_flow_can_be_ended_and_begun_again(clouds):
    flow = rf.Flow(*clouds, steps=50)
    steps = iter(flow)
    for step in steps:
        if step.index == 3:
            steps.stop("enough")
    assert steps.ending[0] == "stopped" and "enough" in steps.ending[2] and step.index == 3
    assert next(iter(flow)).index == 0


def test_a_flow_that_diverges_says_so(clouds):
    with pytest.warns(RuntimeWarning, match="diverged at step 1"):
        steps = iter(rf.Flow(*clouds, steps=5, step_size=1e9, clip="off"))
        assert len(list(steps)) == 1
    assert steps.ending[0] == "diverged"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert list(steps) == []
    solution = rf.flow(*clouds, steps=5, step_size=1e9, clip="off")
    assert solution.ending["kind"] == "diverged" and len(solution.ys) == 1 and "ran away" in solution.ending["words"]


def test_measures_of_a_solution_are_those_of_a_run(clouds):
    settings = {"steps": 20, "frames": 3, "set": {"metrics.floor_draws": 19, "metrics.every": 10}}
    solution, run = rf.flow(*clouds, **settings), rf.Flow(*clouds, **settings).run()
    assert solution.verdict.p == run.verdict.p and solution.verdict.at_floor == run.verdict.at_floor
    assert solution.floors["c2st"].q95 == run.floors["c2st"].q95
    assert solution.columns["energy_distance"][-1] == run.final["energy_distance"]
    assert list(solution.metrics["step"]) == [0, 10, 20]


def test_targets_and_sources_can_be_named():
    solution = rf.flow("gaussian", {"ring": {"modes": 4}}, steps=5, particles=100, samples=200)
    assert solution.ys.shape == (6, 100, 2)
    fitting = rf.flow(None, "moons", steps=2, particles=50)
    assert fitting.ys.shape == (3, 50, 2)


def test_held_out_points_are_not_learned_from(clouds):
    fake, real = clouds
    rng = np.random.default_rng(11)
    flow = rf.Flow(fake, real, held_out=rng.normal(size=(200, 2)), steps=1)
    start, seen = flow.samples
    np.testing.assert_array_equal(start, fake)
    assert len(seen) == 400 and {tuple(p) for p in seen} == {tuple(p) for p in real}
    halved = rf.Flow(fake, real, steps=1).samples[1]
    assert len(halved) == 200
    with pytest.raises(ValueError, match="belongs to a target that is an array"):
        rf.Flow(fake, "ring", held_out=real)


def test_fewer_particles_are_the_first_ones(clouds):
    fake, real = clouds
    np.testing.assert_array_equal(rf.flow(fake, real, particles=30, steps=1).ys[0], fake[:30])
    with pytest.raises(ValueError, match="`particles` is 500: `source` has 120 points"):
        rf.flow(fake, real, particles=500)


def test_settings_are_refused_with_place_and_remedy(clouds):
    with pytest.raises(rf.ScenarioError, match="unknown key `stesp`") as told:
        rf.flow(*clouds, stesp=3)
    assert told.value.help == ["did you mean `steps`?"] and told.value.place[0] == "<dict>" and "stesp" in told.value.message
    for settings, words in [
        ({"steps": -1}, "steps"),
        ({"step_size": float("nan")}, "must be finite"),
        ({"step_size": 0.0}, "greater than 0"),
        ({"momentum": "nesterof"}, "did you mean `nesterov`"),
        ({"seed": -1}, "seed"),
        ({"set": {"metrics.every": 0}}, "at least 1"),
        ({"set": {"metrics..every": 1}}, "metrics"),
        ({"particles": 1}, "at least 2"),
    ]:
        with pytest.raises(ValueError, match=words):
            rf.flow(*clouds, **settings)
    with pytest.raises(ValueError, match="2⁶³"):
        rf.flow(*clouds, seed=2**70)
    with pytest.raises(TypeError, match="`flow.h` is a object"):
        rf.flow(*clouds, h=object())
    with pytest.raises(RecursionError):
        deep = {}
        deep["a"] = deep
        rf.flow(*clouds, h=deep)


def test_numpy_numbers_are_numbers(clouds):
    plain = rf.flow(*clouds, steps=3, seed=5, step_ratio=0.5)
    numpy = rf.flow(*clouds, steps=np.int64(3), seed=np.uint8(5), step_ratio=np.float32(0.5))
    np.testing.assert_array_equal(plain.ys, numpy.ys)


def test_the_number_of_threads_changes_no_bit(clouds):
    import hashlib
    import os
    import subprocess
    import sys

    code = "import numpy as np, ratioflow as rf, hashlib; r = np.random.default_rng(7); a = r.normal(size=(500, 2)); b = r.normal(size=(900, 2)) + 1; print(hashlib.sha256(rf.flow(a, b, steps=8).ys.tobytes()).hexdigest())"
    digests = set()
    for threads in ("1", "2", "5"):
        done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "RAYON_NUM_THREADS": threads}, capture_output=True, text=True, check=True, cwd="/")
        digests.add(done.stdout)
    assert len(digests) == 1 and len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


def test_an_estimator_of_ones_own_works_on_a_single_thread():
    import os
    import subprocess
    import sys

    code = """
import numpy as np, ratioflow as rf
class Own:
    def fit(self, real, fake): self.kde = rf.Kde(bandwidth=0.5).fit(real, fake); rf.w2(fake, real)
    def evaluate(self, x): return self.kde.evaluate(x)
r = np.random.default_rng(7)
a, b = r.normal(size=(50, 2)), r.normal(size=(90, 2))
h = [rf.Flow(a, b, Own(), steps=5).start() for _ in range(3)]
print([run.wait().status for run in h], len(list(rf.Flow(a, b, Own(), steps=5))))
"""
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "RAYON_NUM_THREADS": "1"}, capture_output=True, text=True, check=True, timeout=120, cwd="/")
    assert done.stdout == "['complete', 'complete', 'complete'] 6\n"


def test_solutions_are_pickled_with_what_they_can_be_asked_for(clouds):
    solution = rf.flow(*clouds, steps=4, set={"metrics.floor_draws": 19})
    other = pickle.loads(pickle.dumps(solution))
    np.testing.assert_array_equal(other.ys, solution.ys)
    assert other.verdict == solution.verdict and other.ending == solution.ending and other.floors == solution.floors
    np.testing.assert_array_equal(other.columns["c2st"], solution.columns["c2st"])


def test_what_cannot_be_pickled_says_what_can(clouds):
    flow = rf.Flow(*clouds, steps=2)
    with pytest.raises(TypeError, match="pickle what it was made from"):
        pickle.dumps(flow)
    handle = flow.start()
    with pytest.raises(TypeError, match="wait"):
        pickle.dumps(handle)
    handle.wait()


def test_an_estimator_cannot_ask_its_own_flow_for_a_step(clouds):
    class Greedy(Moments):
        def fit(self, real, fake):
            super().fit(real, fake)
            if self.fits == 2:
                next(steps)

    steps = iter(rf.Flow(*clouds, Greedy(), steps=5))
    next(steps)
    with pytest.raises(rf.EstimatorError) as raised:
        next(steps)
    assert isinstance(raised.value.__cause__, RuntimeError) and "cannot ask it for another" in str(raised.value.__cause__)


def test_a_generator_follows_from_arrays(clouds):
    fake, real = clouds
    run = rf.Flow(fake, real, steps=5, generator={"distill": {"network": [8], "inner_steps": 5}}, frames=2, set={"metrics.floor_draws": 19}).run()
    points = run.generator.sample(500)
    assert points.shape == (500, 2) and len(np.unique(points, axis=0)) > 90


def test_an_ending_tells_the_steps_that_were_done(clouds):
    assert rf.flow(*clouds, steps=5).ending == {"kind": "complete", "step": 5, "words": "complete"}
    steps = iter(rf.Flow(*clouds, steps=5))
    for step in steps:
        if step.index == 3:
            steps.stop("enough")
    assert steps.ending[:2] == ("stopped", 3)
    assert rf.Flow(*clouds, steps=5, set={"metrics.floor_draws": 19}).run().ending["step"] == 5


def test_a_verdict_is_on_the_clouds_that_the_flow_has_left(clouds):
    settings = {"steps": 5, "set": {"metrics.floor_draws": 19}}
    solution, other = rf.flow(*clouds, **settings), rf.flow(*clouds, **settings)
    with pytest.raises(ValueError, match="read-only"):
        solution.ys -= solution.ys.mean((0, 1))
    solution.ys = solution.ys - solution.ys.mean((0, 1))
    assert solution.verdict == other.verdict
    again = pickle.loads(pickle.dumps(solution))
    assert again.verdict == other.verdict


def test_runs_on_the_line_have_points_of_the_plane_everywhere(tmp_path):
    settings = {"flow.steps": 3, "cloud.particles": 60, "cloud.samples": 120, "metrics.floor_draws": 19, "output.frames": 3}
    flow = rf.Flow.from_scenario("line-two-modes", set=settings)
    run, solution = flow.run(), flow.solve()
    loaded = rf.load(run.save(tmp_path / "run", frames=False))
    for other in (run, loaded, pickle.loads(pickle.dumps(run))):
        assert other.cloud.shape == solution.cloud.shape == (60, 2) and not other.cloud[:, 1].any()
        for name, array in vars(run.trajectory).items():
            np.testing.assert_array_equal(getattr(other.trajectory, name), array, err_msg=name)
        assert other.trajectory.target.shape == (120, 2) and other.trajectory.reference.shape == (60, 2)
        assert other.trajectory.field_velocity.shape[-1] == 2
        with pytest.raises(ValueError, match="on the line"):
            other.to_matplotlib()
    np.testing.assert_array_equal(run.cloud, solution.cloud)
    assert np.load(tmp_path / "run" / "trajectory.npz")["particles"].shape == (3, 60, 1)


def test_what_is_no_count_or_kind_is_refused_by_name(clouds):
    fake, real = clouds
    with pytest.raises(TypeError, match="`particles` is '5': must be a whole number"):
        rf.Flow(fake, real, particles="5")
    with pytest.raises(TypeError, match="`generator` is a int: must be a name such as \"distill\""):
        rf.Flow(fake, real, generator=3)
    with pytest.raises(ValueError, match="`timeout` is nan"):
        rf.Flow(fake, real, steps=1).start_solving().wait(float("nan"))
