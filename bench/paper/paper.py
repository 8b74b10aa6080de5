"""Makes every table of the paper and of ours: validations, baselines, harder splits, ablations, studies.

Usage: ./run paper [--quick] [--table NAME ...] [--members N] [--side-members N] [-o FOLDER] [--results FILE]
What is there already is not made again, and an interrupted validation goes on where it was. Members and epochs are
scaled to the device; what was scaled is printed and stands in the results file, with every command.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import report

SOURCE = Path(__file__).resolve().parents[2]
TABLES = {  # name: file of the property table, values of the threshold
    "superconductors": ("superconductors.csv", "5,10,20,40"),
    "magnets": ("magnets.csv", "100,200,300,400"),
    "band_gap": ("band_gaps.csv", "1.5,3,4.5,6"),
}
SPLITS = ("supersets", "leave_element_out", "arity")
SIZES = (1, 2, 3, 5, 10, 20, 50, 100, 200, 300)


class Scale(NamedTuple):
    """Members of a fold of our defaults, of the paper's configurations, of all that is beside them; the most epochs of
    the first and last, and of the paper's (0: as configured)."""

    members: int
    paper_members: int
    side_members: int
    epochs: int = 0
    paper_epochs: int = 0


GPU = Scale(20, 20, 10)
CPU = Scale(5, 2, 2)
CPU_LARGE = Scale(3, 1, 1, 10, 20)  # band gaps: eight times the fields
QUICK = Scale(2, 1, 1, 2, 2)


class Job(NamedTuple):
    name: str  # of the result in the folder of the table: "default", "k.csv"
    command: list

    def is_done(self, folder):
        return record_path(folder, self.name).exists()


def record_path(folder, name):
    return folder / f"{name}.record.json"


def scale_of(table, options):
    if options.quick:
        scale = QUICK
    elif shutil.which("nvidia-smi") and subprocess.run(["nvidia-smi"], capture_output=True).returncode == 0:
        scale = GPU
    else:
        scale = CPU_LARGE if table == "band_gap" else CPU
    if options.members:
        scale = scale._replace(members=options.members)
    if options.side_members:
        scale = scale._replace(side_members=options.side_members)
    return scale


def data_folder():
    for folder in (os.environ.get("PHASESELECT_DATA"), SOURCE / "data"):
        if folder and (Path(folder) / "mp_formulas.csv").exists():
            return Path(folder).resolve()
    sys.exit("paper.py: the published tables are not there: ./run fetch, or set PHASESELECT_DATA to their folder")


def indicator_formulas(formulas, target):
    """Formulas in which every element that `formulas` names has one environment of its own, all with hydrogen."""
    symbols = {symbol for line in formulas.read_text().splitlines()[1:] for symbol in re.findall("[A-Z][a-z]?", line)}
    lines = [f"{symbol}H{i + 2}" for i, symbol in enumerate(sorted(symbols - {"H", "D", "T"}))]
    target.write_text("\n".join(["formula", *lines]) + "\n")
    return target


def settings(*pairs):
    return [word for pair in pairs if pair for word in ("--set", pair)]


