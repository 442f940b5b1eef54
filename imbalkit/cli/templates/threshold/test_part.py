import numpy as np
import pytest
from imbalkit_mine import Mine

from imbalkit.kinds import DataError, ThresholdRows
from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine)


def test_as_many_are_predicted_positive_as_are():
    random = np.random.default_rng(0)
    positives, probabilities = random.random(500) < 0.1, random.random(500)
    threshold = Mine().choose(ThresholdRows(positives, probabilities))
    assert (probabilities >= threshold).sum() == positives.sum()
    with pytest.raises(DataError, match="both classes"):
        Mine().choose(ThresholdRows(np.ones(3, dtype=bool), np.ones(3)))
