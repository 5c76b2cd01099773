"""Measures against other libraries and closed forms; floors, p-values and sentences."""

import math

import numpy as np
import ot
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

import ratioflow as rf

ALL = [rf.w2, rf.energy_distance, rf.mmd2, rf.sliced_w2, rf.sinkhorn_divergence, rf.knn_kl, rf.c2st, rf.coverage]
NAMES = ["w2", "energy_distance", "mmd2", "sliced_w2", "sinkhorn", "knn_kl", "c2st", "coverage"]


def test_w2_is_that_of_pot(clouds):
    for fake, real in (clouds, (clouds[0], clouds[1][:120])):
        n, m = len(fake), len(real)
        cost = ot.emd2(np.full(n, 1 / n), np.full(m, 1 / m), cdist(fake, real, "sqeuclidean"))
        assert rf.w2(fake, real) == pytest.approx(math.sqrt(cost), rel=1e-7)


def test_energy_distance_is_that_of_scipy(clouds):
    fake, real = clouds
    expected = 2 * cdist(fake, real).mean() - cdist(fake, fake).mean() - cdist(real, real).mean()
    assert rf.energy_distance(fake, real) == pytest.approx(expected, rel=1e-6)


def test_mmd2_is_the_unbiased_estimate(clouds):
    fake, real = clouds
    n, m = len(fake), len(real)
    kernel = lambda a, b: np.exp(-cdist(a, b, "sqeuclidean") / (2 * 0.7**2))
    expected = (kernel(fake, fake).sum() - n) / (n * (n - 1)) + (kernel(real, real).sum() - m) / (m * (m - 1)) - 2 * kernel(fake, real).mean()
    assert rf.mmd2(fake, real, width=0.7) == pytest.approx(expected, rel=1e-6)


def test_sliced_w2_along_a_line_is_that_of_the_line():
    # On the x axis each direction sees |cos| of the distance, whose square is one half in the mean.
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=300), rng.normal(size=300) + 2
    on_axis = lambda x: np.column_stack([x, np.zeros_like(x)])
    w2 = math.sqrt(np.mean((np.sort(a) - np.sort(b)) ** 2))
    assert rf.sliced_w2(on_axis(a), on_axis(b)) == pytest.approx(w2 / math.sqrt(2), rel=1e-3)
    assert w2 > wasserstein_distance(a, b) * 0.99


def test_sinkhorn_with_a_small_width_nears_the_squared_w2(clouds):
    fake, real = clouds[0], clouds[1][:120]
    assert rf.sinkhorn_divergence(fake, real, width=0.01) == pytest.approx(rf.w2(fake, real) ** 2, rel=0.02)


def test_knn_kl_nears_the_closed_form():
    # KL between unit Gaussians one apart is one half.
    rng = np.random.default_rng(3)
    fake, real = rng.normal(size=(4000, 2)), rng.normal(size=(4000, 2)) + [1.0, 0.0]
    assert rf.knn_kl(fake, real) == pytest.approx(0.5, abs=0.1)


def test_c2st_and_coverage_know_same_from_other():
    rng = np.random.default_rng(4)
    same, real, far = rng.normal(size=(500, 2)), rng.normal(size=(500, 2)), rng.normal(size=(500, 2)) + 20
    assert 0.4 < rf.c2st(same, real) < 0.6 and rf.c2st(far, real) > 0.99
    assert rf.coverage(same, real) > 0.9 and rf.coverage(far, real) == 0.0


@pytest.mark.parametrize("take", ALL, ids=lambda take: take.__name__)
def test_the_floor_comes_with_the_same_value(take, clouds):
    value = take(*clouds)
    judged = take(*clouds, with_floor=True, draws=19)
    assert type(value) is float and float(judged) == judged.value == value
    assert judged.floor.draws == 19 and judged.floor.q90 <= judged.floor.q95
    assert 0 < judged.p <= 1 and judged.name in NAMES and judged.name in str(judged)


@pytest.mark.parametrize("take", ALL, ids=lambda take: take.__name__)
def test_the_order_of_the_points_changes_no_bit(take, clouds):
    rng = np.random.default_rng(5)
    assert take(*clouds) == take(*(rng.permutation(side) for side in clouds))


def test_p_is_small_for_another_distribution_and_not_for_the_same(clouds):
    rng = np.random.default_rng(6)
    fake, real = clouds
    assert rf.energy_distance(fake, real, with_floor=True).p == pytest.approx(0.01)
    assert rf.energy_distance(rng.normal(size=(300, 2)), rng.normal(size=(300, 2)), with_floor=True).p > 0.01


def test_measure_judges_all_together(clouds):
    fake, real = clouds
    judged = rf.measure(fake, real, dear_draws=19)
    assert set(NAMES) <= set(judged.metrics) and judged.points == (120, 400)
    assert not judged.verdict.at_floor and judged.p == pytest.approx(0.01) and judged.sentence.startswith("NOT at the floor")
    assert judged["w2"].value == pytest.approx(rf.w2(fake, real), rel=1e-12)
    assert judged.sentence in str(judged) and "energy_distance" in judged._repr_html_()
    frame = judged.to_pandas()
    assert frame.loc["w2", "value"] == judged["w2"].value and len(frame) == len(judged.metrics)


