"""Makes the table of docs/estimators.md, in Markdown, of the sweep that estimators.toml plans:  estimators_table.py DIR

    ratioflow sweep plan examples/sweeps/estimators.toml --out DIR
    ratioflow sweep run DIR
    ratioflow sweep collect DIR
    python3 examples/sweeps/estimators_table.py DIR

A cell: on how many seeds the last cloud is at the floor · energy distance over the median of its floor, mean ± standard deviation over the seeds · the same of the
accuracy of the classifier · per cent of particles that are stranded. It is made of `sweep.csv` and not of `sweep-cells.csv`, since each seed has floors of
its own, by which its energy distance is divided before the mean is taken.
"""

import csv
import json
import sys
from pathlib import Path
from statistics import mean, stdev

# What is not called by the kind of its target, and what is said of estimators beside their kind.
TARGETS = {"mixture": "one-sided start"}
WORDS = {
    ("oracle", "kde"): "KDE of the cloud",
    ("logistic", "fourier"): "Fourier",
    ("logistic", "nystrom"): "Nyström",
    ("mmd",): "no log ratio",
    ("wasserstein",): "no log ratio",
}


def parts(value: str) -> tuple[str, list]:
    """The kind that a setting names, and the words that are set in it."""
    if not value.startswith("{"):
        return value, []
    [(kind, settings)] = json.loads(value).items()
    return kind, [setting for setting in settings.values() if isinstance(setting, str)]


def spread(values: list, digits: int) -> str:
    """Mean ± standard deviation; without the deviation of a single one."""
    if mean(values) >= 100:
        digits = 0
    words = [mean(values), stdev(values)] if len(values) > 1 else values
    words = [f"{word:.{digits}f}" for word in words]
    # Shares as they are written in the docs.
    return " ± ".join(word.removeprefix("0") if digits == 2 else word for word in words)


def cell(runs: list) -> str:
    """All seeds of an estimator on a target."""
    complete = [run for run in runs if run["status"] == "complete"]
    if not complete:
        return "–" if runs else "not run yet"
    column = lambda name: [float(run[name]) for run in complete]
    arrived = sum(run["at_floor"] == "true" for run in complete)
    energy = [own / floor for own, floor in zip(column("energy_distance"), column("energy_distance_floor"))]
    stranded = 100 * mean(column("stranded"))
    return f"{arrived}/{len(runs)} · {spread(energy, 1)} · {spread(column('c2st'), 2)} · {stranded:.1f}"


def main() -> None:
    with open(Path(sys.argv[1]) / "sweep.csv", newline="") as file:
        runs = list(csv.DictReader(file))
    estimators, targets = ([*dict.fromkeys(run[key] for run in runs)] for key in ["discriminator", "target"])
    heads = [TARGETS.get(kind, kind) for kind, _ in map(parts, targets)]
    print("| estimator |", " | ".join(heads), "|")
    print("|---" * (1 + len(heads)) + "|")
    for estimator in estimators:
        kind, settings = parts(estimator)
        own = [[run for run in runs if run["discriminator"] == estimator and run["target"] == target] for target in targets]
        words = WORDS.get((kind, *settings))
        print("|", f"`{kind}`, {words}" if words else f"`{kind}`", "|", " | ".join(map(cell, own)), "|")
    seeds = sorted({int(run["seed"]) for run in runs})
    print(f"\n{len(runs)} runs, seeds {', '.join(map(str, seeds))}")


if __name__ == "__main__":
    main()
