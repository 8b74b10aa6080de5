"""What `./run paper` makes: the scale of each table's work, and the jobs."""
import json
import sys
from pathlib import Path
from typing import NamedTuple

import tables
from records import Job

SOURCE = Path(__file__).resolve().parents[2]
TABLES = {  # name: file of the property table, values of the threshold
    "superconductors": ("superconductors.csv", "5,10,20,40"),
    "magnets": ("magnets.csv", "100,200,300,400"),
    "band_gap": ("band_gaps.csv", "1.5,3,4.5,6"),
}
OF_ACCESSIBILITY = "magnets"  # it is about known fields, not about a property: one table is enough
SPLITS = ("supersets", "leave_element_out", "arity")
SIZES = (1, 2, 3, 5, 10, 20, 50, 100, 200, 300)
# Stages, in the order of their importance.
MAIN, METALS, SET_ASIDE, ACCESSIBILITY, PAPER, HARDER_SPLITS, ABLATIONS, STUDIES = range(8)


class Scale(NamedTuple):
    """Members: of a fold of our defaults, of the paper's configurations, of splits, ablations and studies, of the run, and
    of the run and each fold for the fields set aside.
    Epochs: of each of these (0: as configured), and of the ranking network."""

    members: int
    paper_members: int
    side_members: int
    run_members: int
    aside_members: int
    epochs: int = 0
    paper_epochs: int = 0
    side_epochs: int = 0
    ranking_epochs: int = 20
    quick: bool = False
    studies: bool = True  # ablations, k and threshold


# Two cores, minutes: 20 members a fold of our defaults take 2 on a small table and 13 to 17 on band gaps.
GPU = Scale(20, 20, 10, 20, 20, ranking_epochs=0)
CPU = Scale(20, 2, 2, 5, 8)
CPU_LARGE = Scale(20, 1, 1, 10, 3, paper_epochs=20, side_epochs=20, studies=False)  # band gaps: eight times the fields
QUICK = Scale(2, 1, 1, 1, 1, 1, 1, 1, 1, quick=True)
QUICK_ACCESSIBILITY = ("members=2", "folds=2", "unreported=1", "epochs=1")


def describe(table, scale):
    def epochs(number):
        return f"{number} epochs" if number > 1 else "1 epoch" if number else "epochs as configured"

    text = (
        f"{table}: {scale.members} members a fold of our defaults ({epochs(scale.epochs)}), {scale.paper_members} of "
        f"the paper's configurations ({epochs(scale.paper_epochs)}; the paper: 300 members), {scale.side_members} of "
        f"splits, ablations and studies ({epochs(scale.side_epochs)}); {scale.run_members} of the run that judges all "
        f"ternaries (ranking network: {epochs(scale.ranking_epochs)}), {scale.aside_members} of the fields set aside"
    )
    text += "" if scale.studies else "; no ablations, no k and no threshold studied"
    return text + "; quick: two folds, hardly any training, figures that mean nothing" * scale.quick


def settings(*pairs):
    return [word for pair in pairs if pair for word in ("--set", pair)]


def limited(scale_epochs, key="training.epochs"):
    return settings(scale_epochs and f"{key}={scale_epochs}")


