"""A metric. Every run reports it once the plugin is installed; `metrics:` in a recipe chooses."""

from __future__ import annotations

from imbalkit.kinds import Metric, Predictions


class Mine(Metric):
    """Cohen's kappa: agreement of predicted and true classes beyond what chance would give (Cohen 1960)."""

    name = "mine"
    bounds = (-1.0, 1.0)

    def compute(self, predictions: Predictions) -> float:
        """NaN where it is not defined: rows and predictions of one class alone."""
        import numpy as np

        classes = len(predictions.classes)
        true = np.bincount(predictions.labels, minlength=classes) / len(predictions.labels)
        predicted = np.bincount(predictions.decisions, minlength=classes) / len(predictions.labels)
        by_chance = float(true @ predicted)
        agreement = float((predictions.labels == predictions.decisions).mean())
        return (agreement - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")
