import torch
from imbalkit_mine import Mine

from imbalkit.kinds import BuildContext
from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, deviation=0.1)


def test_the_noise_is_as_strong_as_asked_for():
    torch.manual_seed(0)
    noise = Mine(deviation=0.1).build(BuildContext(("a", "b"), (30, 10)))(torch.full((4, 3, 64, 64), 0.5)) - 0.5
    assert abs(noise.std() - 0.1) < 0.002
    assert abs(noise.mean()) < 0.002
