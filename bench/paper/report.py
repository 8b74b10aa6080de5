"""The results file: every table with the command that made it, from the records, metrics and tables that are there."""
import csv
import json
import re
import shlex

import records

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
OURS = "PhaseSelect"  # baselines.py: so do the names of its methods that are ours begin
JUDGED = {  # measures of accessibility: what `phaseselect accessibility` calls them
    "membership": "fields of the formulas against all others",
    "reported elsewhere": "reported but not in the formulas, against neither",
}
NO_REPORTED = (
    "SKIPPED: $PHASESELECT_DATA has no icsd_fields.csv: accessibility and ranking are not measured on fields "
    "reported elsewhere"
)


class Folder:
    """Results of one table; what is unfinished is not there."""

    def __init__(self, path):
        self.path = path

    def record(self, name):
        record = records.read(self.path, name)
        return record if records.is_done(record) else None

    def records(self):
        names = sorted(path.name.removesuffix(".record.json") for path in self.path.glob("*.record.json"))
        return {name: record for name in names if (record := self.record(name))}

    def json(self, name, file=""):
        return json.loads((self.path / name / file).read_text()) if self.record(name) else None

    def metrics(self, name):
        return self.json(name, "metrics.json")

    def rows(self, name):
        if not self.record(name):
            return []
        with open(self.path / name, newline="") as file:
            return list(csv.reader(file))

    def commands(self, *names):
        found = [record for record in map(self.record, names) if record]
        lines = [f"{typed(record['command'])}    # {record['seconds']:.0f} s" for record in found]
        return ["", "```", *lines, "```", ""]


def typed(command):
    """For a shell that knows the data folder."""
    return " ".join(word if "$" in word else shlex.quote(word) for word in command)


def number(value, digits=4):
    return "" if value is None or value != value else f"{value:.{digits}f}"


def markdown(rows):
    """The first row is the header."""
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]


def training(metrics):
    """Members a fold and the most epochs, as they were."""
    epochs = re.search(r"^training:\n(?:  .*\n)*?  epochs: (\d+)", metrics["config"], re.MULTILINE)
    return " x ".join([counted(metrics["members"], "member")] + ([counted(epochs[1], "epoch")] if epochs else []))


def counted(number_of, what):
    return f"{number_of} {what}{'' if int(number_of) == 1 else 's'}"


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


def summary(folders):
    """Of each table: the paper's figures, the best baseline of each measure, ours as they are and calibrated."""
    rows = [["table", "method", "accuracy", "minus best baseline", "F1", "ROC AUC", "minus best baseline", "ECE"]]
    for table, folder in folders.items():
        baselines = folder.json("default.baselines.json")
        if not baselines:
            continue
        accuracy, f1 = PUBLISHED[table]
        rows.append([table, "the paper's figures", accuracy, "", f1, "", "", ""])
        others = {name: of for name, of in baselines["measures"].items() if not name.startswith(OURS)}
        best = {name: pick(of[name] for of in others.values())
                for name, pick in (("accuracy", max), ("f1", max), ("roc_auc", max), ("ece", min))}
        rows.append(["", "best baseline of each measure", number(best["accuracy"]), "", number(best["f1"]),
                     number(best["roc_auc"]), "", number(best["ece"])])
        for method, differences in baselines["differences"].items():
            own = baselines["measures"][method]
            minus = {name: interval(differences[name]["against"][differences[name]["best_baseline"]])
                     for name in ("accuracy", "roc_auc")}
            rows.append(["", method, number(own["accuracy"]), minus["accuracy"], number(own["f1"]),
                         number(own["roc_auc"]), minus["roc_auc"], number(own["ece"])])
    if len(rows) == 1:
        return []
    return [
        "## Summary",
        "",
        "Our defaults on random folds; differences with 95 % intervals (paired bootstrap over fields). Commands and",
        "all other measures are below, under Validation.",
        "",
        *markdown(rows),
        "",
    ]


