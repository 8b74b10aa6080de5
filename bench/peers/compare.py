"""Side by side: the C++ engine and every peer that can be imported, in turns, on one problem.

Usage: compare.py EXPORT_STEP [--config CONFIG] [--members 8] [--threads 2] [--device cpu|cuda] [-o compare.json]
EXPORT_STEP is the program of that name in the build folder. All contenders stay ready in processes of their own; in
every round each runs once, so that a change of the machine's load meets all of them. The medians are printed as a table
and everything is written as JSON. A contender that ends early (out of memory) is named as failed.
"""
import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
TABLES = {"data.properties": "superconductors.csv", "environments.formulas": "mp_formulas.csv"}
FRAMEWORKS = [name for name in ("torch", "jax") if importlib.util.find_spec(name)]


class Contender:
    """A process that runs its work once for every line it reads and answers with a line of JSON."""

    def __init__(self, name, command):
        environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        self.name, self.answers = name, []
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self):
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            self.answers.append(json.loads(self.process.stdout.readline()))
        except (OSError, ValueError):  # it has ended
            self.answers = []
        return bool(self.answers)

    def end(self):
        self.process.stdin.close()
        self.process.wait()

    def summary(self):
        seconds = [answer["seconds"] for answer in self.answers[1:]]  # the first answer ended the warm-up
        last = self.answers[-1]
        rate = last["work"] / statistics.median(seconds)
        return {"contender": self.name, **last, "seconds": seconds, "rate": rate}


def published_tables():
    folder = Path(os.environ.get("PHASESELECT_DATA", SOURCE.parent / "shared" / "data"))
    if not all((folder / table).exists() for table in TABLES.values()):
        return []
    return [f"--set={key}={folder / table}" for key, table in TABLES.items()]


def contenders(options, work, problem):
    """Started and warmed up one after the other; ours first."""
    common = ["--time", work, "--members", options.members, "--threads", options.threads, "--device", options.device]
    if work == "train":
        common += ["--steps", options.steps]
    commands = {"C++": [options.program, options.config, *options.set, *common]}
    for framework in FRAMEWORKS:
        for form in ("dense", "grouped") if work == "train" else ("grouped",):  # screening never sees the matrix
            peer = [sys.executable, HERE / f"peer_{framework}.py", problem, "--form", form, *common]
            commands[f"{framework} {form}" if work == "train" else framework] = peer
    started = []
    for name, command in commands.items():
        contender = Contender(name, command)
        print(f"{work}: {name} {'ready' if contender.run() else 'FAILED'}", file=sys.stderr)
        started.append(contender)
    return started


def measure(options, work, problem):
    every = contenders(options, work, problem)
    for _ in range(options.repeats):
        for contender in every:
            if contender.answers:
                contender.run()
    for contender in every:
        contender.end()
    if not every[0].answers:
        sys.exit("compare.py: the C++ engine failed")
    return [c.summary() if c.answers else {"contender": c.name, "failed": True} for c in every]


def table(title, unit, results):
    ours = results[0]
    lines = [title, f"  {'':<16}{unit:>26}{'ours is':>12}{'peak memory':>16}{'ours is':>16}"]
    for result in results:
        if "failed" in result:
            lines.append(f"  {result['contender']:<16}{'failed':>26}")
            continue
        line = f"  {result['contender']:<16}{result['rate']:>26,.0f}"
        peer, peak = result is not ours, result["peak_bytes"]
        line += f"{ours['rate'] / result['rate']:>11.1f}x" if peer else f"{'':>12}"
        line += f"{peak / 2**20:>13,.0f} MB" if peak else f"{'not known':>16}"
        line += f"{peak / ours['peak_bytes']:>9.1f}x less" if peer and peak and ours["peak_bytes"] else ""
        lines.append(line.rstrip())
    return "\n".join(lines)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program", metavar="EXPORT_STEP")
    arguments.add_argument("--config", default=SOURCE / "configs/paper/superconductors.yaml")
    arguments.add_argument("--set", action="append", default=[], help="key.path=value, as often as needed")
    arguments.add_argument("--members", type=int, default=8)
    arguments.add_argument("--steps", type=int, default=32)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments.add_argument("--repeats", type=int, default=5)
    arguments.add_argument("-o", "--output", default="compare.json")
    options = arguments.parse_args()
    options.set = [f"--set={setting}" for setting in options.set] + published_tables()
    for framework in {"torch", "jax"} - set(FRAMEWORKS):
        print(f"skipped: no {framework}")
    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder) / "step.safetensors"
        subprocess.run([options.program, options.config, *options.set, "--output", problem], check=True)
        results = {work: measure(options, work, problem) for work in ("train", "screen")}
    shape = f"{options.members} members" + (f", {options.threads} threads" if options.device == "cpu" else "")
    print(table(f"Training, {shape}", "member-steps a second", results["train"]))
    print(table(f"Screening all ternaries, {shape}", "field-members a second", results["screen"]))
    settings = {name: str(value) for name, value in vars(options).items()}
    Path(options.output).write_text(
        json.dumps({"machine": platform.processor() or platform.machine(), "settings": settings, **results}, indent=1)
    )


if __name__ == "__main__":
    main()
