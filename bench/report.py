#!/usr/bin/env python3
"""Writes the tables of README.md from what measure.py measured. A figure that is missing is an error, and nothing is
written.

usage: report.py MEASURED [--readme README]
"""
import argparse
import json
import pathlib
import statistics
import sys

README = pathlib.Path(__file__).resolve().parent / "README.md"
END = "<!-- end -->"
# Of the peers' table when they could not be measured; report.py finds it by its beginning.
SKIPPED = "**Skipped in the latest run**"

PEERS = {
    "jax dense": "JAX, dense matrix",
    "jax grouped": "JAX, our grouped matrix",
    "torch dense": "PyTorch, dense matrix",
    "torch grouped": "PyTorch, our grouped matrix",
    "jax": "JAX",
    "torch": "PyTorch",
}
TARGETS = {"jax dense": 8, "torch dense": 8, "jax grouped": 3, "torch grouped": 3, "jax": 5, "torch": 5}

SCREENING = "screening/threads:1/fields:105995"  # all ternaries of 87 elements
STAGES = [
    # suite, benchmark, name, what the figures are of
    ("data", "parse", "parse", "{formulas:,.0f} formulas"),
    ("data", "matrix", "environment matrix, file read and parsed", "{formulas:,.0f} formulas"),
    ("data", "group", "group", "{formulas:,.0f} formulas' matrix, {groups:,.0f} groups"),
    ("step", "member_step", "member-step", "one, of an epoch of 64"),
    ("epochs", "epoch", "epoch", "a member each thread"),
    ("epochs", "ranking_epoch", "ranking: training epoch", "a member each thread"),
    ("evaluation", "prediction", "prediction", "{field_members:,.0f} field-members"),
    ("evaluation", "ranking_errors", "ranking: evaluation", "{field_members:,.0f} field-members"),
    ("evaluation", SCREENING, "screening, all ternaries", "{field_members:,.0f} field-members"),
]
SCALING = [
    # benchmark, its argument, name of what is varied
    ("members", "members", "members"),
    ("features", "k", "k"),
    ("batch", "batch", "batch"),
    ("environments", "times", "environments"),
    ("threads", "threads", "threads"),
]


class Missing(Exception):
    """A figure that a table needs was not measured."""


class Result:
    """Medians over the repetitions of one benchmark; times in seconds."""

    UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}

    def __init__(self, name, rows):
        self.name, self.rows = name, rows

    def __getitem__(self, key):
        try:
            values = [row[key] * (self.UNITS[row["time_unit"]] if key.endswith("_time") else 1) for row in self.rows]
        except KeyError:
            raise Missing(f"{self.name} has no {key}") from None
        return statistics.median(values)


class Suite:
    """{benchmark: Result} of one run of a program, by names without /real_time and the like."""

    def __init__(self, name, measured):
        self.name, self.results, rows = name, {}, {}
        for row in measured["result"]["benchmarks"]:
            if row["run_type"] == "iteration":
                short = row["run_name"]
                for ending in ("/real_time", "/process_time", "/iterations:1"):
                    short = short.replace(ending, "")
                if row.get("error_occurred"):
                    raise Missing(f"{name}: {short} failed: {row.get('error_message')}")
                rows.setdefault(short, []).append(row)
        self.results = {short: Result(f"{name}: {short}", found) for short, found in rows.items()}

    def __getitem__(self, benchmark):
        if benchmark not in self.results:
            raise Missing(f"{self.name}: no {benchmark}")
        return self.results[benchmark]

    def starting(self, prefix):
        """(what follows the prefix as an integer, Result), ascending."""
        found = {int(name[len(prefix):]): result for name, result in self.results.items() if name.startswith(prefix)}
        if not found:
            raise Missing(f"{self.name}: nothing starts with {prefix}")
        return sorted(found.items())


def scaled(value, unit):
    """Three figures: 1.54 ms, 83.4 MB, 12 G."""
    prefixes = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "u")]
    size, prefix = next(((size, prefix) for size, prefix in prefixes if value >= 0.9995 * size), prefixes[-1])
    number = value / size
    digits = 0 if number >= 99.95 else 1 if number >= 9.995 else 2
    return f"{number:.{digits}f} {prefix}{unit}".rstrip()


def share(value):
    percent = 100 * value
    return "< 0.01 %" if percent < 0.01 else f"{percent:.0f} %" if percent >= 9.5 else f"{percent:.2g} %"


