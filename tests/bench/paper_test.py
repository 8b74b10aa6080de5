"""Tests of paper.py with a program that only pretends to work."""
import json
import stat
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench/paper"))
import paper
import report

METRICS = {
    **{kind: {name: 0.5 for name in report.MEASURES} for kind in ("mean", "pooled")},
    "members": 2, "fields": 100, "positives": 40, "commit": "abc", "device": "a machine", "calibrated": None,
}
PROGRAM = f"""#!{sys.executable}
import json, pathlib, sys
log, words = pathlib.Path(__file__).with_name("log"), sys.argv[1:]
log.open("a").write(json.dumps(words) + "\\n")
result = pathlib.Path(words[words.index("-o") + 1])
if words[0] == "study":
    result.write_text("a,b\\n1,0.123456\\n")
    sys.exit()
stopped = words[0] == "validate" and result.name == "paper" and not result.exists()
result.mkdir(exist_ok=True)
if stopped:
    sys.exit(130)
(result / "metrics.json").write_text({json.dumps(json.dumps(METRICS))})
"""


class Paper(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.program = self.folder / "phaseselect"
        self.program.write_text(PROGRAM)
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        (self.folder / "mp_formulas.csv").write_text("formula\nNaCl\nLi2O\nD2O\n")

    def jobs(self, table="magnets", scale=paper.QUICK):
        own = paper.jobs(table, scale, self.program, self.folder, self.folder)
        return [job for job in own if not job.name.endswith(".baselines.json")]

    def calls(self):
        log = self.folder / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def test_what_is_there_is_not_made_again_and_what_was_stopped_goes_on(self):
        with self.assertRaises(SystemExit):
            for job in self.jobs():
                paper.run_job(job, self.folder)
        self.assertEqual([Path(call[call.index("-o") + 1]).name for call in self.calls()], ["default", "paper"])
        for _ in range(2):
            for job in self.jobs():
                paper.run_job(job, self.folder)
        self.assertEqual(len(self.calls()), len(self.jobs()) + 1)
        self.assertEqual(self.calls()[2], self.calls()[1] + ["--resume"])

    def test_a_result_of_another_command_is_kept(self):
        paper.run_job(self.jobs()[0], self.folder)
        other = self.jobs(scale=paper.QUICK._replace(members=7))[0]
        with self.assertRaisesRegex(SystemExit, "made by another command"):
            paper.run_job(other, self.folder)

    def test_every_key_is_set_once(self):
        for job in self.jobs("band_gap"):
            words = [str(word) for word in job.command]
            keys = [words[i + 1].split("=")[0] for i, word in enumerate(words) if word == "--set"]
            self.assertEqual(len(keys), len(set(keys)), words)

    def test_each_element_has_an_environment_of_its_own(self):
        target = paper.indicator_formulas(self.folder / "mp_formulas.csv", self.folder / "indicator.csv")
        self.assertEqual(target.read_text().split(), ["formula", "ClH2", "LiH3", "NaH4", "OH5"])

    def test_results_name_the_commands(self):
        (self.folder / "magnets").mkdir()
        for job in paper.jobs("magnets", paper.QUICK, self.program, self.folder, self.folder / "magnets"):
            if job.name in ("default", "members.csv"):
                paper.run_job(job, self.folder / "magnets")
        text = report.results(self.folder, {"magnets": "scaled so"}, paper.SOURCE, self.folder)
        self.assertIn("- scaled so", text)
        self.assertIn("| our defaults, 2 members | 0.5000 |", text)
        self.assertIn("| 1 | 0.1235 |", text)
        self.assertIn("phaseselect validate configs/magnets.yaml", text)
        self.assertIn("data.properties=$PHASESELECT_DATA/magnets.csv", text)
        self.assertNotIn(sys.executable, text)


if __name__ == "__main__":
    unittest.main()
