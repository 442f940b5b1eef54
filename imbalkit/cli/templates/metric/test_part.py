import numpy as np
from imbalkit_mine import Mine
from sklearn.metrics import cohen_kappa_score

from imbalkit.kinds import Predictions
from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine)


def test_it_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    labels, decisions = random.integers(0, 3, 50), random.integers(0, 3, 50)
    predictions = Predictions(labels, np.eye(3)[decisions], decisions, ("a", "b", "c"), None)
    assert np.isclose(Mine().compute(predictions), cohen_kappa_score(labels, decisions))
