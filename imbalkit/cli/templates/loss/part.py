"""A loss."""

from imbalkit.kinds import Loss, param


class Mine(Loss):
    """Cross entropy + epsilon (1 - p), p the probability of the row's class (Leng et al. 2022, PolyLoss)."""

    name = "mine"
    epsilon: float = param(1.0, help="weight of the added term", ge=-1)

    def build(self, context):
        import torch

        class Module(torch.nn.Module):
            def forward(module, logits, targets):
                ce = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
                return ce + self.epsilon * (1 - (-ce).exp())  # [n]: one loss a row

        return Module()
