"""A comparison as text: what differs by more than noise, and the table behind it; as Markdown, HTML and plain values."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from imbalkit.base.text import fixed
from imbalkit.errors import listing
from imbalkit.report.markdown import markdown_text
from imbalkit_lite.text import counted

if TYPE_CHECKING:
    from imbalkit.studies.comparison.result import ComparisonResult

BOOTSTRAPS = ("bootstrap", "cluster bootstrap")


def statements(found: ComparisonResult) -> list[str]:
    """A sentence for each run: in which metrics it differs from the reference by more than noise, and in which not.

    By the test that decides (`Comparison.deciding`), after Holm's correction where there are more than two runs.
    """
    alpha, column = 1 - found.level, "p_holm" if len(found.runs) > 2 else "p"
    lines, sure, tested = [], 0, 0
    for run, tests in found.deciding.groupby("run", sort=False):
        apart, noise = tests[tests[column] < alpha], tests[tests[column] >= alpha]
        parts = []
        for better, word in ((True, "better"), (False, "worse")):
            rows = [row for _, row in apart.iterrows() if row["better"] is better]
            shown = (f"{metric_name(row)} ({row['difference']:+.3f}, p {_equals(row[column])})" for row in rows)
            parts += [f"{word} in {listing(shown)}"] if rows else []
        if len(noise):
            names = listing(metric_name(row) for _, row in noise.iterrows())
            parts.append(f"within noise in {names} (smallest p {_equals(noise[column].min())})")
        lines += [f"{run} against {found.reference}: {'; '.join(parts)}."] if parts else []
        sure += len(apart)
        tested += len(apart) + len(noise)
    if not tested:
        lines.append(
            f"None of these metrics could be tested against {found.reference}: nothing is said of a difference."
        )
    elif not sure:
        others = "No run differs" if len(found.runs) > 2 else f"{list(found.runs)[-1]} does not differ"
        which = "metric that was tested" if _untested(found) else "of these metrics"
        lines.insert(0, f"{others} from {found.reference} by more than noise in any {which}.")
    return lines


def _untested(found: ComparisonResult) -> list[str]:
    """Metrics without a p-value: those that have no test, and those that are not defined with such rows."""
    tests = found.deciding
    return list(dict.fromkeys(metric_name(row) for _, row in tests[tests["p"].isna()].iterrows()))


def small_print(found: ComparisonResult) -> list[str]:
    """What was tested, and how far the tests reach."""
    rows = sum(found.support.values())
    tested = f"{rows:,} test rows ({counted(found.support.items())})"
    if found.unit == "group":
        tested += f" of {found.units:,} groups, which are resampled whole"
    decisions = (
        "at the threshold that each run chose on validation" if found.at == "chosen" else "uncalibrated at one half"
    )
    lines = [
        f"{tested}. Decisions {decisions}. Intervals: {_level(found)}; {found.resamples:,} "
        "resamples, the same ones for all runs.",
        "Differences are run less reference, on the same rows. The tests are about these trained models: another seed would "
        "train others. Within noise does not mean equal: the interval shows which differences remain possible.",
    ]
    if untested := _untested(found):
        lines.append(f"Not tested: {listing(untested)} (the metric has no test, or too few rows for one).")
    if len(found.runs) > 2:
        lines.append(
            "Holm's correction, which the sentences use, is for the number of runs and not for the number of metrics: state "
            "beforehand which metric decides."
        )
    if found.few:
        each = listing([f"{n:,} of {name}" for name, n in found.few.items()], 6)
        lines.append(
            f"Few test {found.unit}s of a class ({each}): with 8 of one class, DeLong's test found a difference between models "
            "of equal worth in 8 of 100 simulated cases instead of 5, and intervals of a difference in balanced accuracy held "
            "the truth in 77 to 95 of 100."
        )
    return [*lines, *found.notes]


def table(found: ComparisonResult) -> pd.DataFrame:
    """Every metric of every run as text, with its difference to the reference and the p-values."""
    deciding, bootstrap = _by_key(found.deciding), _by_key(found.tests[found.tests["test"].isin(BOOTSTRAPS)])
    value, difference = f"value ({_level(found)})", f"difference ({_level(found)})"
    rows = []
    for _, of_runs in found.metrics.groupby(["metric", "class"], sort=False):
        for place, (key, row) in enumerate(_by_key(of_runs).items()):
            test = deciding.get(key)
            rows.append(
                {
                    "metric": "" if place else metric_name(row),
                    "run": row["run"],
                    value: _span(row, "value", sign=False),
                    difference: "reference" if test is None else _span(test, "difference"),
                    "p": "" if test is None else p_text(test["p"]),
                    "p (Holm)": "" if test is None else p_text(test["p_holm"]),
                    "test": "" if test is None else test["test"],
                    "p (bootstrap)": "" if test is None else p_text(bootstrap[key]["p"]),
                }
            )
    frame = pd.DataFrame(rows)
    return frame if len(found.runs) > 2 else frame.drop(columns="p (Holm)")


def _by_key(frame: pd.DataFrame) -> dict[tuple[str, str, str], pd.Series]:
    """The rows of a frame by metric, class and run."""
    return {(row["metric"], row["class"], row["run"]): row for _, row in frame.iterrows()}


def metric_name(row: pd.Series) -> str:
    """ "miss rate", "recall of melanoma"."""
    name = str(row["metric"]).replace("_", " ")
    return f"{name} of {row['class']}" if row["class"] else name


def p_text(value: float) -> str:
    """Three digits; "<0.001" below."""
    return "-" if math.isnan(value) else "<0.001" if value < 0.0005 else f"{value:.3f}"


def _equals(p: float) -> str:
    return "< 0.001" if p < 0.0005 else f"= {p:.3f}"


def _level(found: ComparisonResult) -> str:
    return f"{100 * found.level:g} %"


def _span(row: pd.Series, name: str, sign: bool = True) -> str:
    plus = "+" if sign else ""

    def text(number: float) -> str:
        return "-" if not math.isfinite(number) else f"{plus if number >= 0 else ''}{fixed(number, 3)}"

    value, low, high = (text(row[key]) for key in (name, "low", "high"))
    return f"{value} ({low} to {high})"


def to_markdown(found: ComparisonResult) -> str:
    """A page."""
    frame = table(found)

    def line(cells: Any) -> str:
        return "| " + " | ".join(map(markdown_text, cells)) + " |"

    rows = [line(frame.columns), line(["---"] * frame.shape[1]), *(line(row) for row in frame.itertuples(index=False))]
    sentences = [f"- {markdown_text(text)}" for text in statements(found)]
    runs = [f"- {markdown_text(name)}: {markdown_text(folder)}" for name, folder in found.runs.items()]
    notes = [text for note in small_print(found) for text in (markdown_text(note), "")]
    return "\n".join(["# Comparison", "", *sentences, "", *rows, "", *notes, "Runs:", "", *runs]) + "\n"


def to_html(found: ComparisonResult) -> str:
    """For a notebook."""
    sentences = "".join(f"<li>{escape(text)}</li>" for text in statements(found))
    notes = "".join(f"<p><small>{escape(text)}</small></p>" for text in small_print(found))
    return f"<ul>{sentences}</ul>{table(found).to_html(index=False, border=0)}{notes}"


def to_facts(found: ComparisonResult) -> dict[str, Any]:
    """Everything, ready for JSON; None for what is not defined."""
    return {
        "reference": found.reference,
        "runs": {name: str(folder) for name, folder in found.runs.items()},
        "classes": list(found.classes),
        "positive": found.positive,
        "support": dict(found.support),
        "at": found.at,
        "unit": found.unit,
        "units": found.units,
        "level": found.level,
        "resamples": found.resamples,
        "metrics": _records(found.metrics),
        "tests": _records(found.tests),
        "statements": statements(found),
        "notes": list(found.notes),
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(column): value for column, value in row.items()} for row in rows]
