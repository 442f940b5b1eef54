"""An audit, all steps in order; it changes nothing: what is done about a finding, a person says in corrections.csv."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit.base.files import write_csv, write_json, write_parquet
from imbalkit.base.progress import Progress
from imbalkit.data.corrections import LABEL, NEW, OUT, PATH, SAMPLE
from imbalkit.data.table_files import read_table
from imbalkit.engine import embedding as embeddings
from imbalkit.errors import ImbalkitError
from imbalkit.studies.audit import findings, out_of_fold
from imbalkit.studies.audit.loss_rank import loss_ranks
from imbalkit.studies.audit.page import write_page
from imbalkit.studies.audit.result import Audit

if TYPE_CHECKING:
    from imbalkit.recipe.prepared import Prepared

PAGE, CORRECTIONS, ROWS, SUMMARY = "audit.html", "corrections.csv", "rows.parquet", "audit.json"


def audit(
    recipe: out_of_fold.Recipe,
    out: Path,
    overrides: Iterable[str] = (),
    runs: Path = Path("runs"),
    without: tuple[str, ...] = (),
    pictures: bool = True,
    loss_rank: bool = True,
    progress: Progress | None = None,
) -> Audit:
    """Audit the labels of a recipe's data; in `out` lie the page, corrections.csv to fill in, and the trainings.

    Args:
        recipe: a file, the name of a registered recipe, or a mapping
        out: a folder; an interrupted audit goes on in it
        overrides: "a.b=value"
        runs: where a finished cross-validation of this very recipe is looked for
        without: plugins to leave out
        pictures: look for near-duplicate pictures with different labels, which reads every file
        loss_rank: train a round of loss_rank, to say what it would drop
        progress: shows what goes on

    Raises:
        MissingExtraError: cleanlab is not installed
        ImbalkitError: as runs of the recipe do
    """
    findings.check_cleanlab()
    progress = progress or Progress()
    prepared, changed = out_of_fold.in_folds(recipe, overrides, without)
    table = prepared.table
    options = out_of_fold.options_for(out / "folds", without, progress)
    folds = out_of_fold.cross_validated(recipe, changed, prepared, out / "folds", runs, options)
    samples, probabilities, notes = out_of_fold.probabilities(folds, prepared)
    labels = table.labels[samples].astype(np.int64)
    issues = findings.label_issues(labels, probabilities)
    own = np.arange(len(samples))
    rows = pd.DataFrame(
        {
            SAMPLE: samples,
            LABEL: table.frame["label"].to_numpy()[samples],
            "label_issue": issues.flagged,
            "suspicion": 1 - issues.quality,
            "suggested": np.array(table.classes, dtype=object)[issues.suggested],
            "probability_of_label": probabilities[own, labels],
            "probability_of_suggested": probabilities[own, issues.suggested],
        }
    )
    how = {"folds": f"{folds} ({prepared.recipe.split.folds} folds)"}
    how["probabilities"] = "; ".join(["at the class prior of the data", *notes])
    has_pictures = findings.has_pictures(table)
    pairs = np.empty((0, 3), dtype=np.int64)
    if pictures and has_pictures:
        pairs = findings.contradicting_pairs(table, samples, progress.images)
    else:
        how["pictures"] = "`--no-pictures` was given" if has_pictures else "the data are a table without images"
    groups = findings.mixed_groups(table)
    rows["duplicate_of"] = _other(samples, pairs)
    rows["mixed_group"] = np.isin(samples, np.concatenate([*groups, np.empty(0, dtype=np.int64)]))
    rows["outlier"], how["outliers"] = _outliers(prepared, folds, samples, has_pictures, progress)
    rows["stands_alone"] = findings.highest(rows["outlier"].to_numpy(), round(findings.OUTLIERS * len(rows)))
    agreed: dict[str, float] = {}
    if loss_rank:
        ranked, losses, how["loss_rank"] = loss_ranks(prepared, out / "loss-rank", progress)
        rows["loss"] = pd.Series(losses, index=ranked).reindex(samples).to_numpy()
        dropped = findings.highest(rows["loss"].fillna(-np.inf).to_numpy(), int(issues.flagged.sum()))
        rows["loss_rank"] = dropped
        agreed = findings.agreement(issues.flagged, dropped)
    rows = rows.sort_values("suspicion", ascending=False, kind="stable", ignore_index=True)
    found = Audit(prepared, rows, pairs, groups, agreed, how)
    write_parquet(out / ROWS, rows)
    write_json(out / SUMMARY, summary(found))
    _write_corrections(out, found, progress)
    write_page(out / PAGE, found)
    return found


def summary(found: Audit) -> dict[str, Any]:
    """The counts, ready for JSON."""
    rows = found.rows
    return {
        "rows": len(rows),
        "label_issues": int(rows["label_issue"].sum()),
        "label_issues_by_label": {str(k): int(v) for k, v in rows[rows["label_issue"]]["label"].value_counts().items()},
        "contradicting_pairs": len(found.pairs),
        "mixed_groups": len(found.groups),
        "outliers": int(rows["stands_alone"].sum()),
        "agreement_with_loss_rank": found.agreement,
        "how": found.how,
    }


def _other(samples: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Of each sample another one that shows its picture under another label, -1 without one."""
    found = {int(a): int(b) for a, b in np.concatenate([pairs[::-1, [1, 0]], pairs[::-1, :2]])}
    return np.array([found.get(int(sample), -1) for sample in samples], dtype=np.int64)


