"""What decisions are worth to whoever acts on them: predictive values, net benefit, expected cost.

Rates may be arrays of any shape that broadcast; a value that is not defined is NaN.
"""

from __future__ import annotations

import numpy as np

from imbalkit.functional.metrics import ratio


def predictive_values(
    sensitivity: np.ndarray | float, specificity: np.ndarray | float, prevalence: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Share of rows predicted positive that are (PPV), and of rows predicted negative that are (NPV), by Bayes' theorem.

    Args:
        sensitivity: share of positive rows predicted positive
        specificity: share of other rows not predicted positive
        prevalence: share of positive rows, where the values are to hold
    """
    hits, misses = sensitivity * prevalence, (1 - np.asarray(sensitivity)) * prevalence
    passes, alarms = specificity * (1 - prevalence), (1 - np.asarray(specificity)) * (1 - prevalence)
    return ratio(hits, hits + alarms), ratio(passes, passes + misses)


def net_benefit(
    true_positive_share: np.ndarray, false_positive_share: np.ndarray, threshold: np.ndarray | float
) -> np.ndarray:
    """True positives less false positives, a row, the latter weighed by the odds of the threshold (Vickers and Elkin 2006).

    Args:
        true_positive_share, false_positive_share: of all rows
        threshold: probability from which one would act: false alarms cost threshold / (1 - threshold) of a hit's gain
    """
    result: np.ndarray = true_positive_share - false_positive_share * (threshold / (1 - np.asarray(threshold)))
    return result


def expected_cost(miss_rate: np.ndarray, false_alarm_rate: np.ndarray, probability_cost: np.ndarray) -> np.ndarray:
    """Normalised expected cost, 0..1, of an operating point: a line of a cost curve (Drummond and Holte 2006).

    Args:
        miss_rate, false_alarm_rate: of the operating point
        probability_cost: p(+) C(-|+) / (p(+) C(-|+) + p(-) C(+|-)): the prevalence, where both errors cost alike
    """
    result: np.ndarray = miss_rate * probability_cost + false_alarm_rate * (1 - np.asarray(probability_cost))
    return result
