from imbalkit.kinds import Loss, PriorShift, param


class LogitAdjusted(Loss):
    """Cross entropy of logits + tau log(class share): rare classes need a wider margin (Menon et al. 2021, eq. 10)."""

    name = "logit_adjusted"
    tau: float = param(1.0, help="strength of the shift; 0 is plain cross entropy", ge=0)

    def prior_shift(self, context):
        total = sum(context.counts)
        factors = tuple((max(rows, 1) / total) ** -self.tau for rows in context.counts)
        return PriorShift(factors, exact=True, why="moves each class's logit by a constant while it learns")

    def build(self, context):
        import torch

        class Module(torch.nn.Module):
            def forward(self, logits, targets):
                return torch.nn.functional.cross_entropy(logits + self.shift, targets, reduction="none")

        module, counts = Module(), torch.tensor(context.counts).clamp(min=1)
        module.register_buffer("shift", self.tau * torch.log(counts / counts.sum()))
        return module
