"""Speed of the package beside the Rust library, SciPy and POT, in one sitting.

    python python/benchmark.py                     # needs the package, scipy, POT, and cargo for the Rust side

Each figure is the median of several repeats that take turns, after one that does not count.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import ot
from scipy.spatial.distance import cdist

import ratioflow as rf

ROOT = Path(__file__).parents[1]
PARTICLES, STEPS, REPEATS = 2000, 200, 15


def seconds(*works):
    """Median seconds of each work; they take turns, so that what else the machine does hits all of them."""
    taken = [[] for _ in works]
    for turn in range(REPEATS + 1):
        for own, work in zip(taken, works):
            began = time.perf_counter()
            work()
            if turn:
                own.append(time.perf_counter() - began)
    return [statistics.median(own) for own in taken]


def row(what, ours, theirs, goal):
    print(f"{what:58} {1e3 * ours:10.2f} ms {1e3 * theirs:10.2f} ms   {goal}")


def energy_by_cdist(a, b):
    return 2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean()


def w2_by_pot(a, b):
    return np.sqrt(ot.emd2(np.full(len(a), 1 / len(a)), np.full(len(b), 1 / len(b)), ot.dist(a, b), numItermax=10**7))


def main():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 8000)
    target = np.column_stack([np.cos(angle), np.sin(angle)]) * 2.5 + 0.2 * rng.normal(size=(8000, 2))
    source = rng.normal(size=(PARTICLES, 2))
    print(f"{'':58} {'ratioflow':>13} {'other':>13}   result and goal")
    flow = lambda: rf.flow(source, target, "kde", steps=STEPS, progress=False)
    loop = lambda: [None for _ in rf.Flow(source, target, "kde", steps=STEPS)]
    turns = {"flow": [], "loop": [], "rust flow": [], "rust loop": []}
    if "--no-rust" not in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/source.npy", source)
            np.save(f"{folder}/target.npy", target)
            command = ["cargo", "run", "--release", "--quiet", "-p", "ratioflow-python", "--example", "rust_time", "--", f"{folder}/source.npy", f"{folder}/target.npy", str(STEPS)]
            subprocess.run([*command, "1"], cwd=ROOT, check=True, capture_output=True)
            for _ in range(3):
                ours = seconds(flow, loop)
                turns["flow"].append(ours[0])
                turns["loop"].append(ours[1])
                told = subprocess.run([*command, str(REPEATS)], cwd=ROOT, check=True, capture_output=True, text=True).stdout
                for name, line in zip(("rust flow", "rust loop"), told.splitlines()):
                    turns[name].append(statistics.median(map(float, line.split())))
        flow_s, loop_s, rust_flow, rust_loop = (statistics.median(turns[name]) for name in ("flow", "loop", "rust flow", "rust loop"))
        row(f"kde flow, {PARTICLES} particles, {STEPS} steps: rf.flow, Rust library", flow_s, rust_flow, f"{100 * (flow_s / rust_flow - 1):+.1f} % (goal: at most +10 %)")
        row("the same, step by step: for step in rf.Flow, Rust loop", loop_s, rust_loop, f"{100 * (loop_s / rust_loop - 1):+.1f} %")
    a, b = rng.normal(size=(2000, 2)), rng.normal(size=(2000, 2)) + 0.5
    assert abs(rf.energy_distance(a, b) - energy_by_cdist(a, b)) < 1e-5 and abs(rf.w2(a, b) - w2_by_pot(a, b)) < 1e-6
    ours, theirs = seconds(lambda: rf.energy_distance(a, b), lambda: energy_by_cdist(a, b))
    row("energy distance, 2000 points each: rf, SciPy's cdist", ours, theirs, f"{theirs / ours:.1f} × (goal: at least 8 ×)")
    ours, theirs = seconds(lambda: rf.w2(a, b), lambda: w2_by_pot(a, b))
    row("exact W2, 2000 points each: rf, POT's emd2", ours, theirs, f"{theirs / ours:.1f} × (goal: at least 10 ×)")


if __name__ == "__main__":
    main()
