"""What a search's report says, in sentences and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.base.parameters import described
from imbalkit.base.text import count, fixed, plural, sentence_list
from imbalkit.functional.seeds import MeanDifference
from imbalkit.studies.search.checks import Checked
from imbalkit.studies.search.file import SearchFile
from imbalkit.studies.search.fresh import Fresh
from imbalkit.studies.search.outcome import Outcome, Row
from imbalkit.studies.search.space import Choices, Node, Range

if TYPE_CHECKING:
    import optuna

LEAST_FINISHED = 16  # trials for an importance that says something
BEST = 0.25  # of the finished trials: those whose parameters are set against all
EDGE = 0.02  # of a range's width, as it is drawn: this near its end counts as at the end


def summary(found: SearchFile, checked: Checked, outcome: Outcome, fresh: Fresh | None) -> list[str]:
    """How the winner was found, and how its gain compares with the spread of seeds."""
    search, winner = found.search, outcome.winner
    looked = [
        f"the {'highest' if up else 'lowest'} {metric_words(name)}"
        for name, up in zip(outcome.metrics, outcome.maximised, strict=True)
    ]
    rows = count(len(checked.base.split.validation))
    at = f", decided by {described(search.at)}" if search.at is not None else ""
    how = {"tpe": "TPE", "random": "random draws"}[search.sampler]
    pruned = {"median": "those behind the median", "halving": "those outside of the best quarter", "none": ""}[
        search.pruner
    ]
    lines = [
        f"{plural(outcome.count, 'trial')} by {how} looked for {sentence_list(looked)} on {rows} validation rows{at}"
        + (f"; {pruned} were ended early" if pruned else "")
        + "."
    ]
    if winner.picks == outcome.base_picks:
        lines.append(f"No trial was better than the base recipe: {shown_values(outcome.metrics, winner)}.")
    else:
        changed = [
            f"{name} {short(value)}" for name, value in winner.picks.items() if outcome.base_picks.get(name) != value
        ]
        lines.append(
            f"The winner is trial {winner.number} ({shown_values(outcome.metrics, winner)}): {', '.join(changed)}."
        )
    if len(outcome.metrics) > 1:
        lines.append(
            f"Of the {plural(len(outcome.front), 'trial')} on the front it is the best by {metric_words(outcome.metrics[0])}."
        )
    if fresh is None:
        lines.append("The runs with fresh seeds are not there yet: what follows is of the trials alone.")
    elif not fresh.is_base:
        lines.append(_verdict(outcome, fresh))
    return lines


def _verdict(outcome: Outcome, fresh: Fresh) -> str:
    metric, up = outcome.metrics[0], outcome.maximised[0]
    gain, spread_ = fresh.gain(metric, up), fresh.values(metric, "base").std(ddof=1)
    if gain.low > 0:
        verdict = "more than seeds alone give"
    elif gain.high < 0:
        verdict = "so that the search has made it worse"
    else:
        verdict = "within what seeds alone give: the search has not shown that it is better"
    return (
        f"With fresh seeds its gain in {metric_words(metric)} over the base recipe is {signed(gain.mean)} on the test rows "
        f"({interval(gain)}), where the base recipe spreads by {value(spread_)} (sd over {gain.n} seeds): {verdict}."
    )


def cautions(found: SearchFile, outcome: Outcome, fresh: Fresh | None) -> list[str]:
    """What limits these metrics."""
    metric, winner, lines = outcome.metrics[0], outcome.winner, []
    best = winner.values[0] if winner.values else math.nan
    bias = f"The best of {plural(outcome.count, 'trial')} is biased upward: it is chosen for its luck, too."
    if fresh is not None:
        again = float(fresh.values(f"validation.{metric}").mean())
        lost = outcome.gain(best, again)
        bias += (
            f" In the search the winner had a {metric_words(metric)} of {value(best)} on validation; with fresh seeds the same "
            f"recipe has {value(again)} on the same rows" + (f": {value(lost)} of it was luck." if lost > 0 else ".")
        )
    lines.append(bias)
    lines.append(
        "The validation rows have chosen epoch, threshold and, among all trials, the recipe: what they say of the winner is "
        "optimistic. The test rows have chosen nothing. If you search again because of what they say here, they have."
    )
    if outcome.count <= found.search.startup_trials and found.search.sampler == "tpe":
        lines.append(
            f"All trials were drawn at random: TPE begins after `startup_trials`, {found.search.startup_trials}.".replace(
                "`", ""
            )
        )
    ends = [f"{node.name} ({short(winner.picks[node.name])})" for node in found.space.nodes if _at_end(node, winner)]
    if ends:
        lines.append(f"The winner lies at the end of a range, so that the best may lie beyond: {sentence_list(ends)}.")
    failed = outcome.of("failed")
    if failed:
        lines.append(
            f"{plural(len(failed), 'trial')} failed (errors are below and in errors/); --resume tries them again."
        )
    if fresh is not None and fresh.earlier:
        lines.append(
            f"Before the search was extended, another winner was tested on the same test rows ({sentence_list(fresh.earlier)}): "
            "they have been looked at more than once."
        )
    return lines


def space_rows(found: SearchFile, outcome: Outcome) -> list[dict[str, str]]:
    """Each parameter, what was looked through, and its values in the base recipe and in the winner."""
    base, winner = outcome.base_picks, outcome.winner.picks
    return [
        {
            "name": node.name,
            "space": space_text(node),
            "base": short(base[node.name]) if node.name in base else "–",
            "winner": short(winner[node.name]) if node.name in winner else "–",
        }
        for node in found.space.nodes
    ]


def importances(study: optuna.Study, outcome: Outcome) -> tuple[dict[str, float] | None, str]:
    """How much each parameter decides whether a trial is among the best, and a note on that; None where too few tell."""
    import optuna

    finished = len(outcome.of("finished"))
    if finished < LEAST_FINISHED:
        return (
            None,
            f"The importance of parameters takes {LEAST_FINISHED} finished trials to say something; here are {finished}.",
        )
    try:
        best = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST)
        found = optuna.importance.get_param_importances(study, evaluator=best)
    except (RuntimeError, ValueError):
        found = {}
    if len(found) < 2 or not sum(found.values()):
        return None, "The importance of parameters cannot be told apart in these trials."
    note = (
        "Importance: how much of what sets the best quarter of the finished trials apart from all of them is each parameter's "
        "own doing (PED-ANOVA, Watanabe et al. 2023). A small one says that the rest of its range did as well."
    )
    return {str(name): float(share) for name, share in found.items()}, note


def gains(fresh: Fresh, column: str, maximised: bool) -> np.ndarray:
    """The winner's gain of each seed, float64 [n]."""
    difference = fresh.values(column) - fresh.values(column, "base")
    return difference if maximised else -difference


