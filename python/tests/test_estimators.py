"""Estimators as objects: the conventions of scikit-learn, values, and those of one's own in a flow."""

import copy
import os
import pickle
import runpy
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import PolynomialFeatures
from sklearn.utils.validation import check_is_fitted

import ratioflow as rf
from ratioflow import _estimators
from conftest import Moments

LEARNED = {"inner_steps": 5, "warm_up": 20, "hidden": [8], "critic_steps": 5}


def small(kind):
    """An estimator of the kind that is quick to fit."""
    made = kind(target="gaussian") if kind is rf.Oracle else kind()
    return made.set_params(**{name: value for name, value in LEARNED.items() if name in made.get_params()})


@pytest.mark.parametrize("kind", rf.ESTIMATORS, ids=lambda kind: kind.name)
def test_an_estimator_fits_evaluates_and_keeps_the_conventions(kind, clouds):
    fake, real = clouds
    made = small(kind)
    copied = clone(made)
    assert copied is not made and copied.get_params() == made.get_params()
    assert eval(repr(made), {name: getattr(rf, name) for name in rf.__all__}).get_params() == made.get_params()
    with pytest.raises(ValueError, match="not fitted yet"):
        made.evaluate(fake)
    assert made.fit(real, fake) is made
    check_is_fitted(made)
    log, gradient = made.evaluate(fake)
    assert log.shape == (120,) and gradient.shape == (120, 2) and np.isfinite(log).all() and np.isfinite(gradient).all()
    np.testing.assert_array_equal(made.gradient(fake), gradient)
    step, longest, scale = made.step_rule()
    assert step > 0 and scale > 0 and (longest is None or longest > 0)
    if made.is_log_ratio:
        np.testing.assert_array_equal(made.log_ratio(fake), log)
        assert made.log_ratio(real).mean() > made.log_ratio(fake).mean()
    else:
        with pytest.raises(ValueError, match="no log ratio"):
            made.log_ratio(fake)
    for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        np.testing.assert_array_equal(other.evaluate(real)[0], made.evaluate(real)[0])


def test_the_gradient_is_the_derivative_of_the_log_ratio(clouds):
    fake, real = clouds
    made = rf.Kde(bandwidth=0.5, tolerance=0.0).fit(real, fake)
    h, axes = 1e-5, np.eye(2)
    slopes = np.column_stack([(made.log_ratio(fake + h * e) - made.log_ratio(fake - h * e)) / (2 * h) for e in axes])
    np.testing.assert_allclose(made.gradient(fake), slopes, rtol=1e-4, atol=1e-6)


def test_the_kernel_ratio_is_that_of_its_formula(clouds):
    fake, real = clouds
    density = lambda side, x: np.exp(-((x[:, None] - side[None]) ** 2).sum(-1) / (2 * 0.6**2)).mean(1)
    x = fake[:10]
    expected = np.log(density(real, x)) - np.log(density(fake, x))
    np.testing.assert_allclose(rf.Kde(bandwidth=0.6, tolerance=0.0).fit(real, fake).log_ratio(x), expected, rtol=1e-6, atol=1e-8)


def test_the_oracle_knows_the_closed_form():
    rng = np.random.default_rng(2)
    fake = rng.normal(size=(500, 2))
    made = rf.Oracle(target={"gaussian": {"mean": [1.0, 0.0]}}, cloud="none").fit(fake, fake)
    np.testing.assert_allclose(made.gradient(fake), [1.0, 0.0] - fake, atol=1e-9)
    with pytest.raises(ValueError, match="knows the density of its target"):
        rf.Oracle().fit(fake, fake)
    with pytest.raises(rf.ScenarioError, match="no mixture of Gaussians"):
        rf.Oracle(target="moons").fit(fake, fake)


def test_settings_are_checked_when_it_is_fitted(clouds):
    fake, real = clouds
    with pytest.raises(rf.ScenarioError, match="did you mean `anneal`") as told:
        rf.Kde(bandwidth="aneal").fit(real, fake)
    assert told.value.help and told.value.place[0] == "<dict>"
    with pytest.raises(ValueError, match="discriminator.kde.bandwidth"):
        rf.Kde(bandwidth=-1.0).fit(real, fake)
    with pytest.raises(TypeError, match="bandwith"):
        rf.Kde(bandwith=1.0)
    with pytest.raises(ValueError, match="no setting `bandwith`: must be one of adaptive"):
        rf.Kde().set_params(bandwith=1.0)
    with pytest.raises(ValueError, match="`progress` is 2"):
        rf.Kde().fit(real, fake, progress=2)


