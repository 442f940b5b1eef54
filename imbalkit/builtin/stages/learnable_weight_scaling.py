"""One factor a class on the logits of a trained head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import TrainedStage, param

if TYPE_CHECKING:
    from torch import nn


class LearnableWeightScaling(TrainedStage):
    """LWS: f_c z_c, of which only f [C] learns, from 1 on (Kang et al. 2020, section 4.4).

    With `train_head: true` the head learns with it: the second stage of MiSLAS (Zhong et al. 2021, section 3.3), which moves
    batch norm (`batch_norm: moving`) and smooths the labels by class. The factors are multiplied into weights and bias
    afterwards. What it does to the class prior is not known exactly: probabilities are fitted on validation.
    """

    name = "learnable_weight_scaling"
    needs_linear_head = True
    train_head: bool = param(False, help="whether the head learns together with the factors")

    @property
    def learner(self) -> str:
        factors = "a factor for each class's logit"
        return f"the head and {factors}" if self.train_head else factors

    def head_to_train(self, head: nn.Module) -> nn.Module:
        from imbalkit.functional.weight_scaling import ScaledHead

        return ScaledHead(head, self.train_head)

    def head_trained(self, trained: nn.Module) -> nn.Module:
        from imbalkit.functional.weight_scaling import ScaledHead

        assert isinstance(trained, ScaledHead)
        return trained.folded()
