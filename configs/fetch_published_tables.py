#!/usr/bin/env python3
"""Downloads the tables that PhaseSelect was published with into data/ (needs git and a network; pandas for one file).

Source: https://github.com/lrcfmd/PhaseSelect (BSD-3-Clause), pinned to one commit, whose contents git verifies against the
commit's own checksum; tags and branches have no say. The numbers of fields and of fields that reach the threshold must be the
published ones. A SHA256SUMS beside this script is compared before anything is written; data/SHA256SUMS records what was
written, so that copies can be checked with `sha256sum -c`.

  data/superconductors.csv   phases,max Tc           SuperCon and MPDS joined
  data/magnets.csv           phases,max Tc           Curie temperatures, MPDS
  data/band_gaps.csv         phases,max energy gap   MPDS
  data/mp_formulas.csv       formula                 Materials Project (CC BY 4.0)
"""
import argparse
import csv
import hashlib
import io
import json
import pathlib
import pickle
import re
import subprocess
import sys
import tempfile

REPOSITORY = "https://github.com/lrcfmd/PhaseSelect"
COMMIT = "0933b92"
RECORDED_SUMS = pathlib.Path(__file__).resolve().with_name("SHA256SUMS")

# table: file in the repository, property column, threshold, inclusive, fields, fields that reach the threshold
TABLES = {
    "superconductors.csv": ("DATA/combined_mpds_scon_Tc.pkl", "max Tc", 10, True, 4826, 3311),
    "magnets.csv": ("DATA/mpds_magnet_CurieTc.csv", "max Tc", 300, True, 4753, 2027),
    "band_gaps.csv": ("DATA/mpds_band_gap.csv", "max energy gap", 4.5, False, 40600, 19690),
}
FORMULA_COUNT = 77402


class Failure(Exception):
    """One sentence for the user."""


def git(*arguments, cwd=None):
    try:
        done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, timeout=1800, check=False)
    except FileNotFoundError:
        raise Failure("git is not installed: install it and run this again") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"{REPOSITORY} did not answer in 30 minutes: try again later") from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Failure(f"git {arguments[0]} failed ({reason}): check the network connection and run this again")
    return done.stdout.strip()


def clone(repository, commit, folder):
    """Checks out the one commit whose digits begin so; returns all forty. What tags and branches are called does not count."""
    if not re.fullmatch("[0-9a-f]{7,40}", commit):
        raise Failure(f"'{commit}' is no commit: give 7 to 40 of its hexadecimal digits")
    git("clone", "--quiet", "--no-checkout", "--config", "core.symlinks=false", "--", repository, str(folder))
    found = [full for full in git("rev-list", "--all", cwd=folder).split() if full.startswith(commit)]
    if len(found) != 1:
        raise Failure(f"{len(found)} commits of {repository} begin with {commit}, not one: nothing was written")
    git("checkout", "--quiet", "--detach", f"{found[0]}^0", cwd=folder)  # ^0: no name ends so
    head = git("rev-parse", "HEAD", cwd=folder)
    if head != found[0]:
        raise Failure(f"git checked out {head}, not {found[0]}: nothing was written")
    return head


# What a pickled pandas table of texts and numbers is made of, old and new versions. A pickle can run code: nothing else is
# let through.
TABLE_PARTS = {
    ("builtins", "slice"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.numeric", "Int64Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.internals.blocks", "new_block"),
    ("pandas.core.internals.managers", "BlockManager"),
}


class TableUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in TABLE_PARTS:
            raise Failure(f"the published pickle asks for {module}.{name}, which no table needs: it was not opened")
        return super().find_class(module, name)


def read_table(path):
    """Rows (phases, value) of a published table: CSV or a pickled pandas table, whose columns are named alike."""
    if path.suffix == ".pkl":
        try:
            import pandas  # noqa: F401  the pickle is made of its classes
        except ImportError:
            raise Failure(f"{path.name} is a pandas pickle: install python3-pandas and run this again") from None
        frame = TableUnpickler(io.BytesIO(path.read_bytes())).load()
        names = [str(name) for name in frame.columns]
        rows = frame.values.tolist()
    else:
        with path.open(newline="") as file:
            names, *rows = csv.reader(file)
    value_name = next((name for name in names if name.startswith("max")), None)
    if "phases" not in names or value_name is None:
        raise Failure(f"{path.name} has columns {names}, not `phases` and `max ...`: the pinned commit is not what it was")
    phases, value = names.index("phases"), names.index(value_name)
    return [(str(row[phases]), float(row[value])) for row in rows]


def check(name, rows, threshold, inclusive, fields, positives):
    reached = sum(v >= threshold if inclusive else v > threshold for _, v in rows)
    if (len(rows), reached) != (fields, positives):
        raise Failure(f"{name} has {len(rows)} fields of which {reached} reach {threshold}; {fields} and {positives} were "
                      "published: nothing was written")


def find_formulas(folder):
    """The list of Materials Project formulas: the JSON file with a `names` list of the published length."""
    for path in sorted(folder.rglob("*.json")):
        try:
            names = json.loads(path.read_text()).get("names")
        except (ValueError, AttributeError, UnicodeDecodeError):
            continue
        if isinstance(names, list) and len(names) == FORMULA_COUNT:
            return [name if isinstance(name, str) else "".join(f"{e}{n:g}" for e, n in name.items()) for name in names]
    raise Failure(f"no JSON list of {FORMULA_COUNT} formulas was found at the pinned commit: nothing was written")


def table_bytes(header, rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()


def check_recorded(sums):
    """Whether there are recorded checksums; they must be these."""
    if not RECORDED_SUMS.exists():
        return False
    recorded = dict(line.split()[::-1] for line in RECORDED_SUMS.read_text().splitlines())
    for name, digest in sums.items():
        if recorded.get(name) != digest:
            raise Failure(f"{name} has the SHA-256 {digest}, not the recorded {recorded.get(name)}: nothing was written")
    return True


def write(folder, files):
    """All of them or, when one cannot be written, none."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as unfinished:
        for name, data in files.items():
            (pathlib.Path(unfinished) / name).write_bytes(data)
        for name in files:
            (pathlib.Path(unfinished) / name).replace(folder / name)


def shown(text):
    """What does nothing to a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--output", type=pathlib.Path, default=root / "data", help="folder for the tables")
    parser.add_argument("--repository", default=REPOSITORY, help="another copy of the repository")
    parser.add_argument("--commit", default=COMMIT)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "PhaseSelect"
        full = clone(arguments.repository, arguments.commit, folder)
        tables = {}
        for name, (source, column, *expected) in TABLES.items():
            if not (folder / source).exists():
                raise Failure(f"{source} is not at commit {full}: nothing was written")
            rows = read_table(folder / source)
            check(name, rows, *expected)
            tables[name] = (("phases", column), [(phases, repr(value)) for phases, value in rows])
        tables["mp_formulas.csv"] = (("formula",), [(formula,) for formula in find_formulas(folder)])
    files = {name: table_bytes(*table) for name, table in tables.items()}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    compared = check_recorded(sums)
    files["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
    write(arguments.output, files)
    print(f"{len(tables)} tables of commit {full} are in {arguments.output}; check copies with `sha256sum -c SHA256SUMS`")
    if not compared:
        print(f"There is no {RECORDED_SUMS.name} beside {pathlib.Path(__file__).name}: counts were compared, checksums were not")


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError) as failure:
        print(f"fetch: {shown(str(failure))}", file=sys.stderr)
        sys.exit(1)
