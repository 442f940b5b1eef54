"""report.html of a search: the winner on fresh seeds, how it was found, what of it to believe."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from imbalkit.base.parameters import described
from imbalkit.base.text import count, percent, plural, sentence_list
from imbalkit.report import page
from imbalkit.report.page import Section
from imbalkit.report.sections.summary import Card
from imbalkit.runs import folder as run_folder
from imbalkit.studies.search import words
from imbalkit.studies.search.charts import front_chart, history_chart, importance_chart, rates_chart
from imbalkit.studies.search.checks import Checked
from imbalkit.studies.search.file import SearchFile
from imbalkit.studies.search.fresh import Fresh, rates_frame, read_fresh
from imbalkit.studies.search.outcome import Outcome, Row, read_outcome
from imbalkit_lite.files import write_text
from imbalkit_lite.text import printable_lines

if TYPE_CHECKING:
    import optuna

MOST_ROWS = 100  # of the table of trials
RATES = ("miss_rate", "false_alarm_rate")


@dataclass(frozen=True)
class SearchReport:
    """What the sections of a search's report are made from."""

    folder: Path
    found: SearchFile
    checked: Checked
    study: optuna.Study
    outcome: Outcome
    fresh: Fresh | None


def write_search_report(folder: Path, found: SearchFile, checked: Checked, study: optuna.Study) -> Path | None:
    """Write report.html of a search folder, from what is there; None, and no file, until a trial is finished."""
    outcome = read_outcome(study, found, checked)
    if not outcome.of("finished"):
        return None
    report = SearchReport(folder, found, checked, study, outcome, read_fresh(folder, outcome))
    sections = [section for section in _sections(report) if section is not None]
    meta = f"a search · {plural(outcome.count, 'trial')} of {found.search.trials} · base recipe {checked.base.name}"
    text = page.render_page(found.name, found.settings.description, meta, metadata.version("imbalkit"), sections)
    write_text(folder / run_folder.REPORT, printable_lines(text))
    return folder / run_folder.REPORT


def _sections(report: SearchReport) -> Iterator[Section | None]:
    yield _section("summary", "Summary", "Results", "search_summary.html", _summary(report))
    yield _section("fresh", "Winner with fresh seeds", "Results", "search_fresh.html", _fresh(report))
    yield _section("rates", "Miss rate and false alarm rate", "Results", "search_charts.html", _rates(report))
    yield _section("history", "Trials in order", "Search", "search_charts.html", _history(report))
    yield _section(
        "space", "Space", "Search", "search_space.html", {"rows": words.space_rows(report.found, report.outcome)}
    )
    yield _section("trials", "All trials", "Search", "search_trials.html", _trials(report))
    yield _section("files", "Files", "Documentation", "search_files.html", _files(report))


def _section(key: str, title: str, group: str, template: str, values: dict[str, Any] | None) -> Section | None:
    if values is None:
        return None
    return Section(key, title, Markup(page.environment().get_template(template).render(**values)), group)


def _summary(report: SearchReport) -> dict[str, Any]:
    return {
        "cards": _cards(report),
        "lines": words.summary(report.found, report.checked, report.outcome, report.fresh),
        "cautions": words.cautions(report.found, report.outcome, report.fresh),
    }


def _cards(report: SearchReport) -> list[Card]:
    outcome, fresh, metric = report.outcome, report.fresh, report.outcome.metrics[0]
    shown = words.metric_words(metric)
    cards = []
    if fresh is not None:
        values, base = fresh.values(metric), fresh.values(metric, "base")
        mean = f"base recipe {words.value(base.mean())}" if not fresh.is_base else "the base recipe is the winner"
        cards.append(
            Card(f"{shown}, test", words.value(values.mean()), f"sd {words.value(values.std(ddof=1))} over seeds", mean)
        )
        if not fresh.is_base:
            gain = fresh.gain(metric, outcome.maximised[0])
            better = int((words.gains(fresh, metric, outcome.maximised[0]) > 0).sum())
            detail = f"95 % interval over seeds; better on {better} of {plural(gain.n, 'seed')}"
            cards.append(Card("gain over the base recipe, test", words.signed(gain.mean), words.interval(gain), detail))
    else:
        best, own = outcome.winner.values, outcome.base
        detail = "best of the trials so far: biased upward"
        cards.append(Card(f"{shown}, validation", words.value(best[0] if best else None), "", detail))
        if own is not None and own.values is not None:
            cards.append(Card("of the base recipe", words.value(own.values[0]), "", "in its one trial"))
    ended = [f"{count(len(outcome.of(state)))} {state}" for state in ("finished", "ended early", "failed")]
    cards.append(Card("trials", count(outcome.count), "", sentence_list(ended)))
    trained, full = outcome.epochs
    detail = f"{count(trained)} of {count(full)} that these trials would have had in full"
    cards.append(Card("epochs trained", percent(trained / full if full else None, 0), "", detail))
    return cards


