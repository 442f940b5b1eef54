import numpy as np
import pytest
import torch
from imbalkit_mine import Mine

from imbalkit.kinds import BuildContext
from imbalkit.testing import check_part


@pytest.mark.parametrize("least", [0.0, 0.5, 1.0])
def test_it_keeps_the_rules_of_its_kind(least):
    check_part(Mine, least=least)


def test_a_share_is_that_of_the_columns():
    mixer = Mine(least=0.25).build(BuildContext(("a", "b"), (30, 10)))
    labels = torch.tensor([0, 1])
    mixed, share = mixer(torch.ones(2, 3, 8, 8), labels, torch.zeros(2, 3, 8, 8), labels, np.random.default_rng(0))
    assert torch.equal(mixed.mean(dim=(1, 2, 3)), share)
