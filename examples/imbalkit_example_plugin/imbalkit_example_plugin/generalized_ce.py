from imbalkit.kinds import Loss, PriorShift, param


class GeneralizedCE(Loss):
    """(1 - p^q) / q, p of the row's class: wrong labels pull less than by cross entropy (Zhang and Sabuncu 2018, eq. 6)."""

    name = "generalized_ce"
    q: float = param(0.7, help="0 is cross entropy, near 1 the mean absolute error", ge=0, lt=1)

    def prior_shift(self, context):
        factors = (1.0,) * len(context.classes)
        if self.q == 0:
            return PriorShift(factors, exact=True, why="q 0 is cross entropy")
        # Least where p is in proportion to t^(1 / (1 - q)), t the true probability: logits times 1 - q are right.
        values = {"name": "scale", "scale": 1 - self.q}
        return PriorShift(
            factors, exact=True, why="is least at probabilities that are too sure by a known power", map=values
        )

    def build(self, context):
        import torch

        class Module(torch.nn.Module):
            def __init__(self, q):
                super().__init__()
                self.q = q

            def forward(self, logits, targets):
                ce = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
                return (1 - torch.exp(-self.q * ce)) / self.q if self.q else ce

        return Module(self.q)