def test_changed_settings_want_another_fit(clouds):
    fake, real = clouds
    made = rf.Kde(bandwidth=0.5).fit(real, fake)
    before = made.log_ratio(fake)
    with pytest.raises(ValueError, match="not fitted"):
        made.set_params(bandwidth=1.5).log_ratio(fake)
    assert not np.array_equal(before, made.fit(real, fake).log_ratio(fake))
    # What it was fitted with is what it is copied with.
    made.bandwidth = 0.1
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(made)).log_ratio(fake), made.log_ratio(fake))


def test_a_critic_of_ones_own_is_no_log_ratio(clouds):
    class Critic(Moments):
        is_log_ratio = False

    solution = rf.flow(*clouds, Critic(), steps=3)
    assert solution.log_ratio is None and not next(iter(rf.Flow(*clouds, Critic(), steps=3))).is_log_ratio
    with pytest.raises(ValueError, match="no log ratio"):
        rf.flow(*clouds, Critic(), steps=3, h="softplus")


def test_the_classes_are_those_of_the_engine():
    made = runpy.run_path(str(Path(__file__).parents[1] / "make_estimators.py"))["classes"]()
    # Against the package that is tested, which need not be the one beside the script.
    assert Path(_estimators.__file__).read_text(encoding="utf-8") == made
    assert {kind.name for kind in rf.ESTIMATORS} == {name for name, _ in rf._engine.estimators()}


# ------------------------------------------------------------------------------------------------ estimators of one's own


def test_ones_own_moves_a_cloud_to_the_target(clouds):
    fake, real = clouds
    own = Moments()
    solution = rf.flow(fake, real, own, steps=150, step_size=0.05)
    assert own.fits == 151 and solution.log_ratio.shape == solution.ys.shape[:2]
    np.testing.assert_allclose(solution.cloud.mean(0), real.mean(0), atol=0.2)
    np.testing.assert_allclose(np.cov(solution.cloud.T), np.cov(real.T), atol=0.25)


def test_ones_own_in_python_does_what_the_engine_does(clouds):
    fake, real = clouds
    theirs = rf.flow(fake, real, "moments", steps=40, step_size=0.05)
    ours = rf.flow(fake, real, Moments(), steps=40, step_size=0.05, clip="off")
    # The engine divides by n, np.cov by n − 1.
    np.testing.assert_allclose(ours.cloud, theirs.cloud, atol=0.02)


def test_ones_own_gets_floors_verdict_page_and_directory(clouds, tmp_path):
    fake, real = clouds
    run = rf.Flow(fake, real, Moments(), steps=6, frames=3, title="My own", set={"metrics.floor_draws": 19}).run()
    assert run.floors["energy_distance"].q95 > 0 and run.verdict.sentence and "My own" in run.html()
    assert "given in code: the discriminator `Moments`" in " ".join(run.warnings)
    assert (run.save(tmp_path / "run") / "animation.png").stat().st_size > 1000


def test_ones_own_from_sklearn(clouds):
    fake, real = clouds

    class Quadratic:
        def fit(self, real, fake, progress, seed):
            assert 0.0 <= progress <= 1.0 and seed >= 0
            self.features = PolynomialFeatures(2, include_bias=False)
            x = self.features.fit_transform(np.vstack([real, fake]))
            y = np.repeat([1, 0], [len(real), len(fake)])
            self.model = LogisticRegression(max_iter=300).fit(x, y)
            self.shift = np.log(len(fake) / len(real))

        def evaluate(self, x):
            a, b, c, d, e = self.model.coef_[0]
            u, v = x.T
            log = self.model.decision_function(self.features.transform(x)) + self.shift
            return log, np.column_stack([a + 2 * c * u + d * v, b + d * u + 2 * e * v])

        def step_rule(self):
            return 0.05, 0.2, 0.5

    solution = rf.flow(fake, real, Quadratic(), steps=60)
    assert rf.energy_distance(solution.cloud, real) < 0.1 * rf.energy_distance(fake, real)


def test_ones_own_can_forget(clouds):
    class Forgetful(Moments):
        resets = 0

        def reset(self):
            self.resets += 1

    own = Forgetful()
    flow = rf.Flow(*clouds, own, steps=2)
    flow.solve(), flow.solve()
    assert own.resets == 2


def test_ones_own_may_use_the_engine_inside(clouds):
    class Wrapped:
        def fit(self, real, fake):
            self.kde = rf.Kde(bandwidth=0.5).fit(real, fake)
            self.distance = rf.energy_distance(fake, real)

        def evaluate(self, x):
            return self.kde.evaluate(x)

    ours = rf.flow(*clouds, Wrapped(), steps=5, step_size=0.1, clip="off")
    theirs = rf.flow(*clouds, rf.Kde(bandwidth=0.5), steps=5, step_size=0.1)
    np.testing.assert_array_equal(ours.ys, theirs.ys)