def verdict(met):
    return "met" if met else "**missed**"


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def table(header, rows):
    return "\n".join([row(*header), "|---" * len(header) + "|", *(row(*cells) for cells in rows)])


def commands(*runs):
    return "\n".join(["```", *(run["command"] for run in runs), "```"])


def work_cells(result, of=1.0):
    """Bytes and operations of the of-th part of an iteration, and the shares of bandwidth and peak."""
    count, operations = result["bytes"] / of, result["operations"] / of
    peak = share(result["share_of_peak"]) if operations else "none"
    return [scaled(count, "B"), scaled(operations, "") if operations else "none", share(result["share_of_bandwidth"]),
            peak]


def steps_of(result):
    """Of an iteration: the medians of time and rate are of one repetition."""
    return round(result["member_steps_per_second"] * result["real_time"])


def target_table(measured, suites):
    step, bare = suites["step"]["member_step"], suites["step"]["three_bare_products"]["cpu_time"]
    step_time = step["cpu_time"] / steps_of(step)
    whole, python = suites["data"]["whole"], measured["plain_python"]["result"]["median_seconds"]
    data = whole["cpu_time"]
    screening = suites["evaluation"][SCREENING]
    few = suites["evaluation"]["screening/threads:1/fields:8192"]
    rate = 60 * screening["field_members"] / screening["cpu_time"]
    memory = suites["memory"]["training_memory/members:64"]
    at_8, at_64 = (suites["scaling"][f"members/members:{count}"]["step_seconds"] for count in (8, 64))
    return table(["what", "measured", "target"], [
        ["one training step of one member at the paper's shape (87 x 10,423, k 20, batch 16), against the three bare "
         "products by single-threaded OpenBLAS",
         f"{scaled(step_time, 's')} against {scaled(bare, 's')}: {step_time / bare:.1f}x",
         f"at most 3x: {verdict(step_time <= 3 * bare)}"],
        ["time of a member-step with 64 members, against that with 8",
         f"{scaled(at_64, 's')} against {scaled(at_8, 's')}: {100 * (at_64 / at_8 - 1):+.0f} %",
         f"within 15 %: {verdict(abs(at_64 / at_8 - 1) <= 0.15)}"],
        [f"parse, aggregate, matrix and groups of {whole['formulas']:,.0f} formulas and compositions, against plain "
         "Python",
         f"{scaled(data, 's')} against {scaled(python, 's')} of processor time: {python / data:.0f}x",
         f"under 1 s, at least 20x: {verdict(data < 1 and python >= 20 * data)}"],
        ["screening all ternaries with 20 members, classifier and ranking, per core-minute of processor time",
         f"{rate / 1e6:.1f} million field-members, peak {screening['peak_MB']:.0f} MB ({few['peak_MB']:.0f} MB for "
         "8,192 fields)",
         f"2 million: {verdict(rate >= 2e6)}"],
        ["peak memory of training 64 members through both networks", f"{memory['peak_MB']:.0f} MB",
         f"{memory['limit_MB']:.0f} MB = 1.3 x (weights, m, v) + 200 MB: "
         f"{verdict(memory['peak_MB'] <= memory['limit_MB'])}"],
    ])


def stage_table(suites):
    rows = []
    for suite, benchmark, name, iteration in STAGES:
        result = suites[suite][benchmark]
        parts = steps_of(result) if benchmark == "member_step" else 1
        rows.append([name, iteration.format_map(result), f"{result['threads']:.0f}",
                     scaled(result["real_time"] / parts, "s"), *work_cells(result, parts)])
    return table(["stage", "of what", "threads", "time", "bytes", "operations", "of bandwidth", "of peak"], rows)


def scaling_table(suite):
    rows = []
    for benchmark, argument, name in SCALING:
        for value, result in suite.starting(f"{benchmark}/{argument}:"):
            size = str(value)
            if name == "environments":
                size = f"{result['environments']:,.0f} ({result['groups']:,.0f} groups, {result['ones']:,.0f} ones)"
            rows.append([name, size, scaled(result["step_seconds"], "s"), f"{result['member_steps_per_second']:,.0f}",
                         *work_cells(result, steps_of(result)), "cache" if result["slab_in_cache"] else "memory"])
    return table(["varied", "to", "time of a member-step", "member-steps a second", "bytes", "operations",
                  "of bandwidth", "of peak", "slabs in"], rows)


def abilities(result):
    bandwidth = result["bytes_per_second"] / result["share_of_bandwidth"]
    peak = result["operations_per_second"] / result["share_of_peak"]
    return f"{scaled(bandwidth, 'B/s')} and {scaled(peak, 'FLOP/s')} with {result['threads']:.0f} threads".replace(
        "with 1 threads", "with one thread")


