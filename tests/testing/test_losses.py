"""The rules of losses and scores catch what they say, one broken part each."""

from __future__ import annotations

import pytest
import torch

from imbalkit.errors import ImbalkitError
from imbalkit.kinds import PriorShift
from imbalkit.testing import Setting, check_part
from tests.testing.parts import AnyScore, CrossEntropy, broken, check


def loss(function, **members):
    """A `build` of a module whose forward is `function(self, logits, targets)`."""
    module = type("Module", (torch.nn.Module,), {"forward": function, **members})
    return lambda self, context: module()


def _ce(logits, targets):
    return torch.nn.functional.cross_entropy(logits, targets, reduction="none")


def _counting(only_training: bool):
    def forward(self, logits, targets):
        if self.training or not only_training:
            self.seen += 1
        return _ce(logits, targets) * self.seen

    def start(self):
        torch.nn.Module.__init__(self)
        self.register_buffer("seen", torch.zeros(()))

    return {"function": forward, "__init__": start}


def _hidden_state(self, logits, targets):
    self.seen = getattr(self, "seen", 0) + self.training
    return _ce(logits, targets) * (1 + self.seen)


def _in_order(self, logits, targets):
    return _ce(logits, targets) * torch.arange(1, len(targets) + 1)


def _changes(self, logits, targets):
    value = _ce(logits.detach().clone().requires_grad_(), targets) + logits.sum()
    logits.data.zero_()
    return value


def _mean_of_class_means(self, logits, targets):
    values = _ce(logits, targets)
    return torch.stack([values[targets == label].mean() for label in range(logits.shape[1])]).mean()


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(CrossEntropy, "must return a torch.nn.Module, got function", build=lambda self, context: _ce),
        broken(
            CrossEntropy, "a loss a row .12. or a scalar, got .12, 1.", build=loss(lambda s, x, y: _ce(x, y)[:, None])
        ),
        broken(CrossEntropy, "no gradient flows", build=loss(lambda s, x, y: _ce(x.detach(), y))),
        broken(CrossEntropy, "the loss is not finite", build=loss(_mean_of_class_means)),
        broken(
            CrossEntropy, "all wrong: the loss is not finite", build=loss(lambda s, x, y: _ce(x, y) / (_ce(x, y) < 20))
        ),
        broken(CrossEntropy, "the gradient is 0 everywhere", build=loss(lambda s, x, y: _ce(x, y) * 0)),
        broken(CrossEntropy, "changed the logits", build=loss(_changes)),
        broken(CrossEntropy, "'seen' changes in eval mode", build=loss(**_counting(only_training=False))),
        broken(CrossEntropy, "loaded into a new module gives another loss", build=loss(_hidden_state)),
        broken(CrossEntropy, "in another order the rows have other losses", build=loss(_in_order)),
        broken(
            CrossEntropy,
            "`statistics` of two halves do not add up",
            build=loss(lambda s, x, y, statistics=None: _ce(x, y), statistics=lambda s, x, y: x.mean(0)),
        ),
        broken(
            CrossEntropy,
            r"class_weights\(\) must be \[2\], got \[1\]",
            build=loss(lambda s, x, y: _ce(x, y), class_weights=lambda s: torch.ones(1)),
        ),
        broken(CrossEntropy, "must return a list of sentences, got None", notes=lambda self, *_, **__: None),
        broken(
            CrossEntropy,
            "missing 1 required positional argument",
            build=loss(lambda s, x, y: _ce(x, y), epoch_started=lambda s, epoch, epochs: None),
        ),
        broken(
            CrossEntropy,
            "one row: no gradient",
            build=loss(lambda s, x, y: _ce(x, y) if (x.argmax(1) != y).any() else x.new_zeros(())),
        ),
        broken(
            CrossEntropy,
            "is another loss in epoch 0 than in epoch 9.*say from which one on with `first_epoch`",
            prior_shift=lambda self, context: PriorShift((1.0,) * len(context.classes), True, "weighs each row alike"),
            build=loss(
                lambda s, x, y: _ce(x, y) * (1 + getattr(s, "epoch", 0)),
                epoch_started=lambda s, epoch: setattr(s, "epoch", epoch),
            ),
        ),
        broken(
            CrossEntropy,
            r"first_epoch\(10\) must be 0 to 9, got 10",
            first_epoch=lambda self, epochs: epochs,
            build=loss(lambda s, x, y: _ce(x, y), epoch_started=lambda s, epoch: None),
        ),
        broken(CrossEntropy, "must return a PriorShift, got tuple", prior_shift=lambda self, context: (1, 1)),
        broken(CrossEntropy, "a factor for each of 2 classes", prior_shift=lambda s, c: PriorShift((1.0,), True, "x")),
        broken(CrossEntropy, "says exact, without factors", prior_shift=lambda s, c: PriorShift(None, True, "x")),
        broken(CrossEntropy, "prior_shift must say why", prior_shift=lambda s, c: PriorShift(None, False, "")),
        broken(
            CrossEntropy,
            "the loss is not least where they lead",
            prior_shift=lambda s, c: PriorShift(tuple(range(1, len(c.classes) + 1)), True, "x"),
        ),
        broken(AnyScore, "a score a row .12., got .12, 2.", build=lambda self, context: lambda x, y: x),
        broken(
            AnyScore,
            "depends on the rows beside it",
            build=lambda self, context: lambda x, y: _ce(x, y) - _ce(x, y).mean(),
        ),
        broken(
            AnyScore, "scores are not finite", build=lambda self, context: lambda x, y: _ce(x, y) / (_ce(x, y) < 20)
        ),
    ],
)
def test_losses_and_scores(part, message):
    check(part, message)


def test_state_in_buffers_is_right():
    class Counting(CrossEntropy):
        """Counts batches in a buffer, in training only."""

        def build(self, context):
            return loss(**_counting(only_training=True))(self, context)

    check_part(Counting)


def test_a_loss_may_refuse_more_classes_than_it_is_for():
    class Binary(CrossEntropy):
        """For two classes."""

        def build(self, context):
            if len(context.classes) != 2:
                raise ImbalkitError("binary is for two classes")
            return super().build(context)

    check_part(Binary)
    with pytest.raises(AssertionError, match="refuses the checks' classes"):
        check_part(Binary, setting=Setting(classes=("a", "b", "c"), counts=(5, 4, 3)))
