"""How a run judges fields that were set aside before anything was chosen, and what the baselines make of them.

Usage: set_aside.py RUN PREDICTIONS.csv TABLE.csv [-o set_aside.json] [--resamples 2000] [--seed 1]
RUN learned from one part of a table; TABLE.csv is the other part (`phases` and a value), PREDICTIONS.csv what
`phaseselect predict RUN TABLE.csv` says of it. The baselines of baselines.py learn from the run's training fields. A
field is judged once, by its largest value; fields that the run cannot judge or that it was trained on do not count.
"""
import argparse
import json
import re
import sys
from pathlib import Path

import baselines
import numpy as np
import sklearn


def threshold(run):
    """Of the run's resolved configuration: value, whether a field that just reaches it counts."""
    text = (run / "config.yaml").read_text()
    value = re.search(r"^  threshold: (\S+)$", text, re.MULTILINE)
    inclusive = re.search(r"^  inclusive: (true|false)$", text, re.MULTILINE)
    return float(value[1]), inclusive[1] == "true"


def largest_values(rows):
    """{"Ba Cu O": value} of a table of phase fields, as the program aggregates it."""
    column = next(name for name in rows[0] if name != "phases")
    values = {}
    for row in rows:
        try:
            value = float(row[column])
        except ValueError:
            continue
        field = " ".join(sorted(row["phases"].split()))
        values[field] = max(value, values.get(field, value))
    return values


def read(run, predictions, table):
    """The one fold of a validation; how many fields of the table do not count, and why."""
    known = {row["phases"]: int(row["label"]) for row in baselines.read_rows(run / "fields.csv")}
    limit, inclusive = threshold(run)
    values = largest_values(baselines.read_rows(table))
    judged = {row["phases"]: row for row in baselines.read_rows(predictions) if row["probability"]}
    asked = sorted(field for field in judged if field in values and field not in known)
    left_out = {
        "without a probability": len(values.keys() - judged.keys()),
        "known to the run": len(values.keys() & judged.keys() & known.keys()),
    }
    labels = [values[field] > limit or (inclusive and values[field] == limit) for field in asked]
    probabilities = {}
    for method, column in baselines.COLUMNS.items():
        there = [field for field in asked if judged[field][column]]
        if there and len(there) < len(asked):
            sys.exit(f"set_aside.py: {predictions}: {len(asked) - len(there)} fields have no {column}: predict them again")
        if there:
            probabilities[method] = np.array([float(judged[field][column]) for field in asked])
    count = len(known)
    fold = baselines.Fold(np.arange(count), count + np.arange(len(asked)), probabilities)
    return baselines.Validation([*known, *asked], np.array([*known.values(), *map(int, labels)]), [fold]), left_out


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("run", type=Path, help="run that learned from the other part")
    arguments.add_argument("predictions", type=Path, help="what `phaseselect predict` says of the fields set aside")
    arguments.add_argument("table", type=Path, help="the fields set aside, with values")
    arguments.add_argument("-o", "--output", type=Path, help="everything as JSON")
    arguments.add_argument("--resamples", type=int, default=2000, help="of the bootstrap")
    arguments.add_argument("--seed", type=int, default=1, help="of the baselines and the bootstrap")
    options = arguments.parse_args()
    validation, left_out = read(options.run, options.predictions, options.table)
    if not len(validation.folds[0].judged):
        sys.exit(f"set_aside.py: {options.predictions} judges no field of {options.table} that is new to {options.run}")
    baselines.judge_folds(validation, options.seed)
    result = baselines.compare(validation, options.resamples, options.seed)
    result.update(
        run=str(options.run), members=json.loads((options.run / "run.json").read_text())["members"],
        learned_from=len(validation.folds[0].training), fields=len(validation.folds[0].judged),
        left_out=left_out, seed=options.seed, resamples=options.resamples, scikit_learn=sklearn.__version__,
    )
    print(baselines.table(result))
    if options.output:
        options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