def main_table(table, folder):
    rows = [["", *MEASURES], ["the paper's figures (300 members)", *map(str, PUBLISHED[table]), "", "", "", ""]]
    for name, what in (("paper", "the paper's letter"), ("paper-adam1e-3", "the paper, Adam at 1e-3")):
        if metrics := folder.metrics(name):
            rows.append(measures_row(f"{what}, {training(metrics)}", metrics))
    if metrics := folder.metrics("default"):
        rows += validation_rows(f"our defaults, {training(metrics)}", metrics)
    baselines = folder.json("default.baselines.json")
    if baselines:
        for method, measures in baselines["measures"].items():
            if not method.startswith(OURS):
                rows.append([method, *(number(measures[name]) for name in MEASURES)])
    lines = ["### Validation", "", *markdown(rows)]
    lines += folder.commands("default", "default.baselines.json", "paper", "paper-adam1e-3")
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


def set_aside_table(folder):
    found = folder.json("aside.json")
    if not found:
        return []
    rows = [["method", *MEASURES]]
    rows += [[method, *(number(of[name]) for name in MEASURES)] for method, of in found["measures"].items()]
    differences = [["", "best baseline", *found["differences"]]]
    for name in MEASURES:
        each = [of[name] for of in found["differences"].values()]
        best = each[0]["best_baseline"]
        differences.append([name, best, *(interval(of["against"][best]) for of in each)])
    return [
        "### Set aside",
        "",
        f"{found['fields']:,} fields of the 15 % of the table that took no part in the choice of the network's settings,",
        f"judged by {counted(found['members'], 'member')} that learned from {found['learned_from']:,} others and are "
        "calibrated by a validation of those. What counts",
        "as evidence of neighbours was chosen on out-of-fold predictions of all superconductors and magnets, these fields",
        f"included. Left out: {', '.join(f'{count:,} {why}' for why, count in found['left_out'].items())}.",
        "",
        *markdown(rows),
        "",
        "Ours minus the best baseline of each measure, 95 % intervals (paired bootstrap over fields):",
        "",
        *markdown(differences),
        *folder.commands("kept", "kept-run", "aside-predictions.csv", "aside.json"),
    ]


def accessibility_tables(folder):
    baseline = folder.json("accessibility.baseline.json")
    if not baseline:
        return []
    entries = {entry["what"]: entry for entry in baseline}
    rows = [["area under the ROC curve", "fields", "against", *baseline[0]["methods"]]]
    differences = [["accessibility minus", *list(baseline[0]["methods"])[1:]]]
    for name, what in JUDGED.items():
        if what not in entries:
            rows.append([f"{name}: {NO_REPORTED}", *[""] * (len(rows[0]) - 1)])
            continue
        entry = entries[what]
        methods = list(entry["methods"].values())
        counts = [f"{entry['positives']:,}", f"{entry['negatives']:,}"]
        rows.append([f"{name}: {what}", *counts, *(number(method["roc_auc"]) for method in methods)])
        bounds = [method["accessibility_minus_this"] for method in methods[1:]]
        differences.append([name, *(f"{low:+.4f} to {high:+.4f}" for low, high in bounds)])
    lines = [
        "### Accessibility",
        "",
        "All ternaries of the modelled elements, each judged by members that saw no field of its fold. The",
        "reconstruction error is the paper's; boosting learns from the same folds, a number beside it is that of its",
        "iterations.",
        "",
        *markdown(rows),
        "",
        "95 % intervals (paired bootstrap over fields):",
        "",
        *markdown(differences),
        *folder.commands("run", "accessibility.csv", "accessibility.baseline.json"),
    ]
    if leak := folder.json("leak.json"):
        rows = [["", "fields", "against", "known to the matrix", "left out of it", "difference (95 %, paired)"]]
        for entry in leak:
            counts = [f"{entry['positives']:,}", f"{entry['negatives']:,}"]
            rows.append([entry["what"], *counts, number(entry["with"]), number(entry["without"]), interval(entry)])
        lines += [
            "The environment matrix knows the formulas of the fields that are judged. Below, those of a fifth of the",
            "ternary fields were left out of it, while the fields stayed known; same seed, members and folds.",
            "",
            *markdown(rows),
            *folder.commands("leak-run", "leak.csv", "leak.json"),
        ]
    return lines


