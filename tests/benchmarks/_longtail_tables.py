"""The tables of docs/longtail.md: each study's cells, beside the published figures."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

Row = dict[str, str]
NAMES = {
    "ce": "cross entropy",
    "class_balanced": "class-balanced weights (effective number)",
    "inverse_ce": "inverse weights",
    "logit_adjusted": "logit-adjusted loss (balanced softmax)",
    "post_hoc": "cross entropy, post-hoc adjustment",
    "ce_deferred": "cross entropy + deferred weights (DRW)",
    "ldam_deferred": "LDAM + deferred weights",
    "balanced_order": "balanced draws",
    "mixup": "mixup",
    "mixup_deferred": "mixup + deferred weights",
    "crt": "cRT: a new head on balanced draws",
    "tau_normalisation": "tau-normalisation",
}
LDAM, BAG = "Cao et al. 2019", "BagofTricks-LT"
DL, MENON = "imbalanced-DL", "Menon et al. 2021 (README)"
# Accuracy in %, ResNet-32, 200 epochs: (source, cross entropy there, the method there). Their gap is what can be compared.
PUBLISHED: dict[str, dict[str, list[tuple[str, float, float]]]] = {
    "cifar10-100": {
        "class_balanced": [(LDAM, 70.36, 72.37), (BAG, 71.95, 70.48)],
        "inverse_ce": [(BAG, 71.95, 68.30)],
        "logit_adjusted": [(MENON, 71.36, 77.89), (BAG, 71.95, 77.54)],
        "post_hoc": [(MENON, 71.36, 77.32)],
        "ce_deferred": [(DL, 71.23, 75.08)],
        "ldam_deferred": [(LDAM, 70.36, 77.03), (DL, 71.23, 77.75), (BAG, 71.95, 77.73)],
        "balanced_order": [(LDAM, 70.36, 70.55), (BAG, 71.95, 72.45)],
        "mixup": [(BAG, 71.95, 74.06)],
        "mixup_deferred": [(DL, 71.23, 82.11)],
        "crt": [(BAG, 71.95, 74.99)],
        "tau_normalisation": [(BAG, 71.95, 72.70)],
    },
    "cifar10-10": {
        "class_balanced": [(LDAM, 86.39, 86.54)],
        "ldam_deferred": [(LDAM, 86.39, 88.16)],
        "balanced_order": [(LDAM, 86.39, 86.79)],
    },
}


def write_tables(page: Path, cells: list[Row]) -> None:
    """Write the tables between the marks of the page, `<!-- cells: STUDY -->` to `<!-- end -->`."""
    text = page.read_text(encoding="utf-8")

    def replaced(found: re.Match[str]) -> str:
        study = found.group(1)
        mine = with_post_hoc([row for row in cells if row["study"] == study])
        return f"<!-- cells: {study} -->\n\n{tables(study, mine)}\n\n<!-- end -->"

    page.write_text(re.sub(r"<!-- cells: (\S+) -->.*?<!-- end -->", replaced, text, flags=re.DOTALL), encoding="utf-8")


def with_post_hoc(cells: list[Row]) -> list[Row]:
    """The cells, and those of post-hoc adjustment: cross entropy decided at the balanced prior."""
    found = list(cells)
    for row in cells:
        if row["method"] == "ce":
            moved = {name.removeprefix("balanced_"): row[name] for name in row if name.startswith("balanced_")}
            found.append({**row, **moved, "method": "post_hoc"})
    return found


def tables(study: str, cells: list[Row]) -> str:
    """Both tables of a study as Markdown."""
    if not cells:
        return "No cell of this study has been run yet."
    if cells[0]["fold"]:
        return table_of_folds(cells)
    methods = [name for name in NAMES if any(row["method"] == name for row in cells)]
    last = {name: [row for row in cells if row["method"] == name and row["network"] == "last"] for name in methods}
    chosen = {name: [row for row in cells if row["method"] == name and row["network"] == "chosen"] for name in methods}
    base = {row["seed"]: row for row in last.get("ce", [])}
    lines = [
        "| method | seeds | accuracy | gap to cross entropy | published gap (accuracy) | many / medium / few | AUC | ECE "
        "| ECE, restored |",
        "| --- " * 9 + "|",
    ]
    for name in methods:
        rows = last[name]
        published = "; ".join(
            f"{value - ce:+.1f} ({value:.1f}, {source})"
            for source, ce, value in PUBLISHED.get(study.split("/")[0], {}).get(name, [])
        )
        groups = " / ".join(percent(rows, part) for part in ("many", "medium", "few"))
        lines.append(
            f"| {NAMES[name]} | {len(rows)} | {percent(rows, 'accuracy')} | {gap(rows, base)} | {published or '-'} | "
            f"{groups} | {mean(rows, 'auc'):.3f} | {mean(rows, 'ece'):.3f} | {mean(rows, 'balanced_ece'):.3f} |"
        )
    lines += [
        "",
        "The epoch that validation chose, and the decisions at the balanced prior:",
        "",
        "| method | last epoch | chosen epoch (which) | last epoch, balanced prior | moved by |",
        "| --- " * 5 + "|",
    ]
    for name in methods:
        if name == "post_hoc":
            continue
        rows, early = last[name], chosen[name]
        which = f"{percent(early, 'accuracy')} ({', '.join(row['epoch'] for row in early)})" if early else "-"
        lines.append(
            f"| {NAMES[name]} | {percent(rows, 'accuracy')} | {which} | {percent(rows, 'balanced_accuracy')} | "
            f"{rows[0]['restored_by']} |"
        )
    return "\n".join(lines)


def table_of_folds(cells: list[Row]) -> str:
    """A study with folds: means over the folds, with the 95 % t interval of the mean (cut to 0..100)."""
    methods = [name for name in NAMES if any(row["method"] == name for row in cells)]
    rows = {name: [row for row in cells if row["method"] == name and row["network"] == "last"] for name in methods}
    classes = [pair.split("=")[0] for pair in cells[0]["recalls"].split()]
    titles = ["method", "folds", "mean recall", "AUC", "accuracy", *(f"recall {name}" for name in classes)]
    lines = ["| " + " | ".join(titles) + " |", "| --- " * len(titles) + "|"]
    for name in methods:
        of_class = [dict(pair.split("=") for pair in row["recalls"].split()) for row in rows[name]]
        figures = [[float(row[key]) for row in rows[name]] for key in ("mean_recall", "auc", "accuracy")]
        figures += [[float(found[label]) for found in of_class] for label in classes]
        lines.append(f"| {NAMES[name]} | {len(rows[name])} | " + " | ".join(map(with_interval, figures)) + " |")
    base = {row["fold"]: row for row in rows.get("post_hoc", [])}
    lines += [
        "",
        "Paired over the folds, against cross entropy decided at the balanced prior (differences in points):",
        "",
        "| method | folds | mean recall | AUC |",
        "| --- " * 4 + "|",
    ]
    for name in methods:
        own = [row for row in rows[name] if row["fold"] in base]
        if name != "post_hoc" and own:
            cells_of = [difference([float(row[key]) - float(base[row["fold"]][key]) for row in own]) for key in PAIRED]
            lines.append(f"| {NAMES[name]} | {len(own)} | " + " | ".join(cells_of) + " |")
    return "\n".join(lines)


PAIRED = ("mean_recall", "auc")


def difference(shares: list[float]) -> str:
    """The mean difference in points, with its 95 % t interval where there are several."""
    mean, half = mean_and_half(shares)
    return f"{mean:+.1f}" if half is None else f"{mean:+.1f} [{mean - half:+.1f}, {mean + half:+.1f}]"


def with_interval(shares: list[float]) -> str:
    """The mean in percent, with its 95 % t interval where there are several values."""
    mean, half = mean_and_half(shares)
    return f"{mean:.1f}" if half is None else f"{mean:.1f} [{max(0.0, mean - half):.1f}, {min(100.0, mean + half):.1f}]"


def mean_and_half(shares: list[float]) -> tuple[float, float | None]:
    """The mean in percent, and half of its 95 % t interval; None of one value."""
    from scipy.stats import t

    mean = 100 * statistics.fmean(shares)
    if len(shares) == 1:
        return mean, None
    return mean, 100 * float(t.ppf(0.975, len(shares) - 1)) * statistics.stdev(shares) / len(shares) ** 0.5


def mean(rows: list[Row], name: str) -> float:
    """The mean of a figure."""
    return statistics.fmean(float(row[name]) for row in rows)


def percent(rows: list[Row], name: str) -> str:
    """The mean of a figure in percent, with the standard deviation over seeds where there are several."""
    values = [100 * float(row[name]) for row in rows]
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.1f}{spread}"


def gap(rows: list[Row], base: dict[str, Row]) -> str:
    """The mean gap to cross entropy of the same seeds in points, with the paired interval where there is one seed."""
    gaps = [
        100 * (float(row["accuracy"]) - float(base[row["seed"]]["accuracy"])) for row in rows if row["seed"] in base
    ]
    if not gaps or rows[0]["method"] == "ce":
        return "-"
    paired = ""
    if len(gaps) == 1 and rows[0]["gap_low"]:
        paired = f" [{100 * float(rows[0]['gap_low']):+.1f}, {100 * float(rows[0]['gap_high']):+.1f}]"
    return f"{statistics.fmean(gaps):+.1f}{paired}"
