import numpy as np
import torch
from imbalkit_mine import Mine

from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, most=2.0)


def test_the_powers_lie_between_one_half_and_two():
    powers = Mine(most=2.0).decide(np.array([[0.0], [0.5], [1.0]]))
    assert np.allclose(powers, [[0.5], [1.0], [2.0]])
    grey = torch.full((1, 1, 2, 2), 0.25)
    assert torch.allclose(Mine().apply(grey, torch.tensor([[0.5]])), torch.tensor(0.5))
