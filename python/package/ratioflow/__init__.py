"""Particle flows along the log density ratio: GANs as ODEs, simulated, drawn and measured in two dimensions.

Arrays in, arrays out:

    import numpy as np
    import ratioflow as rf

    solution = rf.flow(source, target, "kde", steps=100)    # (n, 2) and (m, 2)
    print(solution.verdict)                                 # whether it arrived, by a dozen measures
    run = rf.run("eight-gaussians")                         # a shipped scenario; in a notebook it plays
    print(rf.measure(samples_of_a_gan, held_out_points))    # every measure, with its floor

docs/python.md has the rest.
"""

import atexit as _atexit

from . import _engine
from ._compare import Comparison, compare
from ._engine import EstimatorError, ScenarioError, Step, __version__
from ._estimator import Estimator
from ._estimators import ALL as ESTIMATORS
from ._estimators import Drift, Drmmd, Kale, Kde, Kliep, Linear, Logistic, Mlp, Mmd, Moments, Oracle, Rulsif, Score, Sinkhorn, Sliced, Ulsif, Wasserstein
from ._flow import Flow, Glance, Handle, Steps, flow, run, scenarios, start
from ._measure import Measurement, c2st, coverage, energy_distance, knn_kl, measure, mmd2, sinkhorn_divergence, sliced_w2, w2
from ._run import Generator, Run, Trajectory, load
from ._solution import Solution
from ._verdict import Floor, Measured, Verdict

# A thread of the engine that is within an estimator of one's own must not meet the end of the interpreter there.
_atexit.register(_engine.farewell, 10.0)

__all__ = [
    "Comparison",
    "Drift",
    "Drmmd",
    "ESTIMATORS",
    "Estimator",
    "EstimatorError",
    "Floor",
    "Flow",
    "Generator",
    "Glance",
    "Handle",
    "Kale",
    "Kde",
    "Kliep",
    "Linear",
    "Logistic",
    "Measured",
    "Measurement",
    "Mlp",
    "Mmd",
    "Moments",
    "Oracle",
    "Rulsif",
    "Run",
    "ScenarioError",
    "Score",
    "Sinkhorn",
    "Sliced",
    "Solution",
    "Step",
    "Steps",
    "Trajectory",
    "Ulsif",
    "Verdict",
    "Wasserstein",
    "__version__",
    "c2st",
    "compare",
    "coverage",
    "energy_distance",
    "flow",
    "knn_kl",
    "load",
    "measure",
    "mmd2",
    "run",
    "scenarios",
    "sinkhorn_divergence",
    "sliced_w2",
    "start",
    "w2",
]
