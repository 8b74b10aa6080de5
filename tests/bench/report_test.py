"""bench/report.py on made-up measurements: the figures that it shows, and that it refuses when one is missing."""
import copy
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import report

README = """before
<!-- generated: measured -->
old
<!-- end -->
between
<!-- generated: peers -->
old peers
<!-- end -->
after
"""


def benchmark(name, milliseconds, **counters):
    work = {"threads": 1, "bytes": 2e6, "bytes_per_second": 1e9, "share_of_bandwidth": 0.25}
    work |= {"operations": 5e8, "operations_per_second": 2e10, "share_of_peak": 0.125}
    times = {"real_time": milliseconds, "cpu_time": milliseconds, "time_unit": "ms"}
    return {"run_name": f"{name}/real_time", "run_type": "iteration", **times, **work, **counters}


def step(name, milliseconds, **counters):
    """An iteration is one step."""
    rates = {"step_seconds": milliseconds / 1000, "member_steps_per_second": 1000 / milliseconds, "slab_in_cache": 1}
    return benchmark(name, milliseconds, **rates, **counters)


def suite(*benchmarks):
    return {"command": "program --option", "seconds": 1.0, "result": {"benchmarks": list(benchmarks)}}


def measured():
    text = {"formulas": 1000, "groups": 50, "operations": 0}
    fields = {"field_members": 2e6, "peak_MB": 40}
    sizes = {"environments": 63384, "groups": 10423, "ones": 82852}
    rates = {"C++": 1000, "jax dense": 100, "jax grouped": 500, "torch dense": 50, "torch grouped": 250}
    contenders = [{"contender": name, "rate": rate, "peak_bytes": 1e8 if name == "C++" else 1e9}
                  for name, rate in rates.items()]
    screen = [{"contender": "C++", "rate": 4e6, "peak_bytes": 1e8}, {"contender": "jax", "failed": True}]
    return {
        "date": "2030-01-02",
        "quick": False,
        "published": True,
        "machine": {"processor": "Processor", "cores": 2, "memory_bytes": 2**34, "system": "System", "compiler": "g++",
                    "load": 0.1},
        "commit": "0123456789ab",
        "dirty": False,
        "suites": {
            "data": suite(*(benchmark(name, 10, **text) for name in ("parse", "matrix", "group", "whole"))),
            # The median of three repetitions is 2.
            "step": suite(step("member_step", 2), step("member_step", 9), step("member_step", 1),
                          benchmark("three_bare_products", 1)),
            "epochs": suite(benchmark("epoch", 300, threads=2), benchmark("ranking_epoch", 30, threads=2)),
            "memory": suite(benchmark("training_memory/members:64", 1, peak_MB=200, limit_MB=100)),
            "evaluation": suite(*(benchmark(name, 1000, **fields) for name in (
                "prediction", "ranking_errors", report.SCREENING, "screening/threads:1/fields:8192"))),
            "scaling": suite(step("members/members:8", 2), step("members/members:64", 2.1), step("features/k:20", 2),
                             step("batch/batch:16", 2), step("environments/times:1", 2, **sizes),
                             step("threads/threads:1", 2)),
        },
        "plain_python": {"command": "python3 script", "result": {"median_seconds": 0.8}},
        "peers": {"command": "compare", "result": {"settings": {"members": 8, "threads": 2, "repeats": 5},
                                                   "train": contenders, "screen": screen}},
    }


class Report(unittest.TestCase):
    def test_figures_and_targets(self):
        text = report.written(measured(), README)
        for expected in (
            "2.00 ms against 1.00 ms: 2.0x | at most 3x: met",
            "+5 % | within 15 %: met",
            "80x | under 1 s, at least 20x: met",
            "120.0 million field-members",
            "| 200 MB | 100 MB = 1.3 x (weights, m, v) + 200 MB: **missed**",
            "4.00 GB/s and 160 GFLOP/s with one thread",
            "| parse | 1,000 formulas | 1 | 10.0 ms | 2.00 MB | none | 25 % | none |",
            "63,384 (10,423 groups, 82,852 ones)",
            "at commit 0123456789ab, 2030-01-02",
            "program --option",
        ):
            self.assertIn(expected, text)
        self.assertNotIn("old", text)
        self.assertTrue(text.startswith("before\n") and text.endswith("after\n") and "\nbetween\n" in text)

    def test_peers(self):
        text = report.written(measured(), README)
        for expected in ("10.0x (target 8x: met)", "2.0x (target 3x: **missed**)", "10.0x (target 2x: met)",
                         "| JAX | failed |", "| PyTorch | skipped: not installed |"):
            self.assertIn(expected, text)

    def test_uncommitted_changes_show(self):
        self.assertIn("changes that are not committed", report.written(measured() | {"dirty": True}, README))

    def test_skipped_peers_keep_their_table_and_say_so_once(self):
        skipped = measured() | {"peers": {"skipped": "no network"}}
        text = report.written(skipped, report.written(skipped, README))
        self.assertIn("old peers", text)
        self.assertEqual(text.count(report.SKIPPED), 1)
        self.assertIn("no network", text)
        self.assertNotIn(report.SKIPPED, report.written(measured(), text))

    def test_writing_again_changes_nothing(self):
        text = report.written(measured(), README)
        self.assertEqual(report.written(measured(), text), text)

    def refuses(self, changed, why):
        with self.assertRaisesRegex(report.Missing, why):
            report.written(changed, README)

    def test_missing_figures_are_refused(self):
        for name, rows in [(n, s["result"]["benchmarks"]) for n, s in measured()["suites"].items()]:
            for index, row in enumerate(rows):
                changed = measured()
                del changed["suites"][name]["result"]["benchmarks"][index]
                if sum(other["run_name"] == row["run_name"] for other in rows) == 1:
                    self.refuses(changed, name)
        changed = measured()
        del changed["suites"]["memory"]["result"]["benchmarks"][0]["limit_MB"]
        self.refuses(changed, "limit_MB")
        changed = copy.deepcopy(measured())
        changed["suites"]["step"]["result"]["benchmarks"][0] |= {"error_occurred": True, "error_message": "no table"}
        self.refuses(changed, "no table")
        with self.assertRaisesRegex(report.Missing, "lacks the lines"):
            report.written(measured(), "no markers")


if __name__ == "__main__":
    unittest.main()
