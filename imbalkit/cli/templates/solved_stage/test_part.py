import numpy as np
from imbalkit_mine import Mine

from imbalkit.kinds import BuildContext, FeatureRows
from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, tau=0.5)


def test_rare_classes_gain():
    rows = FeatureRows(np.zeros((10, 2), dtype=np.float32), np.array([0] * 8 + [1] * 2))
    head = {"weight": np.ones((2, 2)), "bias": np.zeros(2)}
    bias = Mine().solve(rows, rows, head, BuildContext(classes=("benign", "malignant"), counts=(8, 2))).state["bias"]
    assert np.isclose(bias[1] - bias[0], np.log(4))