class Wrong(Moments):
    """Goes wrong at its second fit."""

    def __init__(self, what):
        super().__init__()
        self.what = what

    def evaluate(self, x):
        log, gradient = super().evaluate(x)
        return self.what(log, gradient) if self.fits > 1 else (log, gradient)


WRONG = {
    "one array": (lambda log, gradient: log, "must return a pair"),
    "nothing": (lambda log, gradient: None, "returned a NoneType"),
    "too short": (lambda log, gradient: (log[:-1], gradient), r"D of shape \(\d+,\) for \d+ points"),
    "flat gradient": (lambda log, gradient: (log, gradient[:, 0]), "the gradient of shape"),
    "wide gradient": (lambda log, gradient: (log, np.zeros((len(log), 3))), "the gradient of shape"),
    "nan": (lambda log, gradient: (log * np.nan, gradient), r"D that is nan at x\[0\]"),
    "infinite gradient": (lambda log, gradient: (log, gradient / 0.0), "the gradient that is"),
    "complex": (lambda log, gradient: (log + 0j, gradient), "must be real numbers"),
    "text": (lambda log, gradient: ("a", "b"), "must be real numbers"),
}


@pytest.mark.parametrize(("what", "told"), WRONG.values(), ids=WRONG)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_what_cannot_be_used_is_told_with_its_cause(what, told, clouds):
    for drive in (lambda flow: flow.solve(), lambda flow: flow.run(), list):
        with pytest.raises(rf.EstimatorError) as raised:
            drive(rf.Flow(*clouds, Wrong(what), steps=4, set={"metrics.floor_draws": 19}))
        assert raised.match("step 1") and isinstance(raised.value.__cause__, ValueError)
        with pytest.raises(ValueError, match=told):
            raise raised.value.__cause__


@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize("error", [RuntimeError("boom"), ZeroDivisionError(), KeyError("x"), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_an_exception_of_ones_own_is_the_cause_with_its_traceback(at, error, clouds):
    class Raising(Moments):
        def fit(self, real, fake):
            super().fit(real, fake)
            if self.fits == at:
                raise error

    for drive in (lambda flow: flow.solve(), lambda flow: flow.run(), list):
        # What is no error to Python is raised as it is.
        plain = not isinstance(error, Exception)
        kind, told = (type(error), None) if plain else (rf.EstimatorError, f"at step {at - 1}, `Raising.fit` failed: {type(error).__name__}")
        with pytest.raises(kind, match=told) as raised:
            drive(rf.Flow(*clouds, Raising(), steps=4, set={"metrics.floor_draws": 19}))
        assert raised.value is error if plain else raised.value.__cause__ is error
        assert "self.fits == at" in "".join(traceback.format_exception(raised.value)) or "raise error" in "".join(traceback.format_exception(raised.value))
    # Nothing of it stays behind.
    assert rf.flow(*clouds, steps=2).ending["kind"] == "complete"


def test_what_is_no_estimator_is_refused(clouds):
    for given, told in [(object(), "must be a name"), (Moments, "is the class Moments"), (3, "must be a name")]:
        with pytest.raises(TypeError, match=told):
            rf.flow(*clouds, given)
    with pytest.raises(rf.ScenarioError, match="did you mean `kde`"):
        rf.flow(*clouds, "kdee")
    bad = Moments()
    bad.step_rule = lambda: (0.0, None, 1.0)
    with pytest.raises(rf.EstimatorError) as raised:
        rf.flow(*clouds, bad, steps=2)
    assert "step of 0.0: must be a finite number greater than 0" in str(raised.value.__cause__)


def test_a_class_made_of_one_of_the_engines_is_ones_own(clouds):
    class Louder(rf.Kde):
        def evaluate(self, x):
            log, gradient = super().evaluate(x)
            return 2 * log, 2 * gradient

    solution = rf.flow(*clouds, Louder(bandwidth=0.5), steps=2, step_size=0.05, clip="off")
    plain = rf.flow(*clouds, rf.Kde(bandwidth=0.5), steps=2, step_size=0.1)
    np.testing.assert_allclose(solution.ys[1], plain.ys[1], atol=1e-12)


def test_each_flow_has_the_exceptions_of_its_own_estimators(clouds):
    class Ill(Moments):
        ill = False

        def evaluate(self, x):
            if self.ill:
                raise OSError("only once")
            return super().evaluate(x)

    own = Ill()
    flow = rf.Flow(*clouds, own, steps=60)
    first = flow.start_solving()
    first.pause()
    while first.inspect() is None:
        time.sleep(0.001)
    time.sleep(0.05)
    own.ill = True
    second = flow.start_solving()
    while not second.done:
        time.sleep(0.001)
    own.ill = False
    first.resume()
    assert first.wait().ending["kind"] == "complete"
    with pytest.raises(rf.EstimatorError) as raised:
        second.wait()
    assert str(raised.value.__cause__) == "only once"


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_flow_within_an_estimator_of_ones_own_ends(threads):
    code = """
import numpy as np, ratioflow as rf
class Own:
    def fit(self, real, fake): self.sides = real, fake; rf.flow(fake, real, steps=1)
    def evaluate(self, x):
        cloud = rf.flow(x, self.sides[0], steps=2).cloud if len(x) > 1 else x
        return np.zeros(len(x)), cloud - x
r = np.random.default_rng(7)
a, b = r.normal(size=(50, 2)), r.normal(size=(90, 2))
h = [rf.Flow(a, b, Own(), steps=4).start_solving() for _ in range(2)]
print([s.wait().ending['kind'] for s in h], rf.Flow(a, b, Own(), steps=2, frames=2, set={'metrics.floor_draws': 19}).run().status)
"""
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "RAYON_NUM_THREADS": threads}, capture_output=True, text=True, timeout=60, cwd="/")
    assert done.stdout == "['complete', 'complete'] complete\n", done.stderr