def provenance(measured):
    machine = measured["machine"]
    dirty = ", with changes that are not committed" if measured["dirty"] else ""
    return (f"on {machine['processor']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GB, "
            f"{machine['system']}, {machine['compiler']}, at commit {measured['commit']}{dirty}, {measured['date']}; "
            f"load of the machine before: {machine['load']:.1f}")


def measured_section(measured):
    suites = {name: Suite(name, run) for name, run in measured["suites"].items()}
    runs = measured["suites"]
    data = "published tables" if measured["published"] else "bundled tables, and synthetic ones of the published sizes"
    return "\n\n".join([
        f"Measured by `./run bench` {provenance(measured)}. Data: {data}.",
        target_table(measured, suites),
        commands(runs["step"], runs["scaling"], runs["data"], measured["plain_python"], runs["evaluation"],
                 runs["memory"]),
        "### Stages",
        f"The machine, measured in the same processes: {abilities(suites['step']['member_step'])}; "
        f"{abilities(suites['epochs']['epoch'])}.",
        stage_table(suites),
        commands(runs["data"], runs["step"], runs["epochs"], runs["evaluation"]),
        "### Scaling",
        scaling_table(suites["scaling"]),
        commands(runs["scaling"]),
    ])


def peer_table(title, unit, results):
    ours = next((result for result in results if result["contender"] == "C++"), None)
    if ours is None:
        raise Missing(f"peers: no C++ in {title}")
    expected = [name for name in PEERS if (" " in name) == title.startswith("training")]
    found = {result["contender"]: result for result in results}
    rows = [["PhaseSelect, CPU engine", f"{ours['rate']:,.0f}", "", f"{ours['peak_bytes'] / 2**20:,.0f} MB", ""]]
    for name in expected:
        result = found.get(name)
        if result is None or result.get("failed"):
            rows.append([PEERS[name], "failed" if result else "skipped: not installed", "-", "-", "-"])
            continue
        faster, less = ours["rate"] / result["rate"], result["peak_bytes"] / ours["peak_bytes"]
        rows.append([PEERS[name], f"{result['rate']:,.0f}",
                     f"{faster:.1f}x (target {TARGETS[name]}x: {verdict(faster >= TARGETS[name])})",
                     f"{result['peak_bytes'] / 2**20:,.0f} MB", f"{less:.1f}x (target 2x: {verdict(less >= 2)})"])
    return table([title, unit, "the engine is faster by", "peak memory", "the engine takes less by"], rows)


def peer_section(measured, present):
    """`present` is the section as it is: kept, and marked, where the peers were skipped."""
    peers = measured["peers"]
    if "skipped" in peers:
        kept = "\n".join(line for line in present.splitlines() if not line.startswith(SKIPPED)).strip()
        return f"{SKIPPED} ({measured['date']}): {peers['skipped']}. What follows is of an earlier one.\n\n{kept}"
    result = peers["result"]
    settings = result["settings"]
    return "\n\n".join([
        f"Measured {provenance(measured)}. {settings['members']} members, {settings['threads']} threads, medians of "
        f"{settings['repeats']} repeats in turns.",
        peer_table("training", "member-steps a second", result["train"]),
        peer_table("screening all ternaries, classifier only", "field-members a second", result["screen"]),
        commands(peers),
    ])


def replace(text, name, make):
    """The section of this name, remade by `make` from what it is."""
    begin = f"<!-- generated: {name} -->"
    first = text.find(begin)
    last = text.find(END, first)
    if first < 0 or last < 0:
        raise Missing(f"README.md lacks the lines {begin} and {END}")
    first += len(begin)
    return f"{text[:first]}\n{make(text[first:last].strip())}\n{text[last:]}"


def written(measured, text):
    text = replace(text, "measured", lambda present: measured_section(measured))
    return replace(text, "peers", lambda present: peer_section(measured, present))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=pathlib.Path)
    parser.add_argument("--readme", type=pathlib.Path, default=README)
    options = parser.parse_args()
    measured = json.loads(options.measured.read_text())
    if measured["quick"] and options.readme == README:
        sys.exit("report.py: a quick run measures nothing: name another file with --readme")
    try:
        options.readme.write_text(written(measured, options.readme.read_text()))
    except Missing as missing:
        sys.exit(f"report.py: {missing}")
    print(f"{options.readme} is up to date")


if __name__ == "__main__":
    main()
