"""Tests of set_aside.py on made-up fields. Exit code 77: skipped, there is no scikit-learn."""
import contextlib
import importlib.util
import io
import itertools
import json
import os
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

if not importlib.util.find_spec("sklearn"):
    print(f"SKIPPED: {sys.executable} has no scikit-learn: set PHASESELECT_PYTHON to a Python that has")
    sys.exit(77)

os.environ["OMP_NUM_THREADS"] = "1"  # tables this small are not worth a second thread
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench/peers"))
import set_aside

FIELDS = [" ".join(three) for three in itertools.combinations("Ba Ca Cl Cu F K Li Mg Na O S Y".split(), 3)]
KNOWN, ASIDE = FIELDS[::2], FIELDS[1::2]


def value(field):
    return 20 if "O" in field.split() else 10 if "F" in field.split() else 5


class SetAside(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.run_folder = Path(temporary.name) / "run"
        self.run_folder.mkdir()
        self.predictions, self.table = (Path(temporary.name) / name for name in ("predictions.csv", "table.csv"))
        self.write(inclusive=True)

    def write(self, inclusive):
        """All but the first two fields are judged rightly; one field that is known is in the table too."""
        of = "true" if inclusive else "false"
        (self.run_folder / "config.yaml").write_text(f"data:\n  threshold: 10\n  inclusive: {of}\nmodel:\n  threshold: 1\n")
        (self.run_folder / "run.json").write_text('{"members": 3}')
        reached = lambda field: value(field) > 10 or (inclusive and value(field) == 10)
        known = [f"{field},{value(field)},{int(reached(field))}" for field in KNOWN]
        (self.run_folder / "fields.csv").write_text("\n".join(["phases,value,label", *known]) + "\n")
        rows = [f"{' '.join(reversed(field.split()))},{value(field)}" for field in ASIDE]
        rows += ["Og Ts,7", f"{KNOWN[0]},5", f"{ASIDE[0]},1", "nonsense,x"]
        self.table.write_text("\n".join(["phases,Tc", *rows]) + "\n")
        said = [(field, 0.9 if reached(field) != (i < 2) else 0.2) for i, field in enumerate(ASIDE)]
        lines = [f"{field},{probability},{probability}" for field, probability in [*said, (KNOWN[0], 0.2)]]
        self.predictions.write_text("\n".join(["phases,probability,calibrated", *lines, "Xe,,"]) + "\n")

    def test_new_fields_are_judged_once(self):
        validation, left_out = set_aside.read(self.run_folder, self.predictions, self.table)
        self.assertEqual(left_out, {"without a probability": 1, "known to the run": 1})
        (fold,) = validation.folds
        self.assertEqual([validation.fields[i] for i in fold.judged], sorted(ASIDE))
        self.assertEqual([validation.fields[i] for i in fold.training], KNOWN)
        labels = {validation.fields[i]: validation.labels[i] for i in fold.judged}
        self.assertEqual(labels, {field: int(value(field) >= 10) for field in ASIDE})
        self.assertEqual(set(fold.probabilities), {"PhaseSelect", "PhaseSelect, calibrated"})

    def test_a_threshold_that_must_be_passed(self):
        self.write(inclusive=False)
        validation, _ = set_aside.read(self.run_folder, self.predictions, self.table)
        labels = {validation.fields[i]: validation.labels[i] for i in validation.folds[0].judged}
        self.assertEqual(labels, {field: int(value(field) > 10) for field in ASIDE})

    def test_measures_and_baselines(self):
        output = self.run_folder / "aside.json"
        words = ["set_aside.py", self.run_folder, self.predictions, self.table, "-o", output, "--resamples", 5]
        with unittest.mock.patch.object(sys, "argv", [str(word) for word in words]):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                set_aside.main()
        found = json.loads(output.read_text())
        self.assertEqual((found["members"], found["fields"], found["learned_from"]), (3, len(ASIDE), len(KNOWN)))
        self.assertAlmostEqual(found["measures"]["PhaseSelect"]["accuracy"], 1 - 2 / len(ASIDE))
        self.assertGreater(found["measures"]["gradient boosting"]["accuracy"], 0.9)

    def test_a_calibration_that_lacks_fields(self):
        lines = self.predictions.read_text().splitlines()
        self.predictions.write_text("\n".join([*lines[:-3], lines[-3].rsplit(",", 1)[0] + ","]) + "\n")
        with self.assertRaisesRegex(SystemExit, "1 fields have no calibrated"):
            set_aside.read(self.run_folder, self.predictions, self.table)

    def test_nothing_new(self):
        self.predictions.write_text(f"phases,probability,calibrated\n{KNOWN[0]},0.2,0.2\n")
        words = ["set_aside.py", self.run_folder, self.predictions, self.table]
        with unittest.mock.patch.object(sys, "argv", [str(word) for word in words]):
            with self.assertRaisesRegex(SystemExit, "judges no field"):
                set_aside.main()


if __name__ == "__main__":
    unittest.main()
