"""The figures of a finished run of the comparison: of the last epoch's network and of the chosen epoch's, apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.runs.folder import read_log

if TYPE_CHECKING:
    from imbalkit.training.classifier import Classifier

MANY, FEW = 3, 3  # the most frequent classes, and the rarest; medium are those between


def figures(folder: Path, baseline: Path) -> list[dict[str, Any]]:
    """A row for each network of a run: "last" and, where validation chose an epoch, "chosen".

    Figures of the test rows as trained, and with the probabilities moved to the balanced prior (`balanced_...`). logits.npz of
    the folder keeps the last network's logits of the test rows, for paired intervals.

    Args:
        folder: of the run
        baseline: run folder of cross entropy with the same seed, for the paired intervals of the gaps to it
    """
    from sklearn.metrics import roc_auc_score

    from imbalkit.decision.fit import fit_decision
    from imbalkit.decision.settings import DecisionSettings
    from imbalkit.functional.metrics import softmax
    from imbalkit.recipe.class_prior import prior_ledger
    from imbalkit.runs.restore import restore
    from imbalkit.runs.results import RunData

    run, restored = RunData.load(folder), restore(folder)
    prepared, images, classes = restored.prepared, restored.images(), restored.classes
    labels, stages = prepared.table.labels.astype(np.int64), [entry["counts"] for entry in run.metrics["class_counts"]]
    ledger, counts = prior_ledger(prepared, stages), np.array(stages[0])
    validation, test = prepared.split.validation, prepared.split.test
    found = []
    for network, epoch in networks(folder, restored.model, bool(run.recipe["stages"])):
        logits = restored.logits(images, test)
        decision = fit_decision(
            restored.logits(images, validation),
            labels[validation],
            DecisionSettings(prior="balanced"),
            None,
            ledger,
            None,
            classes,
        )
        trained, moved = softmax(logits), decision.probabilities(logits)
        row: dict[str, Any] = {
            "network": network,
            "epoch": epoch,
            "epochs": trained_epochs(folder),
            "seconds": round(sum(entry.get("seconds", 0) for entry in run.log)),
            **of_probabilities(trained, labels[test], classes, counts, ""),
            "auc": round(float(roc_auc_score(labels[test], trained, multi_class="ovr", average="macro")), 5),
            **of_probabilities(moved, labels[test], classes, counts, "balanced_"),
            "restored_by": "counts" if ledger.exact else "validation",
            **dict.fromkeys(("gap_low", "gap_high", "balanced_gap_low", "balanced_gap_high"), ""),
        }
        if network == "last":
            np.savez_compressed(folder / "logits.npz", logits=logits, labels=labels[test])
            row |= gaps(baseline, trained, "") if folder != baseline else {}
            row |= gaps(baseline, moved, "balanced_")
        found.append(row)
    return found


def networks(folder: Path, model: Classifier, has_stages: bool) -> Iterator[tuple[str, int]]:
    """("last" or "chosen", epoch) of each network of a run, while its weights are in the model.

    The last epoch's weights are those of epoch-N.pt, which `kept_checkpoints` leaves. Stages after training work on the last
    epoch's network, and what they make of it is the only one.
    """
    from imbalkit.training.checkpoints import load_checkpoint

    epochs = trained_epochs(folder)
    if has_stages:
        yield "last", epochs
        return
    state = load_checkpoint(kept(folder, epochs))
    yield "chosen", state["best_epoch"]
    model.load_state_dict(state["model"])
    yield "last", epochs


def trained_epochs(folder: Path) -> int:
    """Epochs of the main training."""
    return sum(entry["stage"] == "final" for entry in read_log(folder))


def kept(folder: Path, epoch: int) -> Path:
    """The copy of an epoch's checkpoint in a run folder."""
    return folder / f"epoch-{epoch}.pt"


@contextmanager
def kept_checkpoints(folder: Path, epochs: Sequence[int]) -> Iterator[None]:
    """Leave a copy of the checkpoints of some epochs in a run folder; a finished run has none by itself."""
    from imbalkit.training import trainer

    save = trainer.save_checkpoint

    def save_and_keep(path: Path, state: dict[str, Any]) -> None:
        save(path, state)
        if path.stem == "final" and state["epoch"] in epochs:
            save(kept(folder, state["epoch"]), state)

    trainer.save_checkpoint = save_and_keep
    try:
        yield
    finally:
        trainer.save_checkpoint = save


def of_probabilities(
    probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str], counts: np.ndarray, prefix: str
) -> dict[str, Any]:
    """Accuracy, ECE of the most probable class, and recall: of all classes, of many, medium and few, and of each class."""
    from imbalkit.functional.metrics import calibration_error

    decided = probabilities.argmax(1)
    recall = np.bincount(labels[decided == labels], minlength=len(counts)) / np.bincount(labels, minlength=len(counts))
    ranked = recall[np.argsort(-counts, kind="stable")]
    found: dict[str, Any] = {
        "accuracy": (decided == labels).mean(),
        "mean_recall": recall.mean(),
        "many": ranked[:MANY].mean(),
        "medium": ranked[MANY:-FEW].mean(),
        "few": ranked[-FEW:].mean(),
        "ece": calibration_error(decided == labels, probabilities.max(1)),
    }
    found = {name: round(float(value), 5) for name, value in found.items()}
    found["recalls"] = " ".join(f"{name}={value:.4f}" for name, value in zip(classes, recall, strict=True))
    return {f"{prefix}{name}": value for name, value in found.items()}


def gaps(baseline: Path, probabilities: np.ndarray, prefix: str) -> dict[str, float]:
    """The paired 95 % interval of an accuracy less that of cross entropy, on the same test rows; empty without that run."""
    from imbalkit.functional.paired import paired_share_interval

    if not (baseline / "logits.npz").exists():
        return {}
    kept = np.load(baseline / "logits.npz")
    hits = [values.argmax(1) == kept["labels"] for values in (kept["logits"], probabilities)]
    low, high = paired_share_interval(*hits)
    return {f"{prefix}gap_low": round(low, 5), f"{prefix}gap_high": round(high, 5)}