@pytest.mark.parametrize("error", [ZeroDivisionError("by nothing"), OSError(2, "no file")], ids=repr)
def test_an_error_names_class_method_and_cause(error, clouds):
    class Raising(Moments):
        def evaluate(self, x):
            if self.fits > 1:
                raise error
            return super().evaluate(x)

    for drive in (lambda flow: flow.solve(), lambda flow: flow.run(), list):
        with pytest.raises(rf.EstimatorError) as raised:
            drive(rf.Flow(*clouds, Raising(), steps=4, set={"metrics.floor_draws": 19}))
        assert raised.match(f"^at step 1, `Raising.evaluate` failed: {type(error).__name__}: ") and raised.value.__cause__ is error
        assert "not a finite number" not in str(raised.value)
    steps = iter(rf.Flow(*clouds, Raising(), steps=4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(rf.EstimatorError):
            list(steps)
        assert list(steps) == []


def test_an_error_on_the_drawing_grid_is_no_verdict(clouds):
    class Far(Moments):
        def evaluate(self, x):
            if len(x) not in (120, 200):
                raise ZeroDivisionError("grid")
            return super().evaluate(x)

    with pytest.raises(rf.EstimatorError, match="`Far.evaluate` failed: ZeroDivisionError: grid"):
        rf.Flow(*clouds, Far(), steps=2, frames=2, set={"metrics.floor_draws": 19}).run()


def test_what_ones_own_is_told_of_a_fit(clouds):
    class Told(Moments):
        def __init__(self):
            super().__init__()
            self.told = []

        def fit(self, real, fake, index, progress, seed):
            super().fit(real, fake)
            self.told.append((index, round(progress, 3), seed))

    own = Told()
    rf.flow(*clouds, own, steps=3, seed=2**40 + 5)
    assert own.told == [(0, 0.0, 2**40 + 5), (2, 0.333, 2**40 + 5), (4, 0.667, 2**40 + 5), (6, 1.0, 2**40 + 5)]
    for settings, places in [({"integrator": "heun"}, [0, 3, 2, 5, 4]), ({"momentum": "nesterov"}, [0, 2, 3, 4])]:
        own = Told()
        rf.flow(*clouds, own, steps=2, step_size=0.1, **settings)
        assert [index for index, _, _ in own.told] == places


def test_a_field_says_that_it_gives_a_velocity(clouds):
    fake, real = clouds
    for kind in rf.ESTIMATORS:
        made = small(kind).fit(real, fake)
        assert made.evaluate(fake)[0].any() != ("What it gives is a velocity" in (kind.__doc__ or "")), kind


def test_a_step_rule_that_is_none_is_told(clouds):
    for rule, told in [(None, "a NoneType"), ((0.1, 0.2), "2 numbers")]:
        own = Moments()
        own.step_rule = lambda: rule
        with pytest.raises(rf.EstimatorError) as raised:
            rf.flow(*clouds, own, steps=2)
        assert f"Moments.step_rule returned {told}: must return three" in str(raised.value.__cause__)


def test_an_oracle_keeps_the_target_that_it_was_given(clouds):
    with pytest.raises(TypeError, match="`target` is a ndarray: must be a name such as"):
        rf.Oracle(target=clouds[1]).fit(clouds[1], clouds[0])
    with pytest.raises(TypeError, match="`target.points.file` is an array: points are given"):
        rf.Oracle(target={"points": {"file": clouds[1]}}).fit(clouds[1], clouds[0])
    with pytest.raises(ValueError, match="Oracle.target='grid'. knows a target of its own: in a flow .* leave `target` out"):
        rf.Flow("gaussian", "ring", rf.Oracle(target="grid"))
    assert rf.Flow("gaussian", "ring", rf.Oracle(target="ring"), steps=1).solve().ending["kind"] == "complete"
