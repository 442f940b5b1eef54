import torch
from imbalkit_mine import Mine

from imbalkit.testing import check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine, epochs=3)


def test_the_bias_learns_and_the_weights_do_not():
    head = Mine().head_to_train(torch.nn.Linear(4, 2))
    assert [name for name, value in head.named_parameters() if value.requires_grad] == ["bias"]
