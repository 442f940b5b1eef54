"""The values of the source probe as Markdown, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbalkit.base.text import share_number
from imbalkit.report import markdown_table

TITLE = "Can the model recognise the {}?"
Facts = Mapping[str, Any]


def markdown(facts: Facts) -> str:
    """The section, from what source_probe.json holds."""
    if "missing" in facts:
        return f"The values of this section are missing: {facts['missing']}"
    what, several = facts["column"], f"{facts['column']}s"
    units = "rows" if facts["groups"] is None else f"{facts['groups']:,} groups"
    lines = [
        f"The data come from {len(facts['sources'])} {several}. Where the classes differ in their {several}, a model may "
        f"predict the {what} in place of the class: it then looks good on a test set of the same composition, and fails on rows "
        f"of one {what}. The values below need no training but logistic regressions on the finished network's features of the "
        f"{facts['test_rows']:,} test rows. Intervals are of 95 %, from a bootstrap over {units}. All values are in "
        "`source_probe.json`.",
        _counts(facts),
    ]
    if facts["without_source"]:
        lines.append(f"Left out: {facts['without_source']:,} test rows without a {what}.")
    return "\n\n".join([*lines, *_probe(facts), *_probabilities(facts), *_roc_auc(facts)])


def _counts(facts: Facts) -> str:
    rows = []
    for name, by_source in facts["counts"].items():
        totals = {split: sum(count[split] for count in by_source.values()) for split in ("train", "test")}
        for source, count in by_source.items():
            cells = [f"{count[split]:,}{_percent(count[split], totals[split])}" for split in totals]
            rows.append([name, source, *cells])
    return markdown_table(["class", facts["column"], "training rows, before samplers", "test rows"], rows)


def _percent(part: int, whole: int) -> str:
    return f" ({share_number(part / whole)} % of the class)" if whole else ""


def _probe(facts: Facts) -> list[str]:
    """How well features predict the source, beside colours alone."""
    what, probe = facts["column"], facts["probe"]
    head = f"### The {what} in the features"
    if "missing" in probe:
        return [head, f"The probe could not be made: {probe['missing']}"]
    features, colours = probe["features"], probe["colours"]
    lines = {"all": (features["all"], colours["all"])}
    lines |= {f"{name} alone": (features["classes"][name], colours["classes"][name]) for name in facts["classes"]}
    rows, reasons = [], []
    for name, (of_features, of_colours) in lines.items():
        if "missing" in of_features:
            rows.append([name, *["not defined"] * 4])
            reasons.append(f"- {name}: {of_features['missing']}.")
            continue
        counts = ", ".join(f"{source}: {count:,}" for source, count in of_features["rows"].items())
        accuracy = f"{_text(of_features['balanced_accuracy'])}; guessing {of_features['guessing']:.3f}"
        rows.append([name, counts, _text(of_features["auc"]), accuracy, _text(of_colours.get("auc"))])
    together = features["one class"]["auc"]
    rows.append(["pairs of one class", "", _text(together), "", _text(colours["one class"]["auc"])])
    columns = ["test rows", "rows used", f"AUC of the {what}", "balanced accuracy", "AUC from colours alone"]
    parts = [
        head,
        f"A logistic regression on the {features['width']:,} features, for rows that it was not fitted on ({facts['folds']} "
        f"folds{'' if facts['groups'] is None else ', whole groups'}). An AUC of 0.5 is guessing. The first line may read the "
        "class, where the classes differ; the lines of one class cannot. 'Colours alone' is the same on mean and spread of "
        "each colour channel, without any network.",
        markdown_table(columns, rows),
    ]
    if reasons:
        parts.append("\n".join(["Not defined:", "", *reasons]))
    return [*parts, _verdict(what, together, colours["one class"]["auc"])]


def _verdict(what: str, together: Facts, colours: Facts) -> str:
    if together["low"] is None:
        return f"So these rows do not show whether the features hold the {what} beside the class."
    if together["low"] > 0.5:
        parts = (
            f"So the features hold the {what} beside the class: between two rows of one class but of different {what}s, the "
            f"probe is right in {_share(together)} of cases"
        )
        if colours["low"] is not None:
            parts += f" (from colours alone {_share(colours)})"
        return f"{parts}. This does not show that the model uses it: see below."
    if together["high"] < 0.5:
        return f"The AUC within a class is below one half, which only randomness or too few rows explain: no sign of the {what}."
    return f"So there is no sign in these rows that the features hold the {what} beside the class: the interval contains 0.5."


def _probabilities(facts: Facts) -> list[str]:
    """How the predicted probabilities differ between the sources, within each class."""
    positive, what, sources = facts["positive"], facts["column"], facts["sources"]
    found = {name: values for name, values in facts.get("probability", {}).items() if values}
    if not found:
        return []
    shown = sources[-1:] if len(sources) == 2 else sources  # of two, one is enough
    rows = [
        [name, source, _text(values[source])] for name, values in found.items() for source in shown if source in values
    ]
    one, other = (sources[1], sources[0]) if len(sources) == 2 else (f"a {what}", f"another {what}")
    return [
        f"### The {what} in the predicted probabilities",
        f"How often a row of {one} gets a higher probability of {positive} than a row of {other} of the same class. An "
        f"interval without 0.5 shows that the probability shifts with the {what} where the class does not: by a shortcut, "
        f"or because rows of one {what} are harder.",
        markdown_table(["class", what, f"how often a higher probability of {positive}"], rows),
    ]


def _roc_auc(facts: Facts) -> list[str]:
    """The model's ROC AUC, by the sources of the pairs."""
    what, areas = facts["column"], facts["roc_auc"]
    lines = {"all test rows": (areas["all"], _rows(facts, facts["sources"]))}
    lines |= {
        f"{source} only": (areas[source], _rows(facts, [source])) for source in facts["sources"] if source in areas
    }
    lines[f"pairs of one {what}"] = areas["one source"], ""
    lines[f"pairs of different {what}s"] = areas["two sources"], ""
    table = markdown_table(["rows", "rows of each class", "ROC AUC"], [[n, c, _text(a)] for n, (a, c) in lines.items()])
    parts = [
        f"### The {what} in the ROC AUC",
        "An ROC AUC is a mean over pairs of a row of the class and another row. Pairs of different "
        f"{what}s can be ranked by the {what} alone, pairs of one {what} cannot"
        + ("." if facts["positive"] is not None else ". Means over the classes, each against the rest."),
        table,
    ]
    one, two = areas["one source"], areas["two sources"]
    if one["value"] is not None and two["value"] is not None:
        parts.append(
            f"So rows of one {what} are ranked with {one['value']:.3f}, rows of different {what}s with {two['value']:.3f}; "
            f"expect the first where all rows are of one {what}."
        )
    elif one["value"] is None:
        parts.append(f"So no {what} has rows of several classes: nothing here shows the ROC AUC without the {what}.")
    return parts


def _rows(facts: Facts, sources: list[str]) -> str:
    totals = {name: sum(of[source]["test"] for source in sources) for name, of in facts["counts"].items()}
    return ", ".join(f"{name}: {count:,}" for name, count in totals.items())


def _share(estimate: Facts) -> str:
    return f"{100 * estimate['value']:.0f} %"


def _text(estimate: Facts | None) -> str:
    if estimate is None or estimate["value"] is None:
        return "not defined"
    if estimate["low"] is None:
        return f"{estimate['value']:.3f} (too few rows for an interval)"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"
