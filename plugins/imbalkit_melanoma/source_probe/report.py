"""The figures of the source probe as Markdown, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbalkit.base.text import share_number
from imbalkit.report import markdown_table

TITLE = "Can the model tell the {}?"
Facts = Mapping[str, Any]


def markdown(facts: Facts) -> str:
    """The section, from what source_probe.json holds."""
    if "missing" in facts:
        return f"The figures of this section are missing: {facts['missing']}"
    what, several = facts["column"], f"{facts['column']}s"
    units = "rows" if facts["groups"] is None else f"{facts['groups']:,} groups"
    lines = [
        f"The data come from {len(facts['sources'])} {several}. Where the classes differ in their {several}, a model may call "
        f"the {what} in place of the class: it then looks good on a test set of the same make, and fails on rows of one "
        f"{what}. Nothing was trained for the figures below but logistic regressions on what the finished network makes of "
        f"the {facts['test_rows']:,} test rows. Intervals are of 95 %, from a bootstrap over {units}. The figures are in "
        "`source_probe.json`.",
        _counts(facts),
    ]
    if facts["without_source"]:
        lines.append(f"Left out: {facts['without_source']:,} test rows without a {what}.")
    return "\n\n".join([*lines, *_probe(facts), *_answer(facts), *_roc_auc(facts)])


def _counts(facts: Facts) -> str:
    rows = []
    for name, by_source in facts["counts"].items():
        totals = {side: sum(count[side] for count in by_source.values()) for side in ("train", "test")}
        for source, count in by_source.items():
            cells = [f"{count[side]:,}{_percent(count[side], totals[side])}" for side in totals]
            rows.append([name, source, *cells])
    return markdown_table(["class", facts["column"], "training rows, before samplers", "test rows"], rows)


def _percent(part: int, whole: int) -> str:
    return f" ({share_number(part / whole)} % of the class)" if whole else ""


def _probe(facts: Facts) -> list[str]:
    """What features tell of the source, beside what colours alone tell."""
    what, probe = facts["column"], facts["probe"]
    head = f"### What the features tell of the {what}"
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
        accuracy = f"{_text(of_features['balanced_accuracy'])}; guessing {of_features['chance']:.3f}"
        rows.append([name, counts, _text(of_features["auc"]), accuracy, _text(of_colours.get("auc"))])
    together = features["one class"]["auc"]
    rows.append(["pairs of one class", "", _text(together), "", _text(colours["one class"]["auc"])])
    columns = ["test rows", "rows used", f"AUC of the {what}", "balanced accuracy", "AUC from colours alone"]
    said = [
        head,
        f"A logistic regression on the {features['width']:,} features, for rows that it was not fitted on ({facts['folds']} "
        f"folds{'' if facts['groups'] is None else ', whole groups'}). An AUC of 0.5 is guessing. The first line may read the "
        "class, where the classes differ; the lines of one class cannot. 'Colours alone' is the same on mean and spread of "
        "each colour channel, without any network.",
        markdown_table(columns, rows),
    ]
    if reasons:
        said.append("\n".join(["Not defined:", "", *reasons]))
    return [*said, _verdict(what, together, colours["one class"]["auc"])]


def _verdict(what: str, together: Facts, colours: Facts) -> str:
    if together["low"] is None:
        return f"So these rows cannot say whether the features hold the {what} beside the class."
    if together["low"] > 0.5:
        said = (
            f"So the features hold the {what} beside the class: between two rows of one class but of different {what}s, the "
            f"probe is right in {_share(together)} of cases"
        )
        if colours["low"] is not None:
            said += f" (from colours alone {_share(colours)})"
        return f"{said}. That it can be told does not say that the model uses it: see below."
    if together["high"] < 0.5:
        return f"The AUC within a class is below one half, as only chance or too few rows can make it: no sign of the {what}."
    return f"So there is no sign in these rows that the features hold the {what} beside the class: the interval holds one half."


def _answer(facts: Facts) -> list[str]:
    """What the model's answer alone tells of the source."""
    positive, what, sources = facts["positive"], facts["column"], facts["sources"]
    found = {name: answer for name, answer in facts.get("answer", {}).items() if answer}
    if not found:
        return []
    shown = sources[-1:] if len(sources) == 2 else sources  # of two, one says it all
    rows = [
        [name, source, _text(answer[source])] for name, answer in found.items() for source in shown if source in answer
    ]
    who, other = (sources[1], sources[0]) if len(sources) == 2 else (f"a {what}", f"another {what}")
    return [
        f"### What the answer tells of the {what}",
        f"How often a row of {who} gets a higher probability of {positive} than a row of {other} of the same class. An "
        f"interval that leaves out 0.5 says that the answer shifts with the {what} where the class does not: by a shortcut, "
        f"or because rows of one {what} are harder.",
        markdown_table(["class", what, f"chance of a higher probability of {positive}"], rows),
    ]


def _roc_auc(facts: Facts) -> list[str]:
    """The model's own ROC AUC, by where the pairs come from."""
    what, areas = facts["column"], facts["roc_auc"]
    lines = {"all test rows": (areas["all"], _rows(facts, facts["sources"]))}
    lines |= {
        f"{source} only": (areas[source], _rows(facts, [source])) for source in facts["sources"] if source in areas
    }
    lines[f"pairs of one {what}"] = areas["one source"], ""
    lines[f"pairs of different {what}s"] = areas["two sources"], ""
    table = markdown_table(["rows", "rows of each class", "ROC AUC"], [[n, c, _text(a)] for n, (a, c) in lines.items()])
    said = [
        f"### What the ROC AUC owes to the {what}",
        "An ROC AUC is a mean over pairs of a row of the class and another row. Pairs of different "
        f"{what}s can be told by the {what} alone, pairs of one {what} cannot"
        + ("." if facts["positive"] is not None else ". Means over the classes, each against the rest."),
        table,
    ]
    one, two = areas["one source"], areas["two sources"]
    if one["value"] is not None and two["value"] is not None:
        said.append(
            f"So rows of one {what} are ranked with {one['value']:.3f}, rows of different {what}s with {two['value']:.3f}; "
            f"expect the first where all rows come from one place."
        )
    elif one["value"] is None:
        said.append(f"So no {what} has rows of several classes: nothing here can say what is left without the {what}.")
    return said


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