def test_measure_against_a_target_knows_its_modes():
    rng = np.random.default_rng(8)
    judged = rf.measure(rng.normal(size=(400, 2)), "ring", only=["energy_distance", "modes", "kl"])
    assert list(judged.metrics) == ["energy_distance", "kl", "modes"] and not judged.verdict.at_floor
    wider = rf.measure(rng.normal(size=(400, 2)), {"ring": {"modes": 3, "radius": 9.0}}, only=["energy_distance"])
    assert wider["energy_distance"].value > judged["energy_distance"].value


def test_measure_says_that_it_took_a_part(clouds):
    judged = rf.measure(*clouds, points=100, only=["sliced_w2"])
    assert judged.points == (100, 100) and any("estimates from 100" in note for note in judged.notes)


def test_measure_is_the_same_for_the_same_seed(clouds):
    one, two, other = (rf.measure(*clouds, points=60, only=["w2", "c2st"], seed=seed) for seed in (1, 1, 2))
    assert one == two and one != other


def test_settings_out_of_range_are_refused(clouds):
    with pytest.raises(ValueError, match="`draws` is 5: must be at least 19"):
        rf.measure(*clouds, draws=5)
    with pytest.raises(ValueError, match="no measure called `w3`: must be one of energy_distance"):
        rf.measure(*clouds, only=["w3"])
    with pytest.raises(ValueError, match="width of `mmd2` is -1"):
        rf.mmd2(*clouds, width=-1)
    with pytest.raises(ValueError, match="width"):
        rf.mmd2(*clouds, width=1.0, with_floor=True)
    with pytest.raises(rf.ScenarioError, match="did you mean `ring`"):
        rf.measure(clouds[0], "rng")


def test_counts_are_whole_numbers(clouds):
    assert list(rf.measure(*clouds, only="w2", draws=np.int16(19)).metrics) == ["w2"]
    for wrong, kind in [({"seed": -1}, ValueError), ({"seed": 2**63}, ValueError), ({"points": 1}, ValueError), ({"draws": 19.5}, TypeError), ({"seed": "1"}, TypeError)]:
        with pytest.raises(kind, match=f"`{next(iter(wrong))}` is"):
            rf.measure(*clouds, **wrong)
    with pytest.raises(ValueError, match="`seed` is -1: must be at least 0"):
        rf.Kde().fit(*clouds, seed=-1)


def test_too_few_points_are_a_sentence():
    two = np.array([[0.0, 0.0], [1.0, 1.0]])
    for take in ALL:
        try:
            assert isinstance(take(two, two), float)
        except ValueError as error:
            assert "points" in str(error)


def test_w2_refuses_what_it_would_only_estimate(clouds):
    rng = np.random.default_rng(9)
    many = rng.normal(size=(20_001, 2))
    for fake, real in [(many, many + 1e-3), (many[:10_001], many[:10_000])]:
        for settings in ({}, {"with_floor": True}):
            with pytest.raises(ValueError, match="`w2` is exact for up to 20000 points.*sliced_w2"):
                rf.w2(fake, real, **settings)


@pytest.mark.parametrize("take", ALL, ids=lambda take: take.__name__)
@pytest.mark.parametrize(("factor", "told"), [(1e160, r"largest coordinate` is \d\.\d+e160"), (1e-300, r"extent` is \d\.\d+e-300"), (1e100, "in another unit")])
def test_a_measure_refuses_the_scales_that_all_together_refuse(take, factor, told, clouds):
    fake, real = clouds
    for judge in (take, rf.measure):
        with pytest.raises(ValueError, match=told) as raised:
            judge(fake * factor, real * factor)
        assert len(str(raised.value)) < 200


def test_a_regularisation_beyond_the_digits_is_refused(clouds):
    fake, real = clouds
    apart = ((fake.mean(0) - real.mean(0)) ** 2).sum()
    assert rf.sinkhorn_divergence(fake, real, width=1e6) == pytest.approx(apart, rel=1e-3)
    for width in (1e300, 1e20):
        with pytest.raises(ValueError, match=r"the width of `sinkhorn_divergence` is 1e\+?\d+: must be at most"):
            rf.sinkhorn_divergence(fake, real, width=width)


def test_measures_that_need_a_target_are_refused_against_a_sample(clouds):
    for name in ("kl", "modes", "score_error", "w2_law"):
        with pytest.raises(ValueError, match=f"`only` is {name}: .*needs"):
            rf.measure(*clouds, only=name)
    with pytest.raises(ValueError, match="`only` is w2_law"):
        rf.measure(clouds[0], "ring", only=["w2_law"])
    judged = rf.measure(*clouds, only=["energy_distance", "kl"])
    assert any("kl says nothing here" in note for note in judged.notes)
    with pytest.raises(KeyError, match="kl says nothing here"):
        judged["kl"]
    with pytest.raises(TypeError, match=r"`only\[0\]` is 3: must be the name of a measure"):
        rf.measure(*clouds, only=[3])


def test_what_is_no_width_is_refused(clouds):
    for take, name in ((rf.mmd2, "mmd2"), (rf.sinkhorn_divergence, "sinkhorn_divergence")):
        with pytest.raises(TypeError, match=f"the width of `{name}` is 'x': must be a finite number"):
            take(*clouds, width="x")
