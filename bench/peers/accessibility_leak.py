"""What is left of the learned accessibility where the environment matrix lacks the formulas of the judged fields.

Usage: accessibility_leak.py WITH.csv WITHOUT.csv [--resamples 1000] [--seed 1] [-o FILE.json]
Both are tables of `phaseselect accessibility RUN -o ...` with the same fields, seed and folds. The run of WITHOUT.csv
had the formulas of some fields left out of its environments and these fields in its property table instead: known all
the same. Printed, of both: area under the ROC curve of these fields against those that nobody knows, and of the fields
that --reported named and the formulas lack; and what leaving out adds, with a 95 % interval (paired bootstrap over
fields).
"""
import argparse
import sys

import numpy as np
from sklearn.metrics import roc_auc_score

from accessibility_baseline import read, write_json


def groups(flags, flags_without):
    """Name, which fields take part, which of them are positive."""
    formulas = np.array(["environments" in f for f in flags])
    left_out = formulas & ~np.array(["environments" in f for f in flags_without])
    known = np.array([bool(f & {"training", "environments"}) for f in flags])
    reported = np.array(["reported" in f for f in flags])
    yield "fields whose formulas were left out, against fields not known", left_out | ~known, left_out
    if reported.any():
        yield "reported but not in the formulas, against neither", ~formulas, reported


def compare(labels, whole, without, resamples, random):
    areas = roc_auc_score(labels, whole), roc_auc_score(labels, without)
    draws = [random.integers(0, len(labels), len(labels)) for _ in range(resamples)]
    added = [roc_auc_score(labels[d], without[d]) - roc_auc_score(labels[d], whole[d]) for d in draws]
    low, high = np.quantile(added, [0.025, 0.975])
    return {"with": areas[0], "without": areas[1], "difference": areas[1] - areas[0], "low": low, "high": high}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("whole", metavar="WITH.csv")
    parser.add_argument("without", metavar="WITHOUT.csv")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output")
    arguments = parser.parse_args()
    fields, folds, flags, scores = read(arguments.whole)
    other_fields, other_folds, flags_without, scores_without = read(arguments.without)
    if fields != other_fields or (folds != other_folds).any():
        sys.exit("accessibility_leak.py: the tables differ in fields or folds")
    random, result = np.random.default_rng(arguments.seed), []
    for what, part, positive in groups(flags, flags_without):
        labels = positive[part]
        entry = {"what": what, "positives": int(labels.sum()), "negatives": int((~labels).sum())}
        judged = scores["accessibility"][part], scores_without["accessibility"][part]
        entry |= compare(labels, *judged, arguments.resamples, random)
        text = "{with:.4f} with, {without:.4f} without, difference {difference:+.4f} ({low:+.4f} to {high:+.4f})"
        print(f"{what}: {text.format(**entry)}")
        result.append(entry)
    if arguments.output:
        write_json(arguments.output, result)


if __name__ == "__main__":
    main()
