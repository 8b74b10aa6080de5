#!/usr/bin/env python3
"""Runs every suite and the comparison with the peers, and writes OUT/measured.json: what report.py makes the tables of
README.md from, with the machine, the commit, the date and each command.

usage: measure.py BUILD OUT [--quick] [--peers PYTHON]

--quick   everything once and shortly: shows that it works, and measures nothing
--peers   a Python with the peers' packages; by default peers/setup.sh makes one, and where it cannot, the peers are
          skipped
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent
DATA = pathlib.Path(os.environ.get("PHASESELECT_DATA", SOURCE.parent / "shared" / "data"))
PUBLISHED = ("mp_formulas.csv", "supercon_compositions.csv", "superconductors.csv")

# name: program and options. What is compared runs in turns.
SUITES = {
    "data": "bench_data --benchmark_min_time=0.5 --benchmark_repetitions=5",
    "step": "bench_training --benchmark_filter=member_step|three_bare_products --benchmark_min_time=1"
            " --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true",
    "epochs": "bench_training --benchmark_filter=epoch --benchmark_min_time=0.5 --benchmark_repetitions=3",
    "memory": "bench_training --benchmark_filter=training_memory",
    "evaluation": "bench_evaluation --benchmark_min_time=0.5 --benchmark_repetitions=3",
    "scaling": "bench_scaling --benchmark_min_time=0.5 --benchmark_repetitions=3"
               " --benchmark_enable_random_interleaving=true",
}
QUICK = ["--benchmark_min_time=0.01", "--benchmark_repetitions=1"]


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def output_of(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout.strip()


def shown(command):
    """As one types it in the source folder."""
    words = [str(word).replace(str(DATA), "$PHASESELECT_DATA").replace(f"{SOURCE}/", "") for word in command]
    return " ".join(f"'{word}'" if "|" in word else word for word in words)


def run(command, output, add):
    """Runs the command with `add`, which makes it write `output`: {"command", "seconds", "result"}."""
    say(shown(command))
    output.unlink(missing_ok=True)
    begin = time.monotonic()
    subprocess.run([str(word) for word in [*command, *add]], check=True, cwd=SOURCE, stdout=sys.stderr)
    seconds = time.monotonic() - begin
    return {"command": shown(command), "seconds": seconds, "result": json.loads(output.read_text())}


def suite(name, build, out, quick):
    program, *options = SUITES[name].split()
    output = out / f"{name}.json"
    add = [f"--benchmark_out={output}", "--benchmark_out_format=json"]
    return run([build / "bench" / program, *options, *(QUICK if quick else [])], output, add)


def plain_python(quick):
    """The data path of bench_data, on the same tables."""
    tables = [DATA / "mp_formulas.csv", DATA / "supercon_compositions.csv"]
    bundled = [SOURCE / "configs/demo/formulas.csv", SOURCE / "configs/demo/superconductors.csv"]
    tables = [table if table.exists() else instead for table, instead in zip(tables, bundled)]
    command = ["python3", HERE / "peers/environment_matrix.py", *tables, "--repeat", 1 if quick else 5]
    say(shown(command))
    return {"command": shown(command), "result": json.loads(output_of(*command))}


def peers(build, out, quick, python):
    if python is None:
        say("bench/peers/setup.sh")
        done = subprocess.run([HERE / "peers/setup.sh"], capture_output=True, text=True)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
            say(f"peers SKIPPED: bench/peers/setup.sh failed: {reason}")
            return {"skipped": f"bench/peers/setup.sh failed: {reason}"}
        python = done.stdout.strip().splitlines()[-1]
    output = out / "compare.json"
    command = ["bench/peers/compare.py", build / "bench/export_step"]
    command += ["--members", 2, "--steps", 2, "--repeats", 1] if quick else []
    try:
        measured = run([python, *command], output, ["-o", output])
    except subprocess.CalledProcessError as error:
        say(f"peers SKIPPED: {error}")
        return {"skipped": f"bench/peers/compare.py failed (exit code {error.returncode})"}
    return {**measured, "command": shown(["$(bench/peers/setup.sh)", *command])}


def machine(build):
    cpu = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", pathlib.Path("/proc/meminfo").read_text(), re.M)
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", (build / "CMakeCache.txt").read_text(), re.M)
    return {
        "processor": cpu[1] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": 1024 * int(memory[1]),
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "compiler": output_of(compiler[1], "--version").splitlines()[0],
        "load": os.getloadavg()[0],
    }


def commit():
    """And whether anything but the tables themselves differs from it."""
    changes = output_of("git", "-C", SOURCE, "status", "--porcelain", "--", ".", ":!bench/README.md")
    return {"commit": output_of("git", "-C", SOURCE, "rev-parse", "--short=12", "HEAD"), "dirty": bool(changes)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peers", metavar="PYTHON")
    options = parser.parse_args()
    build, out = options.build.resolve(), options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    measured = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "quick": options.quick,
        "published": all((DATA / table).exists() for table in PUBLISHED),
        "machine": machine(build),
        **commit(),
        "suites": {name: suite(name, build, out, options.quick) for name in SUITES},
        "plain_python": plain_python(options.quick),
        "peers": peers(build, out, options.quick, options.peers),
    }
    measured["seconds"] = time.monotonic() - begin
    (out / "measured.json").write_text(json.dumps(measured, indent=1))
    say(f"{out / 'measured.json'} after {measured['seconds'] / 60:.1f} minutes")


if __name__ == "__main__":
    main()
