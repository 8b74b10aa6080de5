"""What scikit-learn makes of the same folds in a line: random forest, histogram gradient boosting, nearest field.

Usage: baselines.py VALIDATION [-o baselines.json] [--resamples 2000] [--seed 1]
VALIDATION is the folder that `phaseselect validate` wrote, with any validation.split. Each baseline learns from the
fields that the fold's members could learn from and judges the fields that they judged. Printed: every measure as the
mean over folds, and PhaseSelect minus the best baseline of that measure with a 95 % interval: paired bootstrap, fields
drawn with replacement, the same draw for both. Forest and boosting: scikit-learn's defaults on the element indicator
vector. Nearest field: the share of positives among the training fields of the greatest Jaccard similarity.
"""
import argparse
import csv
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # boosting on tables this small waits for its threads more than it works
import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

CALIBRATION_BINS, LOG_LOSS_CLIP = 15, 1e-7  # of host/pipeline/metrics.hpp
LARGER_IS_BETTER = {"accuracy": True, "f1": True, "roc_auc": True, "log_loss": False, "brier": False, "ece": False}
OURS, OURS_CALIBRATED = "PhaseSelect", "PhaseSelect, calibrated"
COLUMNS = {OURS: "probability", OURS_CALIBRATED: "calibrated"}  # of predictions.csv


class Fold(NamedTuple):
    """One fold: numbers of fields, and what the judged ones were given."""

    training: np.ndarray
    judged: np.ndarray
    probabilities: dict  # method: array beside judged


class Validation(NamedTuple):
    fields: list  # "Ba Cu O"
    labels: np.ndarray  # beside fields
    folds: list


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def read_validation(folder):
    """Fields and folds as in splits.csv; what PhaseSelect said of them as in predictions.csv."""
    splits, predictions = read_rows(Path(folder) / "splits.csv"), read_rows(Path(folder) / "predictions.csv")
    fields = [row["phases"] for row in splits]
    folds = []
    for number in range(len(splits[0]) - 2):  # beside phases and label
        cells = np.array([row[f"fold_{number}"] for row in splits])
        judged = np.flatnonzero(cells == "judged")
        own = {row["phases"]: row for row in predictions if int(row["fold"]) == number}
        probabilities = {}
        for method, column in COLUMNS.items():
            if all(row[column] for row in own.values()):
                probabilities[method] = np.array([float(own[fields[i]][column]) for i in judged])
        folds.append(Fold(np.flatnonzero(cells == "training"), judged, probabilities))
    return Validation(fields, np.array([int(row["label"]) for row in splits]), folds)


def indicators(fields):
    """(fields, elements) of 0 and 1."""
    sets = [field.split() for field in fields]
    column = {symbol: i for i, symbol in enumerate(sorted({symbol for field in sets for symbol in field}))}
    matrix = np.zeros((len(sets), len(column)), np.float32)
    for row, field in zip(matrix, sets):
        row[[column[symbol] for symbol in field]] = 1
    return matrix


def nearest_field(known, labels, asked, chunk=1024):
    """Share of positives among the known fields that are most similar (Jaccard)."""
    sizes, shares = known.sum(1), []
    for start in range(0, len(asked), chunk):
        part = asked[start : start + chunk]
        common = part @ known.T
        similarity = common / (part.sum(1)[:, None] + sizes - common)
        most = similarity == similarity.max(1, keepdims=True)
        shares.append(most @ labels / most.sum(1))
    return np.concatenate(shares)


def of_classifier(make):
    def judge(known, labels, asked, seed):
        if len(np.unique(labels)) == 1:  # a classifier of one class has one column
            return np.full(len(asked), float(labels[0]))
        return make(random_state=seed).fit(known, labels).predict_proba(asked)[:, 1]

    return judge


BASELINES = {
    "random forest": of_classifier(RandomForestClassifier),
    "gradient boosting": of_classifier(HistGradientBoostingClassifier),
    "nearest field": lambda known, labels, asked, seed: nearest_field(known, labels, asked),
}


def judge_folds(validation, seed):
    """Adds every baseline's probabilities to the folds."""
    matrix, labels = indicators(validation.fields), validation.labels
    for number, fold in enumerate(validation.folds):
        known, answers, asked = matrix[fold.training], labels[fold.training], matrix[fold.judged]
        for name, judge in BASELINES.items():
            print(f"fold {number}: {name}", file=sys.stderr)
            fold.probabilities[name] = judge(known, answers, asked, seed)


