"""The branch of a network that sees table columns."""

from __future__ import annotations

import numpy as np
import torch

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Linear
from imbalkit.kinds import BuildContext
from imbalkit.training.classifier import build_model
from imbalkit.training.column_branch import ColumnBranch, ColumnInputs
from imbalkit_lite.columns import CategoryColumn, ColumnEncoding, NumberColumn

ENCODING = ColumnEncoding((NumberColumn("age", 50.0, 8.0), CategoryColumn("sex", ("female", "male"))))
ROWS = torch.from_numpy(ENCODING.encode([{"age": 58, "sex": "male"}] * 4000))
CONTEXT = BuildContext(("a", "b"), (1, 1), image_size=(8, 8), seed=3)


def test_whole_columns_are_dropped_in_their_share():
    branch = ColumnBranch(ENCODING, 8, 0.25)
    seen = []
    branch.layers = torch.nn.Sequential(torch.nn.Identity())
    branch.layers.register_forward_hook(lambda module, inputs, output: seen.append(output))
    torch.manual_seed(0)
    branch.train()(ROWS)
    dropped = seen[0]
    ages, sexes = dropped[:, 1] == 1, dropped[:, 5] == 1
    assert (dropped[ages, 0] == 0).all()
    assert (dropped[~ages, 0] == 1).all()
    assert (dropped[sexes, 2:5] == 0).all()
    assert (dropped[~sexes, 3] == 1).all()
    for share in (ages.float().mean(), sexes.float().mean(), 4 * (ages & sexes).float().mean()):  # independently
        assert abs(share - 0.25) < 0.03
    branch.eval()(ROWS)
    torch.testing.assert_close(seen[1], ROWS, rtol=0, atol=0)


def test_what_training_never_met_begins_as_nothing():
    branch = ColumnBranch(ENCODING, 8, 0.0)
    other, none = (torch.from_numpy(ENCODING.encode([{"sex": sex}])) for sex in ("diverse", None))
    torch.testing.assert_close(branch(other), branch(none), rtol=0, atol=0)
    assert not torch.equal(branch(none), branch(ROWS[:1]))


def test_the_rest_of_the_network_begins_as_without_columns():
    plain = build_model(SmallCNN(width=4), Linear(), CONTEXT)
    fused = build_model(SmallCNN(width=4), Linear(), CONTEXT, ColumnInputs(ENCODING, 8, 0.1))
    assert fused.width == plain.width + 8
    for name, value in plain.body.state_dict().items():
        torch.testing.assert_close(fused.body.state_dict()[name], value, rtol=0, atol=0)
    assert not any(name.startswith("columns") for name in plain.state_dict())


def test_features_are_those_of_image_and_columns_side_by_side():
    model = build_model(SmallCNN(width=4), Linear(), CONTEXT, ColumnInputs(ENCODING, 8, 0.1)).eval()
    images = torch.rand(3, 3, 8, 8)
    logits, features = model(images, ROWS[:3], with_features=True)
    own = model.features(images, ROWS[:3]).detach().numpy()
    np.testing.assert_array_equal(features.detach().numpy(), own)
    np.testing.assert_array_equal(own[:, :-8], model.body((images - model.mean) / model.std).detach().numpy())
    np.testing.assert_array_equal(own[:, -8:], model.columns(ROWS[:3]).detach().numpy())
    exact = (
        own.astype(np.float64) @ model.head.weight.detach().double().numpy().T
        + model.head.bias.detach().double().numpy()
    )
    np.testing.assert_allclose(logits.detach().numpy(), exact, rtol=1e-5, atol=1e-6)


def test_a_frozen_body_leaves_the_branch_to_learn_unless_it_is_frozen_too():
    model = build_model(SmallCNN(width=4), Linear(), CONTEXT, ColumnInputs(ENCODING, 8, 0.1)).train()
    model.freeze_body(True)
    assert model.columns.training
    model(torch.rand(3, 3, 8, 8), ROWS[:3]).sum().backward()
    assert all(value.grad is None for value in model.body.parameters())
    assert all(value.grad is not None for value in model.columns.parameters())
    model.columns.requires_grad_(False)
    model.freeze_body(True)
    assert not model.columns.training  # so that its features are the same at every pass
