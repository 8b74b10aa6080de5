"""The results file: every table with the command that made it, from the records, metrics and tables that are there."""
import csv
import json
import platform
import re
import shlex

PUBLISHED = {  # Vasylenko et al. 2022, five folds: accuracy, F1
    "superconductors": (0.804, 0.729),
    "magnets": (0.862, 0.842),
    "band_gap": (0.756, 0.753),
}
MEASURES = ("accuracy", "f1", "roc_auc", "log_loss", "brier", "ece")
SPLITS = {
    "default": "random folds",
    "supersets": "random folds, nothing learned from fields that contain a judged one or are contained in it",
    "leave_element_out": "an element left out",
    "arity": "learned from up to three elements, judged by four and more",
}


class Folder:
    """Results of one table."""

    def __init__(self, path, source, data):
        self.path, self.places = path, {str(data): "$PHASESELECT_DATA", str(source) + "/": ""}

    def json(self, name):
        path = self.path / name
        return json.loads(path.read_text()) if path.exists() else None

    def rows(self, name):
        path = self.path / name
        if not self.json(f"{name}.record.json"):
            return []
        with open(path, newline="") as file:
            return list(csv.reader(file))

    def metrics(self, name):
        return self.json(f"{name}/metrics.json")

    def commands(self, *names):
        lines = []
        for name in names:
            record = self.json(f"{name}.record.json")
            if not record:
                continue
            line = shlex.join(record["command"])
            for place, short in self.places.items():
                line = line.replace(place, short)
            line = re.sub(r"^\S+ (?=validate|train|study)", "phaseselect ", line)
            line = re.sub(r"^\S+ (?=bench/)", "python ", line)
            lines.append(f"{line}    # {record['seconds']:.0f} s")
        return ["", "```", *lines, "```", ""]


def number(value, digits=4):
    return "" if value is None or value != value else f"{value:.{digits}f}"


def markdown(rows):
    """The first row is the header."""
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]


def measures_row(what, metrics):
    """Means over the folds; the calibration error is that of all folds together."""
    values = [number(metrics["mean"][name]) for name in MEASURES[:-1]]
    return [what, *values, number(metrics["pooled"]["ece"])]


def validation_rows(what, metrics):
    rows = [measures_row(what, metrics)]
    if metrics["calibrated"]:
        rows.append(measures_row(f"{what}, calibrated", metrics["calibrated"]))
    return rows


def interval(difference):
    return f"{difference['difference']:+.4f} ({difference['low']:+.4f} to {difference['high']:+.4f})"


def main_table(table, folder):
    rows = [["", *MEASURES], ["published", *map(str, PUBLISHED[table]), "", "", "", ""]]
    for name, what in (("paper", "the paper's letter"), ("paper-adam1e-3", "the paper, Adam at 1e-3")):
        if metrics := folder.metrics(name):
            rows.append(measures_row(f"{what}, {metrics['members']} members", metrics))
    if metrics := folder.metrics("default"):
        rows += validation_rows(f"our defaults, {metrics['members']} members", metrics)
    baselines = folder.json("default.baselines.json")
    if baselines:
        for method, measures in baselines["measures"].items():
            if not method.startswith("PhaseSelect"):
                rows.append([method, *(number(measures[name]) for name in MEASURES)])
    lines = ["### Validation", "", *markdown(rows)]
    lines += folder.commands("paper", "paper-adam1e-3", "default", "default.baselines.json")
    if baselines:
        lines += ["Ours minus the best baseline of each measure, 95 % intervals (paired bootstrap over fields):", ""]
        rows = [["", "best baseline", *baselines["differences"]]]
        ours = list(baselines["differences"])
        for name in MEASURES:
            found = [baselines["differences"][each][name] for each in ours]
            best = found[0]["best_baseline"]
            rows.append([name, best, *(interval(each["against"][best]) for each in found)])
        lines += [*markdown(rows), ""]
    return lines


def split_table(folder):
    rows = [["split", "method", "fields judged", "accuracy", "roc_auc", "log_loss", "ece"]]
    for name, what in SPLITS.items():
        baselines, metrics = folder.json(f"{name}.baselines.json"), folder.metrics(name)
        if not baselines or not metrics:
            continue
        for method, measures in baselines["measures"].items():
            values = [number(measures[each]) for each in ("accuracy", "roc_auc", "log_loss", "ece")]
            rows.append([what, method, metrics["pooled"]["fields"], *values])
            what = ""
    names = [each for name in SPLITS if name != "default" for each in (name, f"{name}.baselines.json")]
    return ["### Harder splits", "", *markdown(rows), *folder.commands(*names)] if len(rows) > 1 else []


def ablation_table(folder, ablations):
    rows = [["change of our defaults", "accuracy", "calibrated accuracy", "roc_auc", "log_loss"]]
    for number_of, what in enumerate(ablations):
        if metrics := folder.metrics(f"ablation-{number_of}"):
            values = [metrics["mean"]["accuracy"], metrics["calibrated"]["mean"]["accuracy"]]
            values += [metrics["mean"]["roc_auc"], metrics["calibrated"]["mean"]["log_loss"]]
            rows.append([what, *map(number, values)])
    names = [f"ablation-{i}" for i in range(len(ablations))]
    return ["### Ablations", "", *markdown(rows), *folder.commands(*names)] if len(rows) > 1 else []


def study_tables(folder):
    titles = {
        "k.csv": "Features of an element (k)",
        "threshold.csv": "Threshold",
        "members.csv": "Members: means and deviations over random choices",
        "ranking.csv": "Reconstruction error: known against unreported ternaries",
        "intermetallics.csv": "Ternaries of metals alone",
    }
    lines = []
    for name, title in titles.items():
        if rows := folder.rows(name):
            short = [[f"{float(c):.4g}" if re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", c) else c for c in row] for row in rows]
            lines += [f"### {title}", "", *markdown(short), *folder.commands(name)]
    return lines


def machine(metrics):
    return f"{metrics['device']}; {platform.system()} {platform.machine()}"


def results(output, scales, source, data):
    lines = [
        "# Results",
        "",
        "Written by `./run paper` from what its commands wrote: nothing here was typed. Five seeded stratified folds",
        "(validation.seed 1, ensemble.seed 1) of the tables in `$PHASESELECT_DATA`; means over folds, the calibration",
        "error (ece) over all fields. DESIGN.md defines splits and calibration. Scaled to the machine:",
        "",
        *(f"- {text}" for text in scales.values()),
        "",
    ]
    ablations = json.loads((source / "bench/paper/ablations.json").read_text())
    for table in scales:
        folder = Folder(output / table, source, data)
        metrics = folder.metrics("default")
        if not metrics:
            continue
        record = folder.json("default.record.json") or {"date": "unfinished"}
        lines += [
            f"## {table}",
            "",
            f"{metrics['fields']:,} fields, {metrics['positives']:,} positive; {record['date']}, commit "
            f"{metrics['commit']}, {machine(metrics)}.",
            "",
            *main_table(table, folder),
            *split_table(folder),
            *ablation_table(folder, ablations),
            *study_tables(folder),
        ]
    return "\n".join(lines).rstrip() + "\n"