class Judged:
    """Probabilities of one method in one fold; measures of any weighting of its fields."""

    def __init__(self, labels, probabilities):
        self.positive, self.called = labels == 1, probabilities >= 0.5
        clipped = np.clip(probabilities, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
        self.loss = -np.where(self.positive, np.log(clipped), np.log1p(-clipped))
        self.square, self.excess = (probabilities - labels) ** 2, probabilities - labels
        self.bin = np.minimum(CALIBRATION_BINS - 1, (probabilities * CALIBRATION_BINS).astype(int))
        self.place = np.unique(probabilities, return_inverse=True)[1]  # ascending, equal ones in the same place

    def area(self, weights):
        positives = np.bincount(self.place, weights * self.positive)
        negatives = np.bincount(self.place, weights * ~self.positive)
        pairs = positives.sum() * negatives.sum()
        outranked = np.cumsum(negatives) - negatives / 2
        return (positives * outranked).sum() / pairs if pairs > 0 else np.nan

    def measures(self, weights):
        """Of the fields, each counted as often as its weight says."""
        total = weights.sum()
        if total == 0:
            return {name: np.nan for name in LARGER_IS_BETTER}
        hits = weights[self.positive & self.called].sum()
        calls_and_positives = weights[self.called].sum() + weights[self.positive].sum()
        return {
            "accuracy": weights[self.positive == self.called].sum() / total,
            "f1": 2 * hits / calls_and_positives if calls_and_positives > 0 else np.nan,
            "roc_auc": self.area(weights),
            "log_loss": weights @ self.loss / total,
            "brier": weights @ self.square / total,
            "ece": calibration_error([self], [weights]),
        }


def calibration_error(folds, weights):
    """Of all folds together."""
    excess = [np.bincount(fold.bin, w * fold.excess, CALIBRATION_BINS) for fold, w in zip(folds, weights)]
    return float(np.abs(np.sum(excess, 0)).sum() / np.sum([w.sum() for w in weights]))


def mean_over_folds(validation, judged, counts):
    """{method: {measure: mean over the folds that define it}}; counts: how often each field was drawn. The calibration
    error is that of all folds together: a fold alone has too few fields in a bin."""
    means = {}
    for method, folds in judged.items():
        weights = [counts[plan.judged] for plan in validation.folds]
        each = [fold.measures(of_fold) for fold, of_fold in zip(folds, weights)]
        values = {name: np.array([measures[name] for measures in each]) for name in LARGER_IS_BETTER}
        means[method] = {n: float(np.nanmean(v)) if not np.isnan(v).all() else np.nan for n, v in values.items()}
        means[method]["ece"] = calibration_error(folds, weights)
    return means


def compare(validation, resamples, seed):
    """Measures of every method, and ours minus each other one with its interval."""
    methods = list(validation.folds[0].probabilities)
    judged = {
        method: [Judged(validation.labels[fold.judged], fold.probabilities[method]) for fold in validation.folds]
        for method in methods
    }
    count = len(validation.fields)
    means = mean_over_folds(validation, judged, np.ones(count))
    generator = np.random.default_rng(seed)
    draws = [
        mean_over_folds(validation, judged, np.bincount(generator.integers(count, size=count), minlength=count))
        for _ in range(resamples)
    ]
    differences = {}
    for ours in methods[: len(methods) - len(BASELINES)]:
        differences[ours] = {}
        for name, larger in LARGER_IS_BETTER.items():
            best = (max if larger else min)(BASELINES, key=lambda method: means[method][name])
            differences[ours][name] = {"best_baseline": best, "against": {}}
            for method in BASELINES:
                low, high = np.nanpercentile([draw[ours][name] - draw[method][name] for draw in draws], [2.5, 97.5])
                differences[ours][name]["against"][method] = {
                    "difference": means[ours][name] - means[method][name], "low": float(low), "high": float(high),
                }
    return {"measures": means, "differences": differences}


def table(result):
    names = list(LARGER_IS_BETTER)
    lines = [f"{'':<28}" + "".join(f"{name:>11}" for name in names)]
    for method, means in result["measures"].items():
        lines.append(f"{method:<28}" + "".join(f"{means[name]:>11.4f}" for name in names))
    for ours, differences in result["differences"].items():
        lines.append("")
        for name in names:
            best = differences[name]["best_baseline"]
            found = differences[name]["against"][best]
            interval = f"{found['difference']:+.4f} ({found['low']:+.4f} to {found['high']:+.4f})"
            lines.append(f"{name:<9} {ours} - {best}: {interval}")
    return "\n".join(lines)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("validation", type=Path, help="folder that `phaseselect validate` wrote")
    arguments.add_argument("-o", "--output", type=Path, help="everything as JSON")
    arguments.add_argument("--resamples", type=int, default=2000, help="of the bootstrap")
    arguments.add_argument("--seed", type=int, default=1, help="of the baselines and the bootstrap")
    options = arguments.parse_args()
    try:
        validation = read_validation(options.validation)
    except (OSError, KeyError, IndexError) as error:
        sys.exit(f"baselines.py: {options.validation} is not a finished validation: {error}")
    judge_folds(validation, options.seed)
    result = compare(validation, options.resamples, options.seed)
    result.update(
        validation=str(options.validation), fields=len(validation.fields), folds=len(validation.folds),
        seed=options.seed, resamples=options.resamples, scikit_learn=sklearn.__version__,
    )
    print(table(result))
    if options.output:
        options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
