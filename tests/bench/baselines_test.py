"""Tests of baselines.py on made-up fields. Exit code 77: skipped, there is no scikit-learn."""
import csv
import importlib.util
import itertools
import os
import sys
import tempfile
import unittest
from pathlib import Path

if not importlib.util.find_spec("sklearn"):
    print(f"SKIPPED: {sys.executable} has no scikit-learn: set PHASESELECT_PYTHON to a Python that has")
    sys.exit(77)

os.environ["OMP_NUM_THREADS"] = "1"  # tables this small are not worth a second thread
import numpy as np
from sklearn.metrics import f1_score, log_loss, roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench/peers"))
import baselines

ELEMENTS = "Ba Ca Cl Cu F K Li Mg Na O S Y".split()
LEFT_OUT = 7  # a field that no fold learns from


def synthetic(folder, folds=3):
    """A finished validation: fields with oxygen or fluorine are mostly positive; ours knows more than that."""
    generator = np.random.default_rng(5)
    fields = [" ".join(field) for field in itertools.combinations(ELEMENTS, 3)]
    predictions, splits = [], []
    for i, field in enumerate(fields):
        label = int(generator.random() < (0.8 if {"O", "F"} & set(field.split()) else 0.2))
        ours = float(np.clip(0.3 + 0.4 * label + 0.2 * generator.standard_normal(), 0, 1))
        predictions.append([field, i % folds, label, label, ours, 0.01, ""])
        cells = ["judged" if i % folds == fold else "training" for fold in range(folds)]
        splits.append([field, label, *(cells if i != LEFT_OUT else [c.replace("training", "") for c in cells])])
    header = ["phases", "fold", "value", "label", "probability", "probability_std", "calibrated"]
    for name, table in {
        "predictions": [header, *predictions],
        "splits": [["phases", "label", *(f"fold_{fold}" for fold in range(folds))], *splits],
    }.items():
        with open(Path(folder) / f"{name}.csv", "w", newline="") as file:
            csv.writer(file).writerows(table)


class Measures(unittest.TestCase):
    def test_same_as_scikit_learn(self):
        generator = np.random.default_rng(1)
        labels = generator.integers(2, size=300)
        probabilities = np.round(generator.random(300), 2)  # with ties
        weights = generator.integers(4, size=300)
        found = baselines.Judged(labels, probabilities).measures(weights)
        self.assertAlmostEqual(found["roc_auc"], roc_auc_score(labels, probabilities, sample_weight=weights))
        self.assertAlmostEqual(found["f1"], f1_score(labels, probabilities >= 0.5, sample_weight=weights))
        clipped = np.clip(probabilities, 1e-7, 1 - 1e-7)
        self.assertAlmostEqual(found["log_loss"], log_loss(labels, clipped, sample_weight=weights))

    def test_calibration_error(self):
        labels = np.array([1, 1, 0, 1, 0, 0])
        found = baselines.Judged(labels, np.array([0.9, 0.9, 0.9, 0.1, 0.1, 0.1])).measures(np.ones(6))
        self.assertAlmostEqual(found["ece"], (abs(2.7 - 2) + abs(0.3 - 1)) / 6)

    def test_calibration_error_of_all_folds_together(self):
        above = baselines.Judged(np.array([1, 0]), np.array([0.9, 0.9]))
        below = baselines.Judged(np.array([1, 1]), np.array([0.9, 0.9]))
        found = baselines.calibration_error([above, below], [np.ones(2), np.ones(2)])
        self.assertAlmostEqual(found, abs(3.6 - 3) / 4)

    def test_one_class_has_no_area(self):
        found = baselines.Judged(np.ones(3, int), np.array([0.1, 0.5, 0.9])).measures(np.ones(3))
        self.assertTrue(np.isnan(found["roc_auc"]))


class Baselines(unittest.TestCase):
    def test_nearest_field(self):
        matrix = baselines.indicators(["Ba O", "Ba Ca", "Na", "Ba O Y"])
        share = baselines.nearest_field(matrix[:3], np.array([1, 0, 0]), matrix[3:])
        self.assertEqual(share, [1])  # Ba O: 2 of 3 elements in common
        share = baselines.nearest_field(matrix[:2], np.array([1, 0]), matrix[:1] * 0 + matrix[2])
        self.assertEqual(share, [0.5])  # both are equally far

    def test_learned_from_and_judged_as_the_splits_say(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic(folder)
            folds = baselines.read_validation(folder).folds
        self.assertEqual(len(folds), 3)
        for number, fold in enumerate(folds):
            self.assertTrue((fold.judged % 3 == number).all())
            self.assertTrue((fold.training % 3 != number).all())
            self.assertNotIn(LEFT_OUT, fold.training)
            self.assertEqual(len(fold.training) + len(fold.judged), 220 if number == LEFT_OUT % 3 else 219)

    def test_a_better_method_is_found_better(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic(folder)
            validation = baselines.read_validation(folder)
            baselines.judge_folds(validation, 1)
            result = baselines.compare(validation, 200, 1)
            self.assertEqual(result, baselines.compare(validation, 200, 1))  # seeded
        measures = result["measures"]
        self.assertGreater(measures[baselines.OURS]["roc_auc"], measures["nearest field"]["roc_auc"])
        found = result["differences"][baselines.OURS]["roc_auc"]
        against = found["against"][found["best_baseline"]]
        best = max(measures[name]["roc_auc"] for name in baselines.BASELINES)
        self.assertAlmostEqual(against["difference"], measures[baselines.OURS]["roc_auc"] - best)
        self.assertLess(against["low"], against["difference"])
        self.assertGreater(against["high"], against["difference"])
        self.assertIn("gradient boosting", baselines.table(result))

    def test_equal_methods_do_not_differ(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic(folder)
            validation = baselines.read_validation(folder)
        for fold in validation.folds:
            fold.probabilities.update({name: fold.probabilities[baselines.OURS] for name in baselines.BASELINES})
        differences = baselines.compare(validation, 50, 1)["differences"][baselines.OURS]
        found = differences["accuracy"]["against"]["nearest field"]
        self.assertEqual(found, {"difference": 0, "low": 0, "high": 0})


if __name__ == "__main__":
    unittest.main()
