import torch
from imbalkit_mine import Mine

from imbalkit.kinds import BuildContext
from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine)


def test_it_is_one_minus_the_probability_of_the_label():
    score = Mine().build(BuildContext(("a", "b"), (30, 10)))
    assert torch.allclose(score(torch.zeros(2, 2), torch.tensor([0, 1])), torch.tensor(0.5))
