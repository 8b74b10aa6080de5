"""Tests of accessibility_baseline.py and accessibility_leak.py on made-up fields. Exit code 77: skipped, there is no
scikit-learn."""
import contextlib
import csv
import importlib.util
import io
import itertools
import json
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
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench/peers"))
import accessibility_baseline
import accessibility_leak

ELEMENTS = "Ba Ca Cl Cu F K Li Mg Na O S Y".split()
HEADER = "phases fold accessibility accessibility_std reconstruction_error element_frequency known".split()
FIELDS = list(itertools.combinations(ELEMENTS, 3))


def table(path, noise, flags, fold=lambda i: i % 2):
    """Fields with two of O, F, Cl, S are known, and the learned accessibility sees that but for the noise."""
    generator = np.random.default_rng(3)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for i, field in enumerate(FIELDS):
            score = is_known(field) + noise * generator.standard_normal()
            noises = generator.random(2)
            writer.writerow([" ".join(field), fold(i), score, 0.1, *noises, flags(i, field)])
    return path


def is_known(field):
    return len({"O", "F", "Cl", "S"} & set(field)) == 2


def formulas_only(i, field):
    """Some are reported elsewhere, known or not."""
    flags = ["environments"] * is_known(field) + ["reported"] * (i % 7 == 0)
    return ";".join(flags)


class Accessibility(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def result(self, script, *arguments):
        output = self.folder / "result.json"
        kept, sys.argv = sys.argv, ["script", *map(str, arguments), "--resamples", "50", "-o", str(output)]
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                script.main()
        finally:
            sys.argv = kept
        return {entry["what"]: entry for entry in json.loads(output.read_text())}

    def test_boosting_judges_what_it_did_not_learn_from(self):
        generator = np.random.default_rng(1)
        matrix, known = np.zeros((200, 1), np.float32), generator.random(200) < 0.5
        folds = np.where(known, 0, 1)  # each fold's rest has one class only, the other one
        known[:5], known[-5:] = ~known[:5], ~known[-5:]
        judged = accessibility_baseline.out_of_fold(matrix, known, folds, {}, 1)
        self.assertLess(roc_auc_score(known, judged), 0.5)

    def test_areas_and_intervals(self):
        whole = table(self.folder / "whole.csv", 0.4, formulas_only)
        found = self.result(accessibility_baseline, whole, "--iterations", 20)
        entry = found["fields of the formulas against all others"]
        labels, scores = [is_known(field) for field in FIELDS], accessibility_baseline.read(whole)[3]
        self.assertEqual((entry["positives"], entry["negatives"]), (sum(labels), len(FIELDS) - sum(labels)))
        methods = entry["methods"]
        self.assertEqual(list(methods)[-2:], ["gradient boosting", "gradient boosting, 20"])
        self.assertAlmostEqual(methods["accessibility"]["roc_auc"], roc_auc_score(labels, scores["accessibility"]))
        low, high = methods["reconstruction error"]["accessibility_minus_this"]
        difference = methods["accessibility"]["roc_auc"] - methods["reconstruction error"]["roc_auc"]
        self.assertTrue(0 < low < difference < high)
        elsewhere = found["reported but not in the formulas, against neither"]
        reported = sum(formulas_only(i, field) == "reported" for i, field in enumerate(FIELDS))
        self.assertEqual((elsewhere["positives"], elsewhere["negatives"]), (reported, entry["negatives"] - reported))

    def test_no_reported_fields_no_measure_of_them(self):
        whole = table(self.folder / "whole.csv", 0.4, lambda i, field: "environments" * is_known(field))
        found = self.result(accessibility_baseline, whole, "--iterations", 5)
        self.assertEqual(len(found), 2)

    def left_out(self, i, field):
        return "training" if is_known(field) and i % 3 == 0 else formulas_only(i, field)

    def test_leak_is_of_the_fields_that_were_left_out(self):
        whole = table(self.folder / "whole.csv", 0.1, formulas_only)
        without = table(self.folder / "without.csv", 3, self.left_out)
        found = self.result(accessibility_leak, whole, without)
        entry = found["fields whose formulas were left out, against fields not known"]
        expected = sum(is_known(field) for i, field in enumerate(FIELDS) if i % 3 == 0)
        self.assertEqual(entry["positives"], expected)
        self.assertEqual(entry["negatives"], sum(not is_known(field) for field in FIELDS))
        elsewhere = found["reported but not in the formulas, against neither"]
        reported = sum(formulas_only(i, field) == "reported" for i, field in enumerate(FIELDS))
        self.assertEqual((elsewhere["positives"], elsewhere["negatives"]), (reported, entry["negatives"] - reported))
        self.assertAlmostEqual(entry["difference"], entry["without"] - entry["with"])
        self.assertTrue(entry["low"] < entry["difference"] < entry["high"] < 0)

    def test_other_folds_cannot_be_compared(self):
        whole = table(self.folder / "whole.csv", 0.1, formulas_only)
        without = table(self.folder / "without.csv", 0.1, self.left_out, fold=lambda i: i % 3)
        with self.assertRaisesRegex(SystemExit, "differ in fields or folds"):
            self.result(accessibility_leak, whole, without)


if __name__ == "__main__":
    unittest.main()