def jobs(table, scale, program, data, folder):
    """In the order of their importance."""
    properties, thresholds = TABLES[table]
    tables = settings(f"data.properties={data / properties}", f"environments.formulas={data / 'mp_formulas.csv'}")
    ours = SOURCE / "configs" / f"{table}.yaml"
    epochs = settings(scale.epochs and f"training.epochs={scale.epochs}")
    paper_epochs = settings(scale.paper_epochs and f"training.epochs={scale.paper_epochs}")
    side = ["--members", scale.side_members]
    resamples = ["--resamples", "100"] if scale == QUICK else []

    def validate(name, config, *more):
        return Job(name, [program, "validate", config, "-o", folder / name, *more])

    def baselines(of):
        command = [sys.executable, SOURCE / "bench/peers/baselines.py", folder / of]
        return Job(f"{of}.baselines.json", [*command, "-o", folder / f"{of}.baselines.json", *resamples])

    def study(name, subject, *more):
        return Job(name, [program, "study", subject, "-o", folder / name, *more])

    yield validate("default", ours, "--members", scale.members, "--member-predictions", *epochs, *tables)
    yield baselines("default")
    for name in ("paper", "paper-adam1e-3"):
        config = SOURCE / "configs/paper" / f"{table}{name.removeprefix('paper')}.yaml"
        yield validate(name, config, "--members", scale.paper_members, *paper_epochs, *tables)
    for split in SPLITS:
        yield validate(split, ours, *side, *settings(f"validation.split={split}"), *epochs, *tables)
        yield baselines(split)
    for number, (what, changes) in enumerate(json.loads((SOURCE / "bench/paper/ablations.json").read_text()).items()):
        indicator = folder / "indicator.csv"
        own = [change.replace("INDICATOR", str(indicator)) for change in changes]
        if own != changes and not indicator.exists():
            indicator_formulas(data / "mp_formulas.csv", indicator)
        replaced = {change.split("=")[0] for change in own}
        kept = [pair for pair in zip(tables[::2], tables[1::2]) if pair[1].split("=")[0] not in replaced]
        yield validate(f"ablation-{number}", ours, *side, *epochs, *(w for pair in kept for w in pair), *settings(*own))
    yield study("k.csv", ours, "--vary", "features=10,20,40,64", *side, *epochs, *tables)
    yield study("threshold.csv", ours, "--vary", f"threshold={thresholds}", *side, *epochs, *tables)
    sizes = [size for size in SIZES if size < scale.members] + [scale.members]
    yield study("members.csv", folder / "default", "--ensemble-sizes", ",".join(map(str, sizes)))
    run = folder / "run"
    yield Job("run", [program, "train", ours, "-o", run, "--members", scale.members, *epochs, *tables])
    known = ["--known", data / "icsd_fields.csv"] if (data / "icsd_fields.csv").exists() else []
    yield study("ranking.csv", run, "--ranking", *known)
    if table == "band_gap":
        yield study("intermetallics.csv", run, "--metals")


def run_job(job, folder):
    """Makes the result, or finds that it is there. A result of another command is nobody's to overwrite."""
    command = [str(word) for word in job.command]
    record = record_path(folder, job.name)
    if record.exists():
        if json.loads(record.read_text())["command"] != command:
            sys.exit(f"paper.py: {folder / job.name} was made by another command: remove {record} and it, or choose -o")
        return
    print(f"{time.strftime('%H:%M')} {folder.name}: {job.name}", file=sys.stderr, flush=True)
    resumable = command[1] in ("validate", "train") and (folder / job.name).exists()
    start = time.time()
    found = subprocess.run(command + ["--resume"] * resumable)
    if found.returncode:
        sys.exit(f"paper.py: failed with code {found.returncode}: {' '.join(command)}")
    done = {"command": command, "seconds": round(time.time() - start, 1), "date": time.strftime("%Y-%m-%d")}
    record.write_text(json.dumps(done, indent=2) + "\n")


def describe(table, scale):
    configured = "as configured"
    return (
        f"{table}: {scale.members} members a fold of our defaults, {scale.paper_members} of the paper's configurations "
        f"(the paper: 300), {scale.side_members} of splits, ablations and studies; epochs "
        f"{scale.epochs or configured}, of the paper's at most {scale.paper_epochs or configured}"
    )


def main():
    arguments = argparse.ArgumentParser(prog="./run paper", description=__doc__.splitlines()[0])
    arguments.add_argument("--program", type=Path, required=True, help=argparse.SUPPRESS)
    arguments.add_argument("--quick", action="store_true", help="hardly any training: shows that everything works")
    arguments.add_argument("--table", choices=TABLES, action="append", help="only this one; may be given several times")
    arguments.add_argument("--members", type=int, help="members a fold of our defaults")
    arguments.add_argument("--side-members", type=int, help="members a fold of splits, ablations and studies")
    arguments.add_argument("-o", "--output", type=Path, help="folder; default out/paper (out/paper-quick)")
    arguments.add_argument("--results", type=Path, help="default bench/RESULTS.md; with --quick in the folder")
    options = arguments.parse_args()
    data = data_folder()
    output = (options.output or SOURCE / "out" / ("paper-quick" if options.quick else "paper")).resolve()
    results = options.results or (output / "RESULTS.md" if options.quick else SOURCE / "bench/RESULTS.md")
    scales = {table: scale_of(table, options) for table in options.table or TABLES}
    for table, scale in scales.items():
        print(describe(table, scale), file=sys.stderr)
    for table, scale in scales.items():
        folder = output / table
        folder.mkdir(parents=True, exist_ok=True)
        for job in jobs(table, scale, options.program.resolve(), data, folder):
            run_job(job, folder)
            text = report.results(output, {t: describe(t, s) for t, s in scales.items()}, SOURCE, data)
            results.write_text(text)
    print(f"the tables are in {results}", file=sys.stderr)


if __name__ == "__main__":
    main()
