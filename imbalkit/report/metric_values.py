"""Values of metrics as the report shows them, and the name and meaning of each metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imbalkit.base.text import decimal, percent, share_number
from imbalkit_lite.text import printable


@dataclass(frozen=True)
class MetricValue:
    """A metric's value with its interval, as metrics.json has it.

    Attributes:
        name: of the metric
        value, low, high: None where not defined
        method: of the interval: "cluster bootstrap", "bootstrap", "DeLong", "Wilson", "MOVER"; empty without one
        key: of a value by class (or by other names), the name
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    key: str | None = None

    @property
    def is_share(self) -> bool:
        """Whether it reads best as percent."""
        return self.name in SHARES or (self.name == "predictive_values" and not str(self.key).startswith("number"))

    @property
    def shown(self) -> str:
        """The value alone."""
        if self.is_share:
            return percent(self.value)
        if self.name == "predictive_values":
            return decimal(self.value, 1)
        return decimal(self.value)

    @property
    def interval(self) -> str:
        """ "82.2 to 94.4 %", empty without one."""
        if self.value is None or self.low is None or self.high is None:
            return ""
        if self.is_share:
            return f"{share_number(self.low)} to {percent(self.high)}"
        digits = 1 if self.name == "predictive_values" else 3
        return f"{decimal(self.low, digits)} to {decimal(self.high, digits)}"

    @property
    def with_interval(self) -> str:
        """ "89.8 % (82.2 to 94.4 %)"."""
        return f"{self.shown} ({self.interval})" if self.interval else self.shown


def metric_values(metrics: Mapping[str, Any], split: str = "test") -> dict[str, MetricValue | dict[str, MetricValue]]:
    """Every value of an evaluation by metric, or by metric and name (of a class, mostly), with its interval."""
    limits = (metrics.get("intervals") or {}).get(split) or {}
    found: dict[str, MetricValue | dict[str, MetricValue]] = {}
    for name, value in (metrics.get(split) or {}).items():
        if name in ("n", "support", "confusion_matrix"):
            continue
        own = limits.get(name) or {}
        if isinstance(value, Mapping):
            found[name] = {
                printable(key): _value(name, item, own.get(key), printable(key)) for key, item in value.items()
            }
        elif isinstance(value, int | float | None):
            found[name] = _value(name, value, own)
    return found


def _value(name: str, value: Any, limits: Any, key: str | None = None) -> MetricValue:
    limits = limits if isinstance(limits, Mapping) else {}
    value = None if value is None else float(value)
    return MetricValue(name, value, limits.get("low"), limits.get("high"), limits.get("method", ""), key)


SHARES = {
    "accuracy",
    "balanced_accuracy",
    "recall",
    "precision",
    "miss_rate",
    "false_alarm_rate",
    "minority_recall",
    "worst_class_recall",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
    "g_mean",
}
# metric -> (name, meaning with {positive} and {other}); a third party's metric has its own name
MEANINGS = {
    "roc_auc": ("ROC AUC", "probability that a row of {positive} ranks above another row; 0.5 is random"),
    "pr_auc": (
        "average precision",
        "area under the precision-recall curve; random scores give the share of {positive}",
    ),
    "partial_auc": (
        "partial AUC",
        "ROC area above a minimum recall, as ISIC 2024 scores it; at most 1 minus that recall",
    ),
    "recall": ("recall", "share of the class's rows that are predicted as it"),
    "precision": ("precision", "share of the rows predicted as the class that are of it"),
    "miss_rate": ("miss rate (FNR)", "share of {positive} that is predicted as another class"),
    "false_alarm_rate": ("false alarm rate (FPR)", "share of {other} that is predicted as {positive}"),
    "accuracy": ("accuracy", "share of all rows predicted correctly; misleading where classes are imbalanced"),
    "balanced_accuracy": ("balanced accuracy", "mean recall of the classes: each counts the same, however rare"),
    "worst_class_recall": ("worst-class recall", "lowest recall of any class"),
    "minority_recall": ("recall of the rarest class", "recall of the class with the fewest training rows"),
    "g_mean": ("G-mean", "geometric mean of the recalls; 0 if a class is never predicted correctly"),
    "macro_f1": ("macro F1", "mean F1 score of the classes"),
    "mcc": ("Matthews correlation", "correlation of prediction and label; 1 is perfect, 0 is random"),
    "brier": ("Brier score", "mean squared error of the probabilities; smaller is better"),
    "log_loss": ("log loss", "mean negative log probability of the true class; smaller is better"),
    "ece": ("calibration error (ECE)", "mean gap between predicted probability and observed share; smaller is better"),
    "sensitivity_at_specificity": (
        "sensitivity at a fixed specificity",
        "recall at the threshold that gives this specificity",
    ),
    "specificity_at_sensitivity": (
        "specificity at a fixed sensitivity",
        "specificity at the threshold that gives this sensitivity",
    ),
    "predictive_values": ("predictive values", "PPV and NPV at a stated prevalence"),
    "net_benefit": (
        "net benefit",
        "true less false positives per row, these weighted by the odds of the threshold probability",
    ),
}


def metric_name(name: str) -> str:
    """The name of a metric."""
    return MEANINGS[name][0] if name in MEANINGS else name.replace("_", " ")


def metric_meaning(name: str, positive: str, other: str) -> str:
    """The meaning of a metric, in a few words; empty for a third party's."""
    return MEANINGS[name][1].format(positive=positive, other=other) if name in MEANINGS else ""
