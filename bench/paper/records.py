"""Runs what makes a result, and keeps beside it the record of what it was made of: NAME.record.json.

A result is used again when its command and the contents of all files named in it are the same. Another version of the
program is told, and does not make it another result. A record is written before the work and completed after it: a
validation or a run that is finished counts, even where the end of its record was lost.
"""
import fcntl
import functools
import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

# What a folder that another command reads consists of.
RESULTS = ("predictions.csv", "splits.csv", "members.safetensors", "accessibility.safetensors")


class Job(NamedTuple):
    name: str  # of the result in the folder of the table: "default", "k.csv"
    command: list  # its result is what follows -o
    stage: int  # what is more important has a lower one


class Places(NamedTuple):
    """Where things lie; records and reports are free of it."""

    program: Path
    data: Path
    source: Path

    def shown(self, command):
        """As one types it in the source folder."""
        first = {str(self.program): "phaseselect", sys.executable: "python"}
        words = [str(word) for word in command]
        words[0] = first.get(words[0], words[0])
        return [word.replace(str(self.data), "$PHASESELECT_DATA").replace(f"{self.source}/", "") for word in words]


def path_of(folder, name):
    return folder / f"{name}.record.json"


def read(folder, name):
    path = path_of(folder, name)
    return json.loads(path.read_text()) if path.exists() else None


def is_done(record):
    return record is not None and "seconds" in record


@functools.cache
def sha256(path, changed):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(path):
    """SHA-256 of a file, or of what a folder holds."""
    if path.is_file():
        return sha256(path, path.stat().st_mtime_ns)
    parts = [part for part in (path / name for name in RESULTS) if part.exists()]
    return hashlib.sha256("".join(map(contents, parts)).encode()).hexdigest()


def files(command, places):
    """{name: SHA-256} of all that the command reads: also what --set names."""
    found = {}
    for before, word in zip(command, command[1:]):
        path = Path(str(word).split("=", 1)[-1])
        if str(before) != "-o" and path.is_absolute() and path.exists() and path.suffix != ".py":
            found[places.shown(["", path])[1]] = contents(path)
    return found


@functools.cache
def version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def made_by(command):
    script = Path(command[1])
    if script.suffix == ".py":
        together = "".join(contents(each) for each in sorted(script.parent.glob("*.py")))  # they import each other
        return f"{script.name} {hashlib.sha256(together.encode()).hexdigest()[:12]}"
    return version(command[0])


@functools.cache
def machine():
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {platform.system()}"


def changes(record, now):
    """What the record's result was made of and no longer is."""
    if record.get("command") != now["command"]:
        return ["command"]
    names = record.get("files", {}).keys() | now["files"].keys()
    return sorted(name for name in names if record.get("files", {}).get(name) != now["files"].get(name))


def refuse(result, why):
    record = path_of(result.parent, result.name)
    remove = shlex.join(["rm", "-rf", str(result), str(record)])
    sys.exit(f"paper.py: {result} {why}: remove it ({remove}), or choose another folder with -o")


def seconds_of_finished(result):
    """None unless the folder holds a finished validation or run: the file that each writes last is there."""
    kinds = ("metrics.json", "metrics.json", "seconds"), ("members.safetensors", "run.json", "timings")
    for last, described, key in kinds:
        if (result / last).exists():
            return sum(json.loads((result / described).read_text())[key].values())
    return None


def lock(folder):
    """Keeps others out of the folder while the file is open, here or in a child that outlives this process."""
    file = open(folder / "lock", "w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"paper.py: another ./run paper, or a command that one left behind, still works in {folder}")
    os.set_inheritable(file.fileno(), True)
    return file


def execute(command):
    """Exit code and seconds. The child saves its state when it is told to stop."""
    start = time.monotonic()
    with subprocess.Popen(command, close_fds=False) as process:
        try:
            process.wait()
        except KeyboardInterrupt:  # the terminal told the child as well
            process.wait()
        except SystemExit:
            process.terminate()
            raise
    return process.returncode, time.monotonic() - start


def run(job, folder, places):
    """Makes the result, or finds that it is there."""
    result, path = folder / job.name, path_of(folder, job.name)
    now = {
        "command": places.shown(job.command), "files": files(job.command, places), "program": made_by(job.command),
        "machine": machine(), "date": time.strftime("%Y-%m-%d"),
    }
    record = (read(folder, job.name) if result.exists() else None) or now
    if result.exists() and not path.exists():
        refuse(result, "has no record of how it was made")
    if changed := changes(record, now):
        refuse(result, f"was made with another {' and '.join(changed)}")

    def save(**more):
        record.update(more)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(record, indent=2) + "\n")
        partial.replace(path)

    if not is_done(record) and (seconds := seconds_of_finished(result)) is not None:
        save(seconds=round(seconds, 1))
    if is_done(record):
        if record["program"] != now["program"]:
            print(f"paper.py: {result} was made by {record['program']}, this is {now['program']}", file=sys.stderr)
        return
    command = [str(word) for word in job.command]
    resume = ["--resume"] * (command[1] in ("validate", "train") and result.exists())
    if not resume:
        record = now
    elif record["program"] != now["program"]:
        record["program"] += f", then {now['program']}"
    save()
    print(f"{time.strftime('%H:%M')} {folder.name}: {job.name}", file=sys.stderr, flush=True)
    code, seconds = execute(command + resume)
    seconds += record.get("seconds_before", 0)
    if code:
        save(seconds_before=seconds)
        sys.exit(f"paper.py: stopped with code {code}: {' '.join(command)}")
    save(seconds=round(seconds, 1))
