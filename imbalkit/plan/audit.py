"""The audit of a plan, `plan.parquet`: every row that ever was in it, who added it, and who dropped it by which score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from imbalkit.plan.plan import Plan, View


@dataclass(frozen=True)
class Step:
    """One sampler, or one round of it: what remained, what it dropped, and by which scores."""

    stage: str  # "samplers[1] loss_rank, round 2"
    sampler: str
    round: int | None  # from 1
    counts: tuple[int, ...]
    generation: int  # of the rows it added; those of earlier steps are smaller
    dropped: pd.DataFrame  # key, source, label, view, score (NaN without)
    scores_from: str = ""  # "pass" or "last_epoch", "" without scores

    @classmethod
    def between(
        cls,
        before: Plan,
        after: Plan,
        stage: str,
        sampler: str,
        round: int | None = None,
        scores: np.ndarray | None = None,
        scores_from: str = "",
    ) -> Step:
        """The step from one plan to the next; `scores`, float32 [rows of `before`], are those that it dropped rows by."""
        rows = np.flatnonzero(~np.isin(before.key, after.key))
        dropped = pd.DataFrame(
            {
                "key": before.key[rows],
                "source": before.source[rows],
                "label": before.label[rows],
                "view": before.view[rows],
                "score": np.full(len(rows), np.nan, dtype=np.float32) if scores is None else scores[rows],
            }
        )
        return cls(stage, sampler, round, after.counts(), after.generation, dropped, scores_from)


def audit(plan: Plan, steps: list[Step], paths: pd.Series[str] | None) -> pd.DataFrame:
    """Every row that ever was in the plan: what it shows, who added it, who dropped it, in which round, by which score.

    Columns: key, source, path (where samples are files), label, view (as text), parameters (those drawn, as text), added_by,
    kept, dropped_by, round, score, scores_from.
    """
    rows = pd.DataFrame({"key": plan.key, "source": plan.source, "label": plan.label, "view": plan.view, "kept": True})
    frames = [rows.assign(dropped_by="", round=0, score=np.float32("nan"), scores_from="")]
    for step in steps:
        if len(step.dropped):
            dropped = step.dropped.assign(kept=False, dropped_by=step.stage, round=step.round or 0)
            frames.append(dropped.assign(scores_from=step.scores_from))
    frame = pd.concat(frames, ignore_index=True)
    # A Plan over all rows ever: its columns are enough to say what each showed.
    everything = Plan(
        frame["key"].to_numpy(np.uint64),
        frame["source"].to_numpy(np.uint32),
        frame["label"].to_numpy(np.uint16),
        frame["view"].to_numpy(np.uint16),
        plan.views,
        plan.classes,
        plan.majority,
        plan.seed,
    )
    generation = everything.generations()
    adders = ["source"] * (plan.generation + 1)
    before = 0
    for step in steps:
        for number in range(before + 1, step.generation + 1):
            adders[number] = step.stage
        before = max(before, step.generation)
    frame.insert(2, "parameters", _parameter_text(everything))
    frame.insert(2, "added_by", _categorical(generation, _unique(adders)))
    frame["view"] = _categorical(everything.view, _unique([describe_view(view) for view in plan.views]))
    frame["label"] = _categorical(everything.label, plan.classes)
    if paths is not None:
        frame.insert(2, "path", paths.to_numpy()[everything.source])
    return frame.sort_values("key", kind="stable", ignore_index=True)


def audited_rows(audit: pd.DataFrame, final: Plan) -> Plan:
    """Every row of `audit`, in its order, as a plan that can be rendered; `final` is the plan that the audit was made of."""
    views = {text: code for code, text in enumerate(_unique([describe_view(view) for view in final.views]))}
    labels = {name: code for code, name in enumerate(final.classes)}
    return replace(
        final,
        key=audit["key"].to_numpy(np.uint64),
        source=audit["source"].to_numpy(np.uint32),
        label=audit["label"].astype(str).map(labels).to_numpy(np.uint16),
        view=audit["view"].astype(str).map(views).to_numpy(np.uint16),
    )


def describe_view(view: View) -> str:
    """A view as a person reads it."""
    return ", then ".join(op.label for op in view) if view else "as it is"


def _categorical(codes: np.ndarray, names: Sequence[str]) -> pd.Series[str]:
    return pd.Series(pd.Categorical.from_codes(codes.astype(np.int64), pd.Index(names)))


def _unique(names: list[str]) -> list[str]:
    # pandas wants distinct categories; two views may read alike.
    return [name if names.index(name) == index else f"{name} ({index})" for index, name in enumerate(names)]


def _parameter_text(plan: Plan) -> np.ndarray:
    text = np.full(len(plan), "", dtype=object)
    for code, view in enumerate(plan.views):
        rows = np.flatnonzero(plan.view == code)
        for index, op in enumerate(view):
            if op.parameters and len(rows):
                drawn = plan.parameters(rows, index, op)
                names = [f"{op.name}.{name}" for name in op.parameters]
                for row, values in zip(rows, drawn, strict=True):
                    pairs = " ".join(f"{name}={value:.6g}" for name, value in zip(names, values, strict=True))
                    text[row] = f"{text[row]} {pairs}".strip()
    return text