class Jobs:
    """Of one table."""

    def __init__(self, table, scale, program, data, folder):
        self.table, self.scale, self.program, self.data, self.folder = table, scale, program, data, folder
        self.config = SOURCE / "configs" / f"{table}.yaml"
        self.properties, self.formulas = data / TABLES[table][0], data / "mp_formulas.csv"
        self.folds = ["--folds", 2] if scale.quick else []
        self.side = [*self.folds, "--members", scale.side_members, *limited(scale.side_epochs)]

    def tables(self, properties=None, formulas=None, replaced=()):
        pairs = {"data.properties": properties or self.properties, "environments.formulas": formulas or self.formulas}
        return settings(*(f"{key}={path}" for key, path in pairs.items() if key not in replaced))

    def phaseselect(self, stage, name, command, subject, *more):
        return Job(name, [self.program, command, subject, "-o", self.folder / name, *more], stage)

    def script(self, stage, name, script, *more):
        return Job(name, [sys.executable, SOURCE / "bench/peers" / script, *more, "-o", self.folder / name], stage)

    def validate(self, stage, name, *more, config=None):
        return self.phaseselect(stage, name, "validate", config or self.config, *more)

    def study(self, stage, name, subject, *more):
        return self.phaseselect(stage, name, "study", subject, *more)

    def baselines(self, stage, of):
        resamples = ["--resamples", 20] if self.scale.quick else []
        return self.script(stage, f"{of}.baselines.json", "baselines.py", self.folder / of, *resamples)

    def known(self, option):
        """Fields reported elsewhere, where the list of them is there."""
        path = self.data / "icsd_fields.csv"
        return [option, path] if path.exists() else []

    def train(self, stage, name, members, *more, **replaced):
        epochs = [*limited(self.scale.epochs), *limited(self.scale.ranking_epochs, "ranking.epochs")]
        more = [*epochs, *more, *self.tables(**replaced)]
        return self.phaseselect(stage, name, "train", self.config, "--members", members, *more)

    def main(self):
        members = [*self.folds, "--members", self.scale.members, "--member-predictions", *limited(self.scale.epochs)]
        yield self.validate(MAIN, "default", *members, *self.tables())
        yield self.baselines(MAIN, "default")

    def run(self):
        """Judges all ternaries. Where accessibility is measured, the same run learns it."""
        if self.table == OF_ACCESSIBILITY:
            yield from self.accessibility()
            return
        alone = settings("accessibility.members=0")
        stage = METALS if self.table == "band_gap" else STUDIES
        yield self.train(stage, "run", self.scale.run_members, *alone)
        if self.table == "band_gap":
            yield self.study(stage, "intermetallics.csv", self.folder / "run", "--metals")

    def judge(self, name, run):
        reported = self.known("--reported")
        return self.phaseselect(ACCESSIBILITY, name, "accessibility", self.folder / run, *reported)

    def set_aside(self):
        """The fields that took no part in the choice of the network's settings, judged by a run of the others."""
        kept, aside = self.folder / "kept.csv", self.folder / "aside.csv"
        tables.set_aside(self.properties, kept, aside)
        members = self.scale.aside_members
        resamples = ["--resamples", 20] if self.scale.quick else []
        validation = [*self.folds, "--members", members, *limited(self.scale.epochs), *self.tables(properties=kept)]
        yield self.validate(SET_ASIDE, "kept", *validation)
        more = ["--calibration", self.folder / "kept", *settings("accessibility.members=0")]
        yield self.train(SET_ASIDE, "kept-run", members, *more, properties=kept)
        predictions = self.folder / "aside-predictions.csv"
        yield self.phaseselect(SET_ASIDE, predictions.name, "predict", self.folder / "kept-run", aside)
        judged = [self.folder / "kept-run", predictions, aside]
        yield self.script(SET_ASIDE, "aside.json", "set_aside.py", *judged, *resamples)

    def accessibility(self):
        changes = settings(*(f"accessibility.{change}" for change in QUICK_ACCESSIBILITY * self.scale.quick))
        resamples = ["--resamples", 20 if self.scale.quick else 300]
        more = ["--iterations", 20] if self.scale.quick else []
        judged, leak = self.folder / "accessibility.csv", self.folder / "leak.csv"
        yield self.train(ACCESSIBILITY, "run", self.scale.run_members, *changes)
        yield self.judge(judged.name, "run")
        yield self.script(
            ACCESSIBILITY, "accessibility.baseline.json", "accessibility_baseline.py", judged, *resamples, *more
        )
        replaced = {"formulas": self.folder / "leak-formulas.csv", "properties": self.folder / "leak-properties.csv"}
        tables.without_a_fifth(self.formulas, self.properties, *replaced.values())
        yield self.train(ACCESSIBILITY, "leak-run", 1, *changes, **replaced)
        yield self.judge(leak.name, "leak-run")
        yield self.script(ACCESSIBILITY, "leak.json", "accessibility_leak.py", judged, leak, *resamples)

    def paper(self):
        more = [*self.folds, "--members", self.scale.paper_members, *limited(self.scale.paper_epochs), *self.tables()]
        for name in ("paper", "paper-adam1e-3"):
            config = SOURCE / "configs/paper" / f"{self.table}{name.removeprefix('paper')}.yaml"
            yield self.validate(PAPER, name, *more, config=config)

    def splits(self):
        for split in SPLITS:
            changes = settings(f"validation.split={split}")
            yield self.validate(HARDER_SPLITS, split, *self.side, *changes, *self.tables())
            yield self.baselines(HARDER_SPLITS, split)

    def ablations(self):
        if not self.scale.studies:
            return
        indicator = self.folder / "indicator.csv"
        tables.indicator_formulas(self.formulas, indicator)
        ablations = json.loads((SOURCE / "bench/paper/ablations.json").read_text())
        for number, changes in enumerate(ablations.values()):
            own = [change.replace("INDICATOR", str(indicator)) for change in changes]
            kept = self.tables(replaced={change.split("=")[0] for change in own})
            yield self.validate(ABLATIONS, f"ablation-{number}", *self.side, *kept, *settings(*own))

    def studies(self):
        varied = {"k.csv": "features=10,20,40,64", "threshold.csv": f"threshold={TABLES[self.table][1]}"}
        for name, vary in varied.items() if self.scale.studies else ():
            yield self.study(STUDIES, name, self.config, "--vary", vary, *self.side, *self.tables())
        sizes = [size for size in SIZES if size < self.scale.members] + [self.scale.members]
        yield self.study(STUDIES, "members.csv", self.folder / "default", "--ensemble-sizes", ",".join(map(str, sizes)))
        yield self.study(STUDIES, "ranking.csv", self.folder / "run", "--ranking", *self.known("--known"))


def jobs(table, scale, program, data, folder):
    """Each after those that it needs: sorted by stage they still are."""
    own = Jobs(table, scale, program, data, folder)
    for part in (own.main, own.run, own.set_aside, own.paper, own.splits, own.ablations, own.studies):
        yield from part()
