import torch
from imbalkit_mine import Mine

from imbalkit.kinds import BuildContext
from imbalkit.testing import Setting, check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, width=4)
    check_part(Mine(), setting=Setting(image_size=(8, 8), channels=1))


def test_its_features():
    network = Mine(width=5).build(BuildContext(("a", "b"), (30, 10), channels=1))
    assert network(torch.zeros(3, 1, 8, 8)).shape == (3, network.num_features)
    assert network.num_features == 5
