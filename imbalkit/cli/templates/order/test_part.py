import pytest
from imbalkit_mine import Mine

from imbalkit.testing import check_part


@pytest.mark.parametrize("floor", [0.0, 0.05, 1.0])
def test_it_keeps_the_rules_of_its_kind(floor):
    check_part(Mine, floor=floor)


def test_a_rare_class_is_raised_to_the_floor():
    factors = Mine(floor=0.1).prior_shift((99, 1)).factors
    assert factors[1] / factors[0] == pytest.approx(0.1 / 0.01)
