"""What the tests share: small clouds, and settings that make runs short."""

from __future__ import annotations

import os

# Pictures without a screen.
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest

#: Settings that make a scenario short.
SHORT = {"flow.steps": 4, "cloud.particles": 80, "cloud.samples": 160, "metrics.floor_draws": 19, "metrics.permutations": 19, "output.frames": 3}


@pytest.fixture
def short() -> dict:
    return dict(SHORT)


@pytest.fixture
def clouds() -> tuple[np.ndarray, np.ndarray]:
    """A cloud of 120 points, and a sample of 400 around another place."""
    rng = np.random.default_rng(7)
    return rng.normal(size=(120, 2)), rng.normal(size=(400, 2)) * [0.5, 1.0] + [2.0, -1.0]


class Moments:
    """An estimator of one's own: log ratio of two Gaussians with the moments of either side."""

    def __init__(self) -> None:
        self.fits = 0

    def fit(self, real, fake):
        self.fits += 1
        self.sides = [(side.mean(axis=0), np.linalg.inv(np.cov(side.T)), np.linalg.slogdet(np.cov(side.T))[1]) for side in (real, fake)]

    def evaluate(self, x):
        parts = []
        for mean, inverse, logdet in self.sides:
            away = x - mean
            parts.append((-0.5 * (np.einsum("ij,jk,ik->i", away, inverse, away) + logdet), -away @ inverse))
        (p, dp), (q, dq) = parts
        return p - q, dp - dq
