"""Arrays as people have them: awkward types, strides and shapes, and what is refused."""

import numpy as np
import pandas
import pytest

import ratioflow as rf

REASONABLE = [np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8, np.uint8, np.bool_, np.longdouble, ">f8", ">f4", ">i4"]


@pytest.mark.parametrize("dtype", REASONABLE, ids=str)
def test_every_real_type_is_taken(dtype):
    values = np.arange(40).reshape(20, 2) % 2
    a = values.astype(dtype)
    b = (values[::-1] * 3).astype(np.float64)
    assert rf.energy_distance(a, b) == rf.energy_distance(a.astype(np.float64), b)


STRIDED = {
    "fortran": np.asfortranarray,
    "every other row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "columns swapped": lambda a: a[:, ::-1].copy()[:, ::-1],
    "transposed": lambda a: a.T.copy().T,
    "part of a wider one": lambda a: np.hstack([a, a])[:, :2],
    "read only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
    "a list": lambda a: a.tolist(),
    "a tuple of tuples": lambda a: tuple(map(tuple, a)),
    "a frame": lambda a: pandas.DataFrame(a, columns=["x", "y"]),
    "a memory view": memoryview,
    "not aligned": lambda a: np.frombuffer(b"x" + a.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(a.shape),
}


@pytest.mark.parametrize("made", STRIDED.values(), ids=STRIDED)
def test_every_layout_gives_the_same_bits(made, clouds):
    fake, real = clouds
    assert rf.w2(made(fake), made(real)) == rf.w2(fake, real)
    flowed = rf.flow(made(fake), made(real), steps=3)
    np.testing.assert_array_equal(flowed.ys, rf.flow(fake, real, steps=3).ys)


def test_a_flow_does_not_see_what_happens_to_its_arrays_later(clouds):
    fake, real = (side.copy() for side in clouds)
    flow = rf.Flow(fake, real, steps=5)
    expected = flow.solve().ys
    fake[:], real[:] = 0.0, 0.0
    np.testing.assert_array_equal(flow.solve().ys, expected)


REFUSED = {
    "three columns": (np.zeros((5, 3)), r"`fake` has shape \(5, 3\): must be n×2"),
    "one column": (np.zeros((5, 1)), r"shape \(5, 1\)"),
    "flat": (np.zeros(6), r"shape \(6,\)"),
    "three axes": (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
    "no axis": (3.0, r"shape \(\)"),
    "empty": (np.zeros((0, 2)), "has 0 points: must have at least 2"),
    "one point": (np.zeros((1, 2)), "has 1 points: must have at least 2"),
    "nan": (np.array([[0.0, 1.0], [np.nan, 2.0], [3.0, 4.0]]), r"`fake\[1\]` is \[nan, 2.0\]: must have finite coordinates"),
    "infinite": (np.array([[0.0, 1.0], [2.0, -np.inf]]), r"`fake\[1\]` is \[2.0, -inf\]"),
    "too large for a double": (np.array([[np.longdouble("1e400"), 0], [0, 0]]), r"`fake\[0\]` is \[inf"),
    "complex": (np.zeros((5, 2), dtype=complex), "complex128: must be real numbers"),
    "text": (np.array([["a", "b"], ["c", "d"]]), "must be real numbers"),
    "objects": (np.array([[None, 1], [2, 3]]), "object: must be real numbers"),
    "dates": (np.zeros((3, 2), dtype="datetime64[s]"), "must be real numbers"),
    "ragged": ([[1.0, 2.0], [3.0]], "NumPy makes no array of"),
    "nothing": (None, "must be real numbers"),
    "masked": (np.ma.array(np.zeros((3, 2)), mask=[[0, 0], [1, 1], [0, 0]]), "masked array"),
}


@pytest.mark.parametrize(("value", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_cloud_is_refused_with_its_name(value, told, clouds):
    fake, real = clouds
    for take in (lambda: rf.w2(value, real), lambda: rf.measure(value, real), lambda: rf.c2st(value, real, with_floor=True)):
        with pytest.raises(ValueError, match=told):
            take()
    with pytest.raises(ValueError, match=told.replace("`fake", "`source")):
        rf.flow([[None, 1]] if value is None else value, real, steps=2)


def test_mixed_dimensions_are_refused_on_either_side(clouds):
    fake, real = clouds
    with pytest.raises(ValueError, match="`real` has shape"):
        rf.w2(fake, np.zeros((9, 3)))
    with pytest.raises(ValueError, match="`target` has shape"):
        rf.flow(fake, np.zeros((9, 3)))
    with pytest.raises(ValueError, match="`held_out` has shape"):
        rf.flow(fake, real, held_out=np.zeros(9))
    with pytest.raises(ValueError, match="`x` has shape"):
        rf.Kde().fit(real, fake).log_ratio(np.zeros((3, 4)))


def test_huge_and_tiny_coordinates_end_in_a_number_or_a_sentence(clouds):
    fake, real = clouds
    for factor in (1e-200, 1e-80, 1e-8, 1e8, 1e80, 1e200):
        for take in (rf.w2, rf.energy_distance, rf.mmd2, rf.sliced_w2, rf.sinkhorn_divergence, rf.knn_kl, rf.c2st, rf.coverage):
            try:
                assert isinstance(take(fake * factor, real * factor), float)
            except ValueError as error:
                assert str(error)
        try:
            assert rf.flow(fake * factor, real * factor, steps=3).ending["kind"] in ("complete", "diverged")
        except ValueError as error:
            assert str(error)


def test_no_points_are_evaluated_to_nothing(clouds):
    fake, real = clouds
    log, gradient = rf.Kde().fit(real, fake).evaluate(np.zeros((0, 2)))
    assert log.shape == (0,) and gradient.shape == (0, 2)
