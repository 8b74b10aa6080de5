"""What gradient boosting makes of the fields and folds of `phaseselect accessibility`.

Usage: accessibility_baseline.py OUT.csv [--iterations 600] [--resamples 1000] [--seed 1] [-o FILE.json]
OUT.csv is what `phaseselect accessibility RUN --reported FILE -o OUT.csv` wrote. For each fold scikit-learn's
HistGradientBoostingClassifier learns the element indicator vectors of all fields of the other folds, known fields
against the rest, and judges the fold, as the accessibility members did; once with scikit-learn's defaults and once
with more iterations. Printed: area under the ROC curve of each method and of the scores in OUT.csv, and the learned
accessibility minus each of them with a 95 % interval (paired bootstrap over fields).
"""
import argparse
import csv
import json
import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # boosting's threads spin otherwise: minutes on a shared machine
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score


def boosting(iterations):
    more = {"max_iter": iterations, "early_stopping": False}
    return {"gradient boosting": {}, f"gradient boosting, {iterations}": more}


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    flags = [set(row["known"].split(";")) for row in rows]
    scores = {"accessibility": np.array([float(row["accessibility"]) for row in rows]),
              "reconstruction error": -np.array([float(row["reconstruction_error"]) for row in rows]),
              "element frequency": np.array([float(row["element_frequency"]) for row in rows])}
    return [row["phases"].split() for row in rows], np.array([int(row["fold"]) for row in rows]), flags, scores


def indicators(fields):
    elements = {element: i for i, element in enumerate(sorted({e for field in fields for e in field}))}
    matrix = np.zeros((len(fields), len(elements)), np.float32)
    for row, field in enumerate(fields):
        for element in field:
            matrix[row, elements[element]] = 1
    return matrix


def out_of_fold(matrix, known, folds, settings, seed):
    judged = np.zeros(len(known))
    for fold in np.unique(folds):
        own = folds == fold
        model = HistGradientBoostingClassifier(random_state=seed, **settings).fit(matrix[~own], known[~own])
        judged[own] = model.predict_proba(matrix[own])[:, 1]
    return judged


def measures(flags):
    """Name, which fields take part, which of them are positive: as in host/pipeline/measure_accessibility.cpp."""
    formulas = np.array(["environments" in f for f in flags])
    known = formulas | np.array(["training" in f for f in flags])
    reported = np.array(["reported" in f for f in flags])
    everywhere = np.ones(len(flags), bool)
    yield "known fields against all others", everywhere, known
    yield "fields of the formulas against all others", everywhere, formulas
    if reported.any():
        yield "reported but not known, against neither", ~known, reported
        yield "reported but not in the formulas, against neither", ~formulas, reported


def write_json(path, result):
    with open(path, "w") as file:
        json.dump(result, file, indent=2)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--iterations", type=int, default=600)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output")
    arguments = parser.parse_args()
    fields, folds, flags, scores = read(arguments.table)
    matrix = indicators(fields)
    known = np.array([bool(f & {"training", "environments"}) for f in flags])
    for name, settings in boosting(arguments.iterations).items():
        scores[name] = out_of_fold(matrix, known, folds, settings, arguments.seed)
    random = np.random.default_rng(arguments.seed)
    result = []
    for what, part, positive in measures(flags):
        labels = positive[part]
        ours = scores["accessibility"][part]
        print(f"{what}: {labels.sum()} against {(~labels).sum()}")
        draws = [random.integers(0, len(labels), len(labels)) for _ in range(arguments.resamples)]
        ours_drawn = [roc_auc_score(labels[draw], ours[draw]) for draw in draws]
        entry = {"what": what, "positives": int(labels.sum()), "negatives": int((~labels).sum()), "methods": {}}
        for name, values in scores.items():
            theirs = values[part]
            method = {"roc_auc": roc_auc_score(labels, theirs)}
            line = f"  {name:<24} {method['roc_auc']:.4f}"
            if name != "accessibility" and draws:
                differences = [a - roc_auc_score(labels[d], theirs[d]) for a, d in zip(ours_drawn, draws)]
                method["accessibility_minus_this"] = [float(q) for q in np.quantile(differences, [0.025, 0.975])]
                line += "   accessibility minus this: {:+.4f} to {:+.4f}".format(*method["accessibility_minus_this"])
            entry["methods"][name] = method
            print(line)
        result.append(entry)
    if arguments.output:
        write_json(arguments.output, result)


if __name__ == "__main__":
    main()