def metric_words(name: str) -> str:
    """recall_melanoma as a person reads it."""
    return name.replace("_", " ")


def shown_values(metrics: tuple[str, ...], row: Row) -> str:
    """ "roc auc 0.9712 on validation"."""
    values = zip(metrics, row.values or (), strict=True)
    return f"{', '.join(f'{metric_words(name)} {value(item)}' for name, item in values)} on validation"


def last_value(row: Row) -> float | None:
    """The metric at the end; of a trial that was ended early, after its last epoch."""
    if row.values:
        return row.values[0]
    return row.curve[max(row.curve)] if row.curve else None


def value(number: float | None) -> str:
    """A metric's value; "–" where there is none."""
    return "–" if number is None or math.isnan(number) else fixed(number, 4)


def signed(number: float) -> str:
    """With its sign."""
    return "–" if math.isnan(number) else f"{'+' if number >= 0 else '−'}{fixed(abs(number), 4)}"


def interval(gain: MeanDifference) -> str:
    """ "−0.0021 to +0.0124"."""
    return f"{signed(gain.low)} to {signed(gain.high)}"


def spread(values: np.ndarray) -> str:
    """Mean and standard deviation."""
    return f"{value(float(values.mean()))} ± {value(float(values.std(ddof=1)))}"


def short(number: object) -> str:
    """A value of a parameter."""
    return f"{number:.4g}" if isinstance(number, float) else str(number)


def space_text(node: Node) -> str:
    """What is looked through: \"0.0005 to 0.02, logarithmic\", \"ce, focal\"."""
    if isinstance(node, Choices):
        return ", ".join(node.options)
    given = node.settings
    more = ", logarithmic" if given.log else f", step {given.step:g}" if given.step is not None else ""
    return f"{given.low:g} to {given.high:g}{more}"


def _at_end(node: Node, winner: Row) -> bool:
    if not isinstance(node, Range) or node.name not in winner.picks:
        return False
    scale = math.log if node.settings.log else float
    low, high, at = (scale(float(x)) for x in (node.settings.low, node.settings.high, winner.picks[node.name]))
    return min(at - low, high - at) <= EDGE * (high - low)
