"""Makes the table "Under a generator" of docs/fields.md, in Markdown, of the sweep that fields.toml plans:  fields_table.py DIR

    ratioflow sweep plan examples/sweeps/fields.toml --out DIR
    ratioflow sweep run DIR
    ratioflow sweep collect DIR
    python3 examples/sweeps/fields_table.py DIR

A cell: energy distance of the last cloud over the median of its floor, mean ± standard deviation over the seeds. The last columns are over all sets: the mean of that, the share of runs whose
energy distance is below the 95 % point of its floor, and the mean accuracy of the classifier, ½ for a perfect cloud. It is made of `sweep.csv` and not of `sweep-cells.csv`, since each
seed has a floor of its own, by which its energy distance is divided before the mean is taken.
"""

import csv
import json
import sys
from pathlib import Path
from statistics import mean, stdev

# In the order of fields.toml.
SETS = ["roll", "board", "swissroll", "circles", "rings", "moons", "8gaussians", "pinwheel", "2spirals"]


def title(value: str) -> str:
    """The kind of a field, and what is set of it."""
    [(kind, settings)] = json.loads(value).items()
    words = [setting if isinstance(setting, str) else f"{key} = {json.dumps(setting)}" for key, setting in settings.items()]
    return ", ".join(f"`{word}`" for word in [kind, *words])


def over_floor(run: dict) -> float:
    return float(run["energy_distance"]) / float(run["energy_distance_floor"])


def below(run: dict) -> bool:
    return float(run["energy_distance"]) <= float(run["energy_distance_floor_q95"])


def spread(values: list) -> str:
    """Mean ± standard deviation; without the deviation of a single one."""
    words = [mean(values), stdev(values)] if len(values) > 1 else values
    return " ± ".join(f"{word:.1f}" for word in words)


def main() -> None:
    with open(Path(sys.argv[1]) / "sweep.csv", newline="") as file:
        runs = [run for run in csv.DictReader(file) if run["status"] == "complete"]
    fields, targets = ([*dict.fromkeys(run[key] for run in runs)] for key in ["discriminator", "target"])
    print("| field |", " | ".join(SETS[: len(targets)]), "| mean | below 95 % | classifier |")
    print("|---" * (4 + len(targets)) + "|")
    for field in fields:
        own = [run for run in runs if run["discriminator"] == field]
        cells = [[over_floor(run) for run in own if run["target"] == target] for target in targets]
        ends = f"{mean(map(over_floor, own)):.1f} | {sum(map(below, own))} of {len(own)} | {mean(float(run['c2st']) for run in own):.2f}"
        print("|", title(field), "|", " | ".join(spread(cell) if cell else "–" for cell in cells), "|", ends, "|")
    seeds = sorted({int(run["seed"]) for run in runs})
    print(f"\n{len(runs)} runs, seeds {', '.join(map(str, seeds))}")


if __name__ == "__main__":
    main()
