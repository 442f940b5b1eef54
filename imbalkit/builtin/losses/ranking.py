"""What the losses that rank a batch have in common."""

from __future__ import annotations

from imbalkit.kinds import BuildContext, Loss, Order, PriorShift


class RankingLoss(Loss):
    """Ranks the rows of a class above the rest of the batch; a batch without one of both has a loss of 0."""

    by_row = False  # a row's loss is that of its pairs

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return PriorShift(None, False, "ranks rows and does not learn how likely a class is: calibrate, with `vector`")

    def notes(
        self, classes: tuple[str, ...], rows: tuple[float, ...], positive: int | None, order: Order | None = None
    ) -> list[str]:
        """A note for each class that the batches seldom hold, or seldom anything but."""
        total, spread = sum(rows), order is not None and order.spreads_classes
        ways = "take a larger training.batch_size"
        if order is None or order.name != "balanced":
            ways = f"see order balanced, or {ways}"
        result = []
        for label in range(len(classes)) if positive is None else [positive]:
            few, what = min(
                (rows[label], f"rows of {classes[label]}"), (total - rows[label], f"rows but {classes[label]}")
            )
            if few < 1:
                # Of draws at random; a class that is spread evenly is still in no more batches than it has rows.
                none = f"at least {1 - few:.0%}" if spread else f"{(1 - few / total) ** total:.0%}"
                result.append(
                    f"loss {self.name}: of batches of {total:.0f} rows, {none} hold no {what}, and it learns nothing from them: "
                    f"{ways}"
                )
        return result
