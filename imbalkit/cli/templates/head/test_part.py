import pytest
import torch
from imbalkit_mine import Mine

from imbalkit.kinds import BuildContext
from imbalkit.testing import check_part


@pytest.mark.parametrize("hidden", [1, 64])
def test_it_keeps_the_rules_of_its_kind(hidden):
    check_part(Mine, hidden=hidden)


def test_its_layer_has_the_width_that_was_asked_for():
    head = Mine(hidden=5).build(BuildContext(("a", "b", "c"), (3, 2, 1)), 7)
    assert [list(weight.shape) for weight in head.parameters()] == [[5, 7], [5], [3, 5], [3]]
    assert head(torch.zeros(2, 7)).shape == (2, 3)
