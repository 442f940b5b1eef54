import numpy as np
import pytest
from imbalkit_mine import Mine

from imbalkit.kinds import Counts, PlanError
from imbalkit.testing import check_part


@pytest.mark.parametrize("times", [1.0, 2.5, 100.0])
def test_it_keeps_the_rules_of_its_kind(times):
    check_part(Mine, times=times)


def test_the_largest_class_is_cut():
    assert Mine(times=4).preview(Counts.exact(("a", "b", "c"), (900, 30, 10))).low == (40, 30, 10)
    with pytest.raises(PlanError, match="class 'b' has no rows"):
        Mine().preview(Counts.exact(("a", "b"), (5, 0)))


def test_bare_labels_in_a_plain_loop():
    _, labels = Mine(times=2).fit_resample(np.arange(120), np.repeat([0, 1], [100, 20]))
    assert np.bincount(labels).tolist() == [40, 20]
