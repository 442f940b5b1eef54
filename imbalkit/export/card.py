"""What an exported file says of itself, from the run that it comes from."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timezone
from importlib import metadata

import numpy as np

from imbalkit.decision.decision import Decision
from imbalkit.functional.abstain import uncertainty_band
from imbalkit.functional.views import VIEWS
from imbalkit.kinds import Exporter
from imbalkit.runs import folder as run_folder
from imbalkit.runs.ensemble import RestoredEnsemble
from imbalkit.runs.restored import Restored
from imbalkit.runs.results import RunData
from imbalkit.training.classifier import Classifier
from imbalkit_lite.card import Abstain, Card, Input, Normalisation, Origin, Probabilities


def card_of(restored: Restored, exporter: Exporter) -> Card:
    """The card of a file that an exporter writes."""
    decision, recipe = restored.decision, restored.recipe
    model_card = getattr(recipe, "card", None)
    return Card(
        name=restored.name,
        description=recipe.description,
        classes=restored.classes,
        positive=None if restored.positive is None else restored.classes[restored.positive],
        threshold=decision.threshold if decision.costs is None and restored.positive is not None else None,
        costs=decision.costs,
        abstain=_abstain(decision),
        input=input_of(restored, exporter),
        resize=restored.rule.resize,
        interpolation=restored.rule.interpolation,
        exif=restored.rule.exif,
        bits=restored.rule.bits,
        normalisation=_normalisation(restored),
        probabilities=Probabilities(
            _prior(restored) + _order(decision) + _views(restored, exporter), decision.calibrator
        ),
        quantization=exporter.quantize,
        columns=restored.encoding,
        card={} if model_card is None else model_card.model_dump(mode="json", exclude_none=True),
        run=Origin(
            recipe_hash=RunData(restored.folder).facts["recipe_hash"],
            weights_sha256=_sha256(restored),
            imbalkit=metadata.version("imbalkit"),
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        ),
    )


def _normalisation(restored: Restored) -> Normalisation | None:
    """What the network does to its input; None for an ensemble whose members do not all do the same."""
    if isinstance(restored, RestoredEnsemble):
        first, *others = (_normalisation(member) for member in restored.members)
        return first if all(other == first for other in others) else None
    model = restored.model
    assert isinstance(model, Classifier)
    if not restored.context.channels:
        return None
    mean, std = (
        tuple(map(float, np.broadcast_to(buffer.flatten().tolist(), (restored.context.channels,))))
        for buffer in (model.mean, model.std)
    )
    return Normalisation(mean, std)


def input_of(restored: Restored, exporter: Exporter) -> Input | None:
    """The images that a file takes; None for a network on rows of a table."""
    if not restored.context.channels:
        return None
    height, width = restored.context.image_size
    limits = (0, 1) if exporter.input == "float32" else (0, 255)
    return Input(height, width, restored.context.channels, exporter.layout, exporter.input, limits)


def _prior(restored: Restored) -> str:
    """The class prior that the probabilities are for, in words."""
    stated = restored.recipe.decision.prior
    if isinstance(stated, dict):
        return "stated: " + ", ".join(f"{name} {share:g}" for name, share in stated.items())
    words = {
        "as_trained": "as trained",
        "data": "of the data",
        "balanced": "balanced: every class as frequent as any other",
    }
    return words[restored.decision.prior]


def _order(decision: Decision) -> str:
    """The order of the corrections in words, where there are several: which comes first makes a difference."""
    steps = [f"{step.stage} ({step.name})" for step in decision.corrections]
    return f"; steps on the logits: {', '.join(steps)}" if len(steps) > 1 else ""


def _views(restored: Restored, exporter: Exporter) -> str:
    """Which views are averaged, in words; nothing for a run that averages none."""
    views = restored.views
    if views == "none":
        return ""
    over = f"{len(VIEWS[views])} views" if views in VIEWS else "views, by member"
    if exporter.views:
        return f"; mean over {over} of the picture ({views})"
    return f"; of the plain picture, though fitted for the mean over {over} ({views})"


def _abstain(decision: Decision) -> Abstain | None:
    rule = decision.abstention
    if rule is None:
        return None
    if rule.band is not None:
        return Abstain(band=rule.band)
    return _of_limit(rule.limit, decision)


def _of_limit(limit: float | None, decision: Decision) -> Abstain | None:
    """A largest uncertainty (imbalkit.functional.abstain) as a card states it; None where it leaves no row undecided."""
    if limit is None or not math.isfinite(limit):
        return None
    if decision.costs is not None:
        return Abstain(expected_cost=limit)
    if decision.threshold is None or decision.positive is None:
        return Abstain(least_confidence=1 - limit) if limit < 1 else None
    low, high = uncertainty_band(limit, decision.threshold)
    return Abstain(band=(low, high)) if low < high else None


def _sha256(restored: Restored) -> str:
    """Of the file of weights; of an ensemble, of its members' such hashes as text, one after another."""
    if isinstance(restored, RestoredEnsemble):
        return hashlib.sha256("".join(map(_sha256, restored.members)).encode()).hexdigest()
    return hashlib.sha256((restored.folder / run_folder.WEIGHTS).read_bytes()).hexdigest()
