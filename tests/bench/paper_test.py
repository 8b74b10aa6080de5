"""Tests of paper.py and its parts with a program that only pretends to work."""
import contextlib
import io
import itertools
import json
import re
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "bench/paper"))
import paper
import records
import report
import tables

METRICS = {
    **{kind: {name: 0.5 for name in report.MEASURES} for kind in ("mean", "pooled")},
    "members": 2, "fields": 100, "positives": 40, "commit": "abc", "device": "a machine", "calibrated": None,
    "folds": [{}, {}], "seed": 1, "fold_seed": 3, "config": "training:\n  batch: 2\n  epochs: 7\n",
    "seconds": {"training": 11.5, "evaluation": 1},
}
# Stops in the validation "paper" the first time.
PROGRAM = f"""#!{sys.executable}
import json, os, pathlib, sys
here, words = pathlib.Path(__file__).parent, sys.argv[1:]
if words == ["--version"]:
    print("phaseselect", (here / "version").read_text())
    sys.exit()
(here / "log").open("a").write(json.dumps(words) + "\\n")
result = pathlib.Path(words[words.index("-o") + 1])
if result.suffix == ".csv":
    result.write_text("a,b\\n1,0.123456\\n")
    sys.exit()
stopped = result.name == "paper" and not result.exists()
result.mkdir(exist_ok=True)
if stopped:
    sys.exit(130)
(result / "metrics.json").write_text({json.dumps(json.dumps(METRICS))})
"""
ACCESSIBILITY = [
    {"what": what, "positives": 1000, "negatives": 20, "methods": {
        "accessibility": {"roc_auc": 0.9}, "boosting": {"roc_auc": 0.8, "accessibility_minus_this": [0.07, 0.12]}}}
    for what in report.JUDGED.values()
]
LEAK = [{"what": "left out", "positives": 5, "negatives": 6, "with": 0.9, "without": 0.8, "difference": -0.1,
         "low": -0.2, "high": 0.05}]
ASIDE = {
    "measures": {method: {name: value for name in report.MEASURES}
                 for method, value in (("PhaseSelect", 0.8), ("gradient boosting", 0.7))},
    "differences": {"PhaseSelect": {
        name: {"best_baseline": "gradient boosting",
               "against": {"gradient boosting": {"difference": 0.1, "low": 0.05, "high": 0.15}}}
        for name in report.MEASURES}},
    "fields": 1500, "learned_from": 8500, "members": 1, "left_out": {"known to the run": 3},
}
SCRIPTS = {"accessibility.baseline.json": ACCESSIBILITY, "leak.json": LEAK, "aside.json": ASIDE}


