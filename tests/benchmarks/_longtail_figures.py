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
    """A row for each network of a run: "last" and, where validation chose an earlier one, "chosen".

    `logits.npz` of the folder keeps the last network's logits of the test rows, for paired intervals.

    Args:
        folder: of the run
        baseline: run folder of cross entropy with the same seed, for the paired interval of the gap
    """
    from imbalkit.runs.restore import restore
    from imbalkit.runs.results import RunData

    run, restored = RunData.load(folder), restore(folder)
    prepared, images = restored.prepared, restored.images()
    split, labels = prepared.split, prepared.table.labels.astype(np.int64)
    rows = {"validation": split.validation, "test": split.test}
    counts = np.array(run.metrics["class_counts"][0]["counts"])
    seconds = round(sum(entry["seconds"] for entry in run.log))
    found = []
    for network, epoch in networks(folder, restored.model):
        logits = {name: restored.logits(images, samples) for name, samples in rows.items()}
        row = {"network": network, "epoch": epoch, "epochs": len(run.log), "seconds": seconds}
        row |= of_logits(logits, {name: labels[samples] for name, samples in rows.items()}, counts, run, restored)
        if network == "last":
            np.savez_compressed(
                folder / "logits.npz", logits=logits["test"].astype(np.float32), labels=labels[split.test]
            )
            row |= gap_to(baseline, folder)
        else:
            row |= {"gap_low": "", "gap_high": ""}
        found.append(row)
    return found


def networks(folder: Path, model: Classifier) -> Iterator[tuple[str, int]]:
    """("last" or "chosen", epoch) of each network of a run, while its weights are in the model.

    The last epoch's weights are those of epoch-N.pt, which `kept_checkpoints` leaves. Stages after training work on the last
    epoch's network: what they made of it is then the only one.
    """
    from imbalkit.training.checkpoints import load_checkpoint

    epochs = sum(entry["stage"] == "final" for entry in read_log(folder))
    state = load_checkpoint(kept(folder, epochs))
    if state["best_weights"] is None:
        yield "last", epochs
        return
    yield "chosen", state["best_epoch"]
    model.load_state_dict(state["model"])
    yield "last", epochs


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


def of_logits(
    logits: dict[str, np.ndarray], labels: dict[str, np.ndarray], counts: np.ndarray, run: Any, restored: Any
) -> dict[str, Any]:
    """Figures of the test rows as trained, and with the probabilities moved to the balanced prior (`balanced_...`)."""
    from sklearn.metrics import roc_auc_score

    from imbalkit.decision.fit import fit_decision
    from imbalkit.decision.settings import DecisionSettings
    from imbalkit.functional.metrics import softmax
    from imbalkit.recipe.class_prior import prior_ledger

    classes = run.classes
    ledger = prior_ledger(restored.prepared, [stage["counts"] for stage in run.metrics["class_counts"]])
    settings = DecisionSettings(prior={name: 1 / len(classes) for name in classes})
    decision = fit_decision(logits["validation"], labels["validation"], settings, None, ledger, None, classes)
    truth, trained = labels["test"], softmax(logits["test"])
    area = roc_auc_score(truth, trained, multi_class="ovr", average="macro")
    return {
        **of_probabilities(trained, truth, counts, ""),
        "auc": round(float(area), 5),
        **of_probabilities(decision.probabilities(logits["test"]), truth, counts, "balanced_"),
        "restored_by": "counts" if ledger.exact else "validation",
        "recalls": " ".join(f"{value:.4f}" for value in recalls(trained.argmax(1), truth, len(classes))),
    }


def of_probabilities(
    probabilities: np.ndarray, labels: np.ndarray, counts: np.ndarray, prefix: str
) -> dict[str, float]:
    """Accuracy, mean recall of all classes and of many, medium and few, and ECE of the most probable class."""
    from imbalkit.functional.metrics import calibration_error

    decided = probabilities.argmax(1)
    recall = recalls(decided, labels, len(counts))[np.argsort(-counts, kind="stable")]
    found = {
        "accuracy": (decided == labels).mean(),
        "mean_recall": recall.mean(),
        "many": recall[:MANY].mean(),
        "medium": recall[MANY:-FEW].mean(),
        "few": recall[-FEW:].mean(),
        "ece": calibration_error(decided == labels, probabilities.max(1)),
    }
    return {f"{prefix}{name}": round(float(value), 5) for name, value in found.items()}


def recalls(decided: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Recall of each class, float64 [C]."""
    hits = np.bincount(labels[decided == labels], minlength=classes)
    result: np.ndarray = hits / np.bincount(labels, minlength=classes)
    return result


def gap_to(baseline: Path, folder: Path) -> dict[str, Any]:
    """The paired 95 % interval of this accuracy less that of cross entropy, on the same test rows; empty without that run."""
    from imbalkit.functional.paired import paired_share_interval

    if folder == baseline or not (baseline / "logits.npz").exists():
        return {"gap_low": "", "gap_high": ""}
    first, second = (np.load(path / "logits.npz") for path in (baseline, folder))
    hits = [kept["logits"].argmax(1) == kept["labels"] for kept in (first, second)]
    low, high = paired_share_interval(*hits)
    return {"gap_low": round(low, 5), "gap_high": round(high, 5)}