def split_table(folder):
    rows = [["split", "method", "fields judged", "accuracy", "roc_auc", "log_loss", "ece"]]
    for name, what in SPLITS.items():
        baselines, metrics = folder.json(f"{name}.baselines.json"), folder.metrics(name)
        if not baselines or not metrics:
            continue
        what = f"{what} ({training(metrics)})"
        for method, measures in baselines["measures"].items():
            values = [number(measures[each]) for each in ("accuracy", "roc_auc", "log_loss", "ece")]
            rows.append([what, method, f"{metrics['pooled']['fields']:,}", *values])
            what = ""
    names = [each for name in SPLITS if name != "default" for each in (name, f"{name}.baselines.json")]
    if not any(map(folder.record, names)):
        return []
    return ["### Harder splits", "", *markdown(rows), *folder.commands(*names)]


def ablation_table(folder, ablations):
    kinds = ("accuracy", "roc_auc", "log_loss")
    rows = [["change of our defaults", *kinds, *(f"calibrated {kind}" for kind in kinds)]]
    used = ""
    for number_of, what in enumerate(ablations):
        if metrics := folder.metrics(f"ablation-{number_of}"):
            used = training(metrics)
            each = (metrics["mean"], metrics["calibrated"]["mean"] if metrics["calibrated"] else {})
            rows.append([what, *(number(means.get(kind)) for means in each for kind in kinds)])
    names = [f"ablation-{i}" for i in range(len(ablations))]
    lines = ["### Ablations", "", f"Of {used}; compare with the first row alone.", "", *markdown(rows)]
    return [*lines, *folder.commands(*names)] if len(rows) > 1 else []


def study_tables(folder):
    titles = {
        "intermetallics.csv": ("Ternaries of metals alone", ["run"]),
        "k.csv": ("Features of an element (k)", []),
        "threshold.csv": ("Threshold", []),
        "members.csv": ("Members: means and deviations over random choices", []),
        "ranking.csv": ("Reconstruction error: known against unreported ternaries", ["run"]),
    }
    lines = []
    for name, (title, needs) in titles.items():
        if rows := folder.rows(name):
            short = [[f"{float(c):.4g}" if re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", c) else c for c in row] for row in rows]
            lines += [f"### {title}", "", *markdown(short), *folder.commands(*needs, name)]
    return lines


def provenance(folders):
    """Machines and versions of the program. More than one version is worth a list."""
    machines, programs = set(), {}
    for table, folder in folders.items():
        for name, record in folder.records().items():
            machines.add(record["machine"])
            if record["program"].startswith("phaseselect"):
                programs.setdefault(record["program"], []).append(f"{table}/{name}")
    lines = [f"Machine: {'; '.join(sorted(machines))}. Program: {'; '.join(programs)}.", ""]
    if len(programs) > 1:
        lines += ["**Results of different versions**, which this program did not make again:", ""]
        lines += [f"- {program}: {', '.join(names)}" for program, names in programs.items()] + [""]
    return lines


def results(output, scaled, places):
    folders = {table: Folder(output / table) for table in scaled}
    lines = [
        "# Results",
        "",
        "Written by `./run paper` from what its commands wrote: nothing here was typed but the paper's figures",
        "(Vasylenko et al. 2022; five folds, 300 members, its own tables). Stratified folds of the tables in",
        "`$PHASESELECT_DATA`; means over folds, the calibration error (ece) over all fields. DESIGN.md defines splits",
        "and calibration. Beside each command: the seconds that it took. Scaled to the machine:",
        "",
        *(f"- {text}" for text in scaled.values()),
        "",
        *provenance(folders),
    ]
    if not (places.data / "icsd_fields.csv").exists():
        lines += [NO_REPORTED, ""]
    lines += summary(folders)
    ablations = json.loads((places.source / "bench/paper/ablations.json").read_text())
    for table, folder in folders.items():
        if not (metrics := folder.metrics("default")):
            continue
        lines += [
            f"## {table}",
            "",
            f"{metrics['fields']:,} fields, {metrics['positives']:,} positive; {len(metrics['folds'])} folds of seed "
            f"{metrics['fold_seed']}, members of seed {metrics['seed']}; {folder.record('default')['date']}, commit "
            f"{metrics['commit']}, {metrics['device']}.",
            "",
            *main_table(table, folder),
            *set_aside_table(folder),
            *accessibility_tables(folder),
            *split_table(folder),
            *ablation_table(folder, ablations),
            *study_tables(folder),
        ]
    return "\n".join(lines).rstrip() + "\n"
