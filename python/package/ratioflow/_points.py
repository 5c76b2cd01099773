"""Arrays that people have, as points of the plane: converted once, refused with a sentence."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


def points(name: str, value: Any, least: int = 1, columns: int = 2) -> Points:
    """``value`` as an (n, ``columns``) array of float64, C-contiguous; it is not copied if it is one already.

    Raises ``ValueError`` for another shape, fewer than ``least`` points, what is no real number, and coordinates that are not finite.
    """
    shape = "n×2, points of the plane" if columns == 2 else f"n×{columns}"
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"`{name}` is a masked array with points left out: give those that are there, such as np.ma.compress_rows({name})")
    try:
        array = np.asarray(_numbers(value))
    except Exception as error:
        raise ValueError(f"`{name}` is a {type(value).__name__} that NumPy makes no array of ({error}): must be {shape}") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` holds {array.dtype}: must be real numbers")
    if array.ndim != 2 or array.shape[1] != columns:
        raise ValueError(f"`{name}` has shape {array.shape}: must be {shape}")
    if len(array) < least:
        raise ValueError(f"`{name}` has {len(array)} points: must have at least {least}")
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, dtype=np.float64)
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ValueError(f"`{name}[{row}]` is {array[row].tolist()}: must have finite coordinates")
    return array


def _numbers(value: Any) -> Any:
    """A frame of pandas whose numbers may be missing, which NumPy takes for objects, with NaN where they are; anything else as it is."""
    kinds: Any = getattr(value, "dtypes", None)
    if hasattr(value, "to_numpy") and hasattr(kinds, "__iter__") and all(getattr(kind, "kind", "O") in "biuf" for kind in kinds):
        try:
            return value.to_numpy(dtype=np.float64, na_value=np.nan)
        except TypeError:
            # Frames of others, whose numbers NumPy knows.
            pass
    return value


def whole(name: str, value: Any, least: int = 0, most: int = 2**63 - 1) -> int:
    """``value`` as a whole number in that range. Raises ``TypeError`` for what is none, and ``ValueError`` out of the range."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"`{name}` is {value!r}: must be a whole number") from None
    if not least <= number <= most:
        limits = f"between {least} and {most}" if most < 2**63 - 1 else f"at least {least}" if number < least else "at most 2⁶³ − 1"
        raise ValueError(f"`{name}` is {number}: must be {limits}")
    return number
