"""What a module of a part returns in the wrong shape is refused, by the name of the part: it would broadcast."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from imbalkit.catalogue import default_catalogue
from imbalkit.errors import ImbalkitError, PluginError
from imbalkit.kinds import Augmentation, BuildContext, Loss, Mixer, Score
from imbalkit.training.checked_modules import build_augmentation, build_loss, build_mixer, build_score

CONTEXT = BuildContext(("a", "b", "c"), (3, 3, 2))
LOGITS, LABELS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 3
IMAGES = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(1))


class Calls(nn.Module):
    """A module that is a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *given):
        return self.function(*given)


def part(base, function):
    """A part of a kind whose module is a function."""
    return type("Own", (base,), {"name": "own", "__module__": __name__, "build": lambda self, _: Calls(function)})()


def losses_of_classes(logits, labels):
    return -logits.log_softmax(1)


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (losses_of_classes, r"\[6, 3\]"),  # [n, C]: each class would count once for each row
        (lambda logits, labels: logits[1:, 0], r"\[5\]"),
        (lambda logits, labels: logits[:, :1], r"\[6, 1\]"),
        (lambda logits, labels: 1.0, "float"),
    ],
)
def test_a_loss_of_the_wrong_shape(function, got):
    loss = build_loss(part(Loss, function), CONTEXT)
    with pytest.raises(
        PluginError, match=rf"^the loss 'own' \(.*test_checked_modules\).*\[6\], or a scalar, got {got}$"
    ):
        loss(LOGITS, LABELS)


@pytest.mark.parametrize("function", [lambda logits, labels: logits[:, 0], lambda logits, labels: logits.mean()])
def test_a_loss_of_rows_and_a_mean_pass(function):
    assert torch.equal(build_loss(part(Loss, function), CONTEXT)(LOGITS, LABELS), function(LOGITS, LABELS))


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda images, *_: (images, torch.ones(6, 1)), r"\[6, 3, 8, 8\], \[6, 1\]"),
        (lambda images, *_: (images[:, :1], torch.ones(6)), r"\[6, 1, 8, 8\], \[6\]"),
        (lambda images, *_: (images, 0.5), r"\[6, 3, 8, 8\], float"),
        (lambda images, *_: images, r"\[6, 3, 8, 8\]"),
    ],
)
def test_a_mixer_of_the_wrong_shape(function, got):
    mixer = build_mixer(part(Mixer, function), CONTEXT)
    with pytest.raises(PluginError, match=rf"the mixer 'own' .*a share for each row \[6\], got {got}$"):
        mixer(IMAGES, LABELS, IMAGES, LABELS, None)


def test_an_augmentation_of_the_wrong_shape():
    augment = build_augmentation(part(Augmentation, lambda images: images[..., :4]), CONTEXT)
    with pytest.raises(PluginError, match=r"the augmentation 'own' .*images \[6, 3, 8, 8\], got \[6, 3, 8, 4\]"):
        augment(IMAGES)


@pytest.mark.parametrize("function", [lambda logits, labels: logits.mean(), lambda logits, labels: logits])
def test_a_score_of_the_wrong_shape(function):
    made = type("Own", (Score,), {"name": "own", "build": lambda self, _: function})()
    with pytest.raises(PluginError, match=r"the score 'own' .*a number for each row, \[6\], got"):
        build_score(made, CONTEXT)(LOGITS, LABELS)


class Centres(nn.Module):
    """A loss with parameters: nothing trains them."""

    def __init__(self):
        super().__init__()
        self.centres = nn.Parameter(torch.zeros(3))

    def forward(self, logits, labels):
        return (logits - self.centres).square().mean(1)


def test_parameters_that_nothing_trains():
    made = type("Own", (Loss,), {"name": "own", "build": lambda self, _: Centres()})()
    with pytest.raises(
        PluginError, match=r"the loss 'own' .*has parameters \(centres\), which the optimiser does not train"
    ):
        build_loss(made, CONTEXT)
    fixed = type("Own", (Loss,), {"name": "own", "build": lambda self, _: Centres().requires_grad_(False)})()
    assert build_loss(fixed, CONTEXT)(LOGITS, LABELS).shape == (6,)


def test_a_function_for_a_module():
    made = type("Own", (Loss,), {"name": "own", "build": lambda self, _: losses_of_classes})()
    with pytest.raises(PluginError, match="`build` of the loss 'own' .*must return a torch.nn.Module, got function"):
        build_loss(made, CONTEXT)


@pytest.mark.parametrize(
    ("kind", "build"), [("loss", build_loss), ("mixer", build_mixer), ("augmentation", build_augmentation)]
)
def test_every_registered_part_is_built(kind, build):
    built = 0
    catalogue = default_catalogue()
    for name in catalogue.names(kind):
        try:
            build(catalogue.get(kind, name)(), CONTEXT)
        except (ImbalkitError, ValueError) as error:  # of two classes only, of required parameters
            assert not isinstance(error, PluginError), name
        else:
            built += 1
    assert built >= 2