def _fresh(report: SearchReport) -> dict[str, Any] | None:
    fresh, outcome = report.fresh, report.outcome
    if fresh is None:
        return None
    others = [name for name in RATES if name in fresh.base and name not in outcome.metrics and _defined(fresh, name)]
    rows = []
    for name in [*outcome.metrics, *others]:
        up = outcome.maximised[outcome.metrics.index(name)] if name in outcome.metrics else False
        for split, column in (("test", name), ("validation", f"validation.{name}")):
            gain = fresh.gain(column, up)
            rows.append(
                {
                    "metric": words.metric_words(name),
                    "split": split,
                    "base": words.spread(fresh.values(column, "base")),
                    "winner": words.spread(fresh.values(column)),
                    "gain": words.signed(gain.mean),
                    "interval": words.interval(gain),
                    "better": f"{int((words.gains(fresh, column, up) > 0).sum())} of {gain.n}",
                }
            )
    seeds = sentence_list(map(str, fresh.winner["seed"]))
    what = "The base recipe won; it" if fresh.is_base else "Winner and base recipe"
    lines = [
        f"{what} ran with the seeds {seeds}, which no trial had, on the same split. The test rows were looked at once a run."
    ]
    return {"lines": lines, "rows": rows, "n": len(fresh.winner), "is_base": fresh.is_base}


def _rates(report: SearchReport) -> dict[str, Any] | None:
    frame = None if report.fresh is None else rates_frame(report.folder, report.fresh)
    if frame is None:
        return None
    lines = [
        "What missing fewer costs in false alarms: each line is one run with a fresh seed at every threshold, on the test rows. "
        "The dots are the thresholds that validation chose. To work at another point, choose its threshold on validation "
        "(decision.threshold), not from this chart."
    ]
    return {"lines": lines, "charts": [rates_chart(frame)], "notes": []}


def _history(report: SearchReport) -> dict[str, Any]:
    outcome = report.outcome
    charts, notes = [history_chart(outcome)], []
    if len(outcome.metrics) > 1:
        charts.append(front_chart(outcome))
        notes.append(f"On the front, where no other trial is better in all metrics: {sentence_list(_front(outcome))}.")
    importance, why = words.importances(report.study, outcome)
    if importance is not None:
        charts.append(importance_chart(importance))
    return {"lines": [], "charts": charts, "notes": [*notes, why]}


def _front(outcome: Outcome) -> list[str]:
    return [f"trial {row.number} ({words.shown_values(outcome.metrics, row)})" for row in outcome.front]


def _trials(report: SearchReport) -> dict[str, Any]:
    outcome = report.outcome
    ranked = sorted(outcome.rows, key=lambda row: (_RANK[row.state], _loss(outcome, row), row.number))
    shown = [_trial(row, len(outcome.metrics)) for row in ranked[:MOST_ROWS]]
    more = f"the best {MOST_ROWS}, all are in trials.csv" if len(ranked) > MOST_ROWS else "the best first"
    caption = f"{plural(len(ranked), 'trial')}, {more}; metrics of validation, at the end or when ended early"
    return {"rows": shown, "metrics": [words.metric_words(name) for name in outcome.metrics], "caption": caption}


_RANK = {"finished": 0, "ended early": 1, "failed": 2, "at work": 3}


def _loss(outcome: Outcome, row: Row) -> float:
    value = words.last_value(row)
    return 0.0 if value is None else -value if outcome.maximised[0] else value


def _trial(row: Row, metrics: int) -> dict[str, Any]:
    values: Sequence[float | None] = row.values or [words.last_value(row), *[None] * (metrics - 1)]
    picks = ", ".join(f"{name} {words.short(value)}" for name, value in row.picks.items())
    return {
        "number": row.number,
        "shown": [words.value(value) for value in values],
        "state": row.state,
        "error": row.error.splitlines()[0][:160] if row.error else "",
        "epochs": f"{row.epochs} of {row.budget}" if row.budget else "",
        "picks": picks,
    }


def _files(report: SearchReport) -> dict[str, Any]:
    names = ("imbalkit", "optuna", "torch", "scikit-learn", "numpy")
    at = report.found.search.at
    note = f"Decisions of all trials: {described(at)}. " if at is not None else ""
    return {
        "command": f"imbalkit sweep {shlex.quote(report.found.name)}.yaml --folder {shlex.quote(str(report.folder))} --resume",
        "text": report.found.text,
        "recipe": report.checked.base.recipe.to_yaml(),
        "versions": note + ", ".join(f"{name} {metadata.version(name)}" for name in names),
    }


def _defined(fresh: Fresh, name: str) -> bool:
    return bool(np.isfinite(fresh.values(name)).all())
