import numpy as np
from imbalkit_mine import Mine

from imbalkit.kinds import Plan
from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, share=0.3)


def test_the_row_that_looks_least_like_its_class_goes():
    plan = Plan.from_labels([0, 0, 0, 0, 1], classes=["benign", "malignant"])
    features = np.array([[0.0, 1.0], [0.1, 1.0], [9.0, -3.0], [0.0, 0.9], [5.0, 5.0]])
    remaining = Mine(share=0.25).resample(plan, features, np.random.default_rng(0))
    assert remaining.source.tolist() == [0, 1, 3, 4]
