"""Makes every table of the paper and of ours: validations, baselines, accessibility, harder splits, ablations, studies.

Usage: ./run paper [--quick] [--table NAME ...] [--members N] [--side-members N] [-o FOLDER] [--results FILE]
The important jobs of all tables come first. What is there already is not made again, and an interrupted validation goes
on where it was. Members and epochs are scaled to the device; what was scaled is printed and stands in the results file,
with every command.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import records
import report
from plan import CPU, CPU_LARGE, GPU, QUICK, SOURCE, TABLES, describe, jobs


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


def parse():
    arguments = argparse.ArgumentParser(prog="./run paper", description=__doc__.splitlines()[0])
    arguments.add_argument("--program", type=Path, required=True, help=argparse.SUPPRESS)
    arguments.add_argument("--quick", action="store_true", help="hardly any training: shows that everything works")
    arguments.add_argument("--table", choices=TABLES, action="append", help="only this one; may be given several times")
    arguments.add_argument("--members", type=int, help="members a fold of our defaults")
    arguments.add_argument("--side-members", type=int, help="members a fold of splits, ablations and studies")
    arguments.add_argument("-o", "--output", type=Path, help="folder; default out/paper (out/paper-quick)")
    arguments.add_argument("--results", type=Path, help="default bench/RESULTS.md; with --quick or --table in the folder")
    return arguments.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("paper.py: stopped"))
    places = records.Places(options.program.resolve(), data_folder(), SOURCE)
    output = (options.output or SOURCE / "out" / ("paper-quick" if options.quick else "paper")).resolve()
    apart = options.quick or options.table  # not all that the results file says
    results = options.results or (output / "RESULTS.md" if apart else SOURCE / "bench/RESULTS.md")
    scales = {table: scale_of(table, options) for table in options.table or TABLES}
    scaled = {table: describe(table, scale) for table, scale in scales.items()}
    print(*scaled.values(), sep="\n", file=sys.stderr)
    if not (places.data / "icsd_fields.csv").exists():
        print(report.NO_REPORTED, file=sys.stderr)
    output.mkdir(parents=True, exist_ok=True)
    locked = records.lock(output)
    planned = []
    for table, scale in scales.items():
        folder = output / table
        folder.mkdir(exist_ok=True)
        planned += [(job, folder) for job in jobs(table, scale, places.program, places.data, folder)]
    for job, folder in sorted(planned, key=lambda each: each[0].stage):
        records.run(job, folder, places)
        results.write_text(report.results(output, scaled, places))
    locked.close()
    print(f"the tables are in {results}", file=sys.stderr)


if __name__ == "__main__":
    main()