def _outliers(
    prepared: Prepared, folds: Path, samples: np.ndarray, pictures: bool, progress: Progress
) -> tuple[np.ndarray, str]:
    """Outlier scores of samples, and by which features, in words."""
    from imbalkit.functional.features import standardised

    backbone = prepared.recipe.backbone
    if not pictures and prepared.columns is not None:
        return findings.outlier_scores(standardised(prepared.columns[samples])), "by the columns, standardised"
    if not embeddings.random_weights(backbone):
        embedding = embeddings.of_recipe(prepared, progress)
        words = f"by features of {backbone.name} with its pretrained weights"
    else:
        embedding = embeddings.of_run(folds / "fold-0", None, progress)
        words = "by features of the first fold's network, which was trained on most of these rows"
    return findings.outlier_scores(embedding.features(samples)), words


def reasons(row: Any, found: Audit) -> list[str]:
    """Why a row is suspect, in words; [] where it is not."""
    texts = []
    if row.label_issue:
        texts.append(f"label issue: {row.suggested} more likely")
    if row.duplicate_of >= 0:
        other = found.prepared.table.frame["label"].iloc[row.duplicate_of]
        texts.append(
            f"near duplicate of {findings.names(found.prepared.table, [row.duplicate_of])[0]}, which is {other}"
        )
    if row.mixed_group:
        texts.append("its group has different labels")
    if row.stands_alone:
        texts.append("outlier")
    return texts


def _write_corrections(out: Path, found: Audit, progress: Progress) -> None:
    """The suspect rows, most suspect first, to fill in; a file that somebody has begun to fill in is left alone."""
    table, lines = found.prepared.table, []
    row: Any
    for row in found.rows.itertuples():
        why = reasons(row, found)
        if why:
            entry: dict[str, Any] = {SAMPLE: table.origins[row.sample]}
            if "path" in table.frame:
                entry[PATH] = str(table.frame["path"].iloc[row.sample])
            entry |= {LABEL: row.label, NEW: "", OUT: "", "suspicion": round(float(row.suspicion), 4)}
            lines.append(entry | {"suggested": row.suggested if row.label_issue else "", "why": "; ".join(why)})
    columns = [SAMPLE, *([PATH] if "path" in table.frame else []), LABEL, NEW, OUT, "suspicion", "suggested", "why"]
    file = out / CORRECTIONS
    if file.exists() and _begun(file):
        progress.note(f"{file} is being filled in and stays; the rows of this audit are in {file.stem}-new.csv")
        file = file.with_name(f"{file.stem}-new.csv")
    write_csv(file, pd.DataFrame(lines, columns=columns))


def _begun(file: Path) -> bool:
    """Whether somebody has written into the columns that are to be filled in."""
    try:
        frame = read_table(file, text=(NEW, OUT))
    except ImbalkitError:
        return True
    return any(name in frame and frame[name].notna().any() for name in (NEW, OUT))
