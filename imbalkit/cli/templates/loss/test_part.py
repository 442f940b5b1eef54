import pytest
import torch
from imbalkit_mine import Mine

from imbalkit.kinds import BuildContext
from imbalkit.testing import check_part


@pytest.mark.parametrize("epsilon", [-1.0, 0.0, 2.0])
def test_it_keeps_the_rules_of_its_kind(epsilon):
    check_part(Mine, epsilon=epsilon)


def test_the_added_term_is_epsilon_times_what_is_missing_to_one():
    context = BuildContext(("a", "b"), (30, 10))
    logits, targets = torch.tensor([[2.0, -1.0], [0.5, 0.5]]), torch.tensor([0, 1])
    plain = Mine(epsilon=0).build(context)(logits, targets)
    p = logits.softmax(dim=1)[[0, 1], targets]
    assert torch.allclose(plain, -p.log())
    assert torch.allclose(Mine(epsilon=2).build(context)(logits, targets), plain + 2 * (1 - p))
