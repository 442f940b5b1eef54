import numpy as np
from imbalkit_mine import Mine

from imbalkit.kinds import Plan
from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, share=0.3, rounds=2, warm_start=True)


def test_the_easiest_rows_of_the_majority_go():
    plan = Plan.from_labels([0, 0, 0, 0, 1], classes=["benign", "malignant"])
    scores = np.array([0.1, 2.0, 0.3, 1.5, 0.0])
    remaining = Mine(share=0.5, warm_start=True).resample(plan, scores, np.random.default_rng(0))
    assert remaining.source.tolist() == [1, 3, 4]