class Paper(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name).resolve()
        self.program = self.folder / "phaseselect"
        self.program.write_text(PROGRAM)
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        (self.folder / "mp_formulas.csv").write_text("formula\nNaCl\nLi2O\nD2O\n")
        for file, _ in paper.TABLES.values():
            (self.folder / file).write_text("phases,value\nNa Cl,1\n")
        self.set_version("1")

    def set_version(self, version):
        (self.folder / "version").write_text(version)
        records.version.cache_clear()

    def jobs(self, table="magnets", scale=paper.QUICK):
        own = paper.jobs(table, scale, self.program, self.folder, self.folder)
        return [job for job in own if job.command[0] == self.program]

    def run_job(self, job, folder=None):
        self.places = records.Places(self.program, self.folder, paper.SOURCE)
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            records.run(job, folder or self.folder, self.places)
        return said.getvalue()

    def job(self, name, **changed):
        return next(job for job in self.jobs(scale=paper.QUICK._replace(**changed)) if job.name == name)

    def calls(self):
        log = self.folder / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def test_what_is_there_is_not_made_again_and_what_was_stopped_goes_on(self):
        with self.assertRaises(SystemExit):
            for job in self.jobs():
                self.run_job(job)
        last = Path(self.calls()[-1][self.calls()[-1].index("-o") + 1]).name
        self.assertEqual(last, "paper")
        begun = len(self.calls())
        for _ in range(2):
            for job in self.jobs():
                self.run_job(job)
        self.assertEqual(len(self.calls()), len(self.jobs()) + 1)
        self.assertEqual(self.calls()[begun], self.calls()[begun - 1] + ["--resume"])

    def test_a_result_of_another_command_is_kept(self):
        self.run_job(self.job("default"))
        with self.assertRaisesRegex(SystemExit, "made with another command: remove it .*default.record.json"):
            self.run_job(self.job("default", members=7))

    def test_a_result_of_other_data_is_kept(self):
        self.run_job(self.job("default"))
        (self.folder / "magnets.csv").write_text("phases,value\nNa Cl,2\n")
        with self.assertRaisesRegex(SystemExit, "made with another .PHASESELECT_DATA/magnets.csv: remove"):
            self.run_job(self.job("default"))

    def test_a_result_of_another_result_is_kept(self):
        for name in ("default", "members.csv"):
            self.run_job(self.job(name))
        (self.folder / "default/predictions.csv").write_text("others")
        with self.assertRaisesRegex(SystemExit, "members.csv was made with another .*default: remove"):
            self.run_job(self.job("members.csv"))

    def test_what_nobody_recorded_is_kept(self):
        (self.folder / "default").mkdir()
        with self.assertRaisesRegex(SystemExit, "has no record"):
            self.run_job(self.job("default"))

    def test_a_result_that_is_gone_is_made_again(self):
        self.run_job(self.job("members.csv"))
        (self.folder / "members.csv").unlink()
        self.run_job(self.job("members.csv", members=3))
        self.assertEqual(len(self.calls()), 2)

    def test_a_result_of_another_version_is_used_and_told(self):
        self.run_job(self.job("default"))
        self.set_version("2")
        self.assertIn("made by phaseselect 1, this is phaseselect 2", self.run_job(self.job("default")))
        self.run_job(self.job("members.csv"))
        self.assertEqual(len(self.calls()), 2)
        text = "\n".join(report.provenance({"magnets": report.Folder(self.folder)}))
        self.assertIn("- phaseselect 1: magnets/default", text)
        self.assertIn("- phaseselect 2: magnets/members.csv", text)

    def test_a_finished_validation_counts_without_the_end_of_its_record(self):
        self.run_job(self.job("default"))
        path = records.path_of(self.folder, "default")
        record = records.read(self.folder, "default")
        seconds = record.pop("seconds")
        self.assertLess(seconds, 12)
        path.write_text(json.dumps(record))
        self.run_job(self.job("default"))
        self.assertEqual(len(self.calls()), 1)
        self.assertEqual(records.read(self.folder, "default"), record | {"seconds": 12.5})

    def test_a_command_that_is_left_behind_keeps_others_out(self):
        locked = records.lock(self.folder)
        with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
            locked.close()
            with self.assertRaisesRegex(SystemExit, "still works in"):
                records.lock(self.folder)
            child.kill()
        records.lock(self.folder).close()

    def test_the_important_jobs_come_first(self):
        own = [(job.stage, table, job.name) for table in paper.TABLES for job in self.jobs(table)]
        names = [(table, name) for _, table, name in sorted(own, key=lambda each: each[0])]
        self.assertEqual(names[:3], [(table, "default") for table in paper.TABLES])
        self.assertEqual(names[3:5], [("band_gap", "run"), ("band_gap", "intermetallics.csv")])
        aside = ["kept", "kept-run", "aside-predictions.csv"]
        self.assertEqual(names[5:14], [(table, name) for table in paper.TABLES for name in aside])
        self.assertEqual([name for table, name in names[14:18]], ["run", "accessibility.csv", "leak-run", "leak.csv"])
        for table in paper.TABLES:  # what a job reads was made before it
            made = set()
            own = paper.jobs(table, paper.CPU, self.program, self.folder, self.folder)
            for job in sorted(own, key=lambda job: job.stage):
                needed = {Path(word).name for before, word in zip(job.command, job.command[1:])
                          if before != "-o" and isinstance(word, Path) and word.parent == self.folder}
                self.assertEqual({name for name in needed if not (self.folder / name).exists()} - made, set())
                made.add(job.name)

    def test_fields_reported_elsewhere_only_where_there_are_some(self):
        self.assertNotIn("--reported", self.job("accessibility.csv").command)
        (self.folder / "icsd_fields.csv").write_text("phases\nAc Br\n")
        self.assertIn("--reported", self.job("accessibility.csv").command)

    def test_every_key_is_set_once(self):
        for job in self.jobs("band_gap"):
            words = [str(word) for word in job.command]
            keys = [words[i + 1].split("=")[0] for i, word in enumerate(words) if word == "--set"]
            self.assertEqual(len(keys), len(set(keys)), words)

    def test_every_ablation_changes_something_else(self):
        for table in paper.TABLES:
            ours = (SOURCE / "configs" / f"{table}.yaml").read_text()
            changes_of = {}
            for job in self.jobs(table):
                words = [str(word) for word in job.command]
                pairs = [word.split("=") for option, word in zip(words, words[1:]) if option == "--set"]
                said = [rf"\b{key.split('.')[-1]}: {re.escape(value)}(?![\w.])" for key, value in pairs]
                changes = frozenset(tuple(pair) for pair, line in zip(pairs, said) if not re.search(line, ours))
                if job.name.startswith("ablation-"):
                    self.assertNotIn(changes, changes_of.values(), job.name)
                    changes_of[job.name] = changes
            ablations = json.loads((SOURCE / "bench/paper/ablations.json").read_text())
            self.assertEqual(len(changes_of), len(ablations))

    def test_each_element_has_an_environment_of_its_own(self):
        target = self.folder / "indicator.csv"
        tables.indicator_formulas(self.folder / "mp_formulas.csv", target)
        self.assertEqual(target.read_text().split(), ["formula", "ClH2", "LiH3", "NaH4", "OH5"])

    def test_left_out_formulas_are_of_ternary_fields_that_stay_known(self):
        elements = "Al B C Cl F H Li N Na O P S Si".split()
        triples = ["".join(three) for three in itertools.combinations(elements, 3)]
        pairs = ["".join(two) for two in itertools.combinations(elements, 2)]
        formulas, properties = self.folder / "formulas.csv", self.folder / "properties.csv"
        formulas.write_text("\n".join(["formula", *triples, *pairs, *(f"{triple}2" for triple in triples)]))
        properties.write_text("phases,Tc\nNa Cl,5")
        kept, known = self.folder / "kept.csv", self.folder / "known.csv"
        tables.without_a_fifth(formulas, properties, kept, known)
        self.assertEqual(kept.read_text().splitlines()[0], "formula")
        still = [frozenset(tables.symbols(line)) for line in kept.read_text().splitlines()[1:]]
        header, first, *rows = known.read_text().splitlines()
        self.assertEqual((header, first), ("phases,Tc", "Na Cl,5"))
        left_out = {frozenset(row.split(",")[0].split()) for row in rows}
        self.assertEqual(left_out | set(still), {frozenset(tables.symbols(each)) for each in [*triples, *pairs]})
        self.assertFalse(left_out & set(still))
        self.assertTrue(len(triples) / 8 < len(left_out) < len(triples) / 3)
        self.assertEqual({len(field) for field in left_out}, {3})

    def test_the_fields_set_aside_are_always_the_same(self):
        properties, kept, aside = (self.folder / name for name in ("properties.csv", "kept.csv", "aside.csv"))
        rows = [f"Na Cl,{value}" for value in range(100)]
        properties.write_text("\n".join(["phases,Tc", *rows]))
        tables.set_aside(properties, kept, aside)
        parts = [path.read_text().splitlines() for path in (kept, aside)]
        self.assertEqual([part[0] for part in parts], ["phases,Tc"] * 2)
        self.assertEqual([len(part) for part in parts], [86, 16])
        self.assertEqual(sorted(parts[0][1:] + parts[1][1:]), sorted(rows))
        self.assertEqual(parts[1][1:4], ["Na Cl,6", "Na Cl,42", "Na Cl,16"])  # so drawn when the defaults were chosen

    def test_no_element_loses_its_last_formula(self):
        formulas, properties = self.folder / "formulas.csv", self.folder / "properties.csv"
        known = ["".join(three) for three in itertools.combinations("Al C H N O S Si".split(), 3)]
        only = next(f"He{metal}O" for metal in ("Na", "K", "Rb", "Cs", "Ba", "Sr", "Ca", "Mg", "Y", "La", "Li", "Be")
                    if tables.is_left_out(tables.symbols(f"He{metal}O")))
        formulas.write_text("\n".join(["formula", "He", *known, only]))
        properties.write_text("phases,Tc\n")
        tables.without_a_fifth(formulas, properties, self.folder / "kept.csv", self.folder / "known.csv")
        self.assertIn(only, (self.folder / "kept.csv").read_text().split())

    def test_results_name_the_commands(self):
        folder = self.folder / "magnets"
        folder.mkdir()
        for job in paper.jobs("magnets", paper.QUICK, self.program, self.folder, folder):
            if job.command[0] == self.program and job.name != "paper":
                self.run_job(job, folder)
            elif job.name in SCRIPTS:
                (folder / job.name).write_text(json.dumps(SCRIPTS[job.name]))
                of = {"command": ["python", job.name], "program": "script", "machine": "a machine", "seconds": 3}
                records.path_of(folder, job.name).write_text(json.dumps(of))
        text = report.results(self.folder, {"magnets": "scaled so"}, self.places)
        for expected in (
            "- scaled so",
            "| our defaults, 2 members x 7 epochs | 0.5000 |",
            "2 folds of seed 3, members of seed 1",
            "| 1 | 0.1235 |",
            "phaseselect validate configs/magnets.yaml",
            "data.properties=$PHASESELECT_DATA/magnets.csv --set",
            f"Machine: {records.machine()}; a machine. Program: phaseselect 1.",
            "| membership: fields of the formulas against all others | 1,000 | 20 | 0.9000 | 0.8000 |",
            "| membership | +0.0700 to +0.1200 |",
            "1,500 fields of the 15 % of the table",
            "1 member that learned from 8,500 others",
            "Left out: 3 known to the run.",
            "| gradient boosting | 0.7000 | 0.7000 |",
            "| roc_auc | gradient boosting | +0.1000 (+0.0500 to +0.1500) |",
            "| left out | 5 | 6 | 0.9000 | 0.8000 | -0.1000 (-0.2000 to +0.0500) |",
            "icsd_fields.csv",
        ):
            self.assertIn(expected, text)
        self.assertNotIn(sys.executable, text)


if __name__ == "__main__":
    unittest.main()
