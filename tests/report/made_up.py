"""Finished runs without training: a run folder made from labels and probabilities, of any size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from imbalkit.builtin import register_metrics
from imbalkit.decision.decision import Decision
from imbalkit.decision.summary import calibration_facts
from imbalkit.evaluation.evaluate import evaluate
from imbalkit.evaluation.intervals import interval_facts, units
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.kinds import Predictions


def run_of(
    folder: Path,
    labels: np.ndarray,
    logits: np.ndarray,
    classes: tuple[str, ...] = ("other", "melanoma"),
    positive: int | None = 1,
    threshold: float | None = 0.3,
    groups: np.ndarray | None = None,
    validation: int = 60,
    card: dict | None = None,
    **metrics,
) -> Path:
    """A run folder whose test rows are these; its validation rows are the first of them again."""
    folder.mkdir(parents=True, exist_ok=True)
    decision = Decision(threshold, rule="youden", positive=positive, rows=(1,) * len(classes))
    frames = []
    for side, rows in (("validation", slice(0, validation)), ("test", slice(None))):
        probabilities, decided = decision.probabilities(logits[rows]), decision.decide(logits[rows])
        frame = pd.DataFrame({"source": np.arange(len(labels))[rows], "split": side})
        names = np.array(classes, dtype=object)
        frame["label"], frame["decision"] = names[labels[rows]], names[decided]
        if groups is not None:
            frame["group"] = groups[rows]
        for code, name in enumerate(classes):
            frame[f"probability_{name}"] = probabilities[:, code]
        frames.append(frame)
    frame = pd.concat(frames, ignore_index=True)
    frame.to_parquet(folder / "predictions.parquet")
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    seen = Predictions(
        labels, decision.probabilities(logits), decision.decide(logits), classes, positive, tuple(counts)
    )
    parts = [part() for part in register_metrics() if not any(f.is_required() for f in part.model_fields.values())]
    codes = None
    if groups is not None:
        codes, known = pd.factorize(groups)
        codes = np.where(codes < 0, len(known) + np.arange(len(codes)), codes)
    unit, number = units(len(labels), codes)
    settings = EvaluationSettings(resamples=100)
    facts = {
        "test": evaluate(seen, parts),
        "validation": None,
        "intervals": {
            "level": 0.95,
            "resamples": 100,
            "unit": unit,
            "units": number,
            "test": interval_facts(seen, parts, codes, settings),
        },
        "calibration": {"validation": [], "test": calibration_facts(decision, logits, labels, classes)},
        "decision": decision.to_json(),
        "class_counts": [{"stage": "train", "counts": counts}],
        "bad_images": [],
        "notes": [],
        **metrics,
    }
    recipe = {
        "description": "Made up.",
        "data": {"name": "table", "file": "labels.csv", "group_column": None if groups is None else "patient"},
        "images": {"size": 32, "resize": "stretch", "interpolation": "bilinear"},
        "split": {"seed": 0},
        "samplers": [],
        "backbone": {"name": "small_cnn"},
        "head": {"dropout": 0.2},
        "loss": {"name": "ce"},
        "training": {
            "epochs": 2,
            "batch_size": 8,
            "optimizer": {"name": "adamw", "lr": 0.001},
            "schedule": {"name": "one_cycle"},
            "precision": "fp32",
            "monitor": "roc_auc",
        },
        "decision": {"threshold": {"name": "youden"}},
        "card": card or {},
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False))
    run = {
        "name": "made-up",
        "recipe_hash": "0" * 12,
        "classes": list(classes),
        "positive": None if positive is None else classes[positive],
        "seed": 0,
        "split_seed": 0,
        "started": "2026-11-23T08:00:00+00:00",
        "command": "imbalkit run made-up.yaml",
        "directory": str(folder),
        "versions": {"imbalkit": "0.1.0", "python": "3.11"},
        "plugins": {},
        "machine": {"system": "Linux"},
        "image_shape": [32, 32, 3],
        "data_notes": [],
    }
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "metrics.json").write_text(json.dumps(facts))
    log = [
        {
            "stage": stage,
            "epoch": epoch,
            "loss": 1 / epoch,
            "train_recall": dict.fromkeys(classes, 0.5 + epoch / 10),
            "validation": {"recall": dict.fromkeys(classes, 0.5)},
            "seconds": 3.0,
        }
        for stage in ("loss_rank-0-round-1", "final")
        for epoch in (1, 2)
    ]
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, log)))
    plan = pd.DataFrame(
        {
            "key": [0],
            "source": [0],
            "added_by": ["source"],
            "parameters": [""],
            "label": ["other"],
            "view": ["as it is"],
        }
    )
    plan.assign(kept=True, dropped_by="", round=0, score=np.float32("nan")).to_parquet(folder / "plan.parquet")
    return folder


def scored(n: int, positives: int, seed: int = 0, distinct: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Labels int64 [n] and logits float64 [n, 2] of a fair model; with `distinct`, scores of so many values, so with ties."""
    random = np.random.default_rng(seed)
    labels = np.zeros(n, dtype=np.int64)
    labels[random.permutation(n)[:positives]] = 1
    score = random.normal(1.6 * labels - 1.5, 1.0)
    if distinct is not None:
        score = np.round(score * distinct / 8) * 8 / distinct
    return labels, np.stack([np.zeros(n), score], axis=1)
