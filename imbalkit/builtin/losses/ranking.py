"""What the losses that rank a batch have in common."""

from __future__ import annotations

from imbalkit.kinds import BuildContext, Loss, PriorShift


class RankingLoss(Loss):
    """Ranks the rows of a class above the rest of the batch; a batch without one of both has a loss of 0."""

    by_row = False  # a row's loss is that of its pairs

    def prior_shift(self, context: BuildContext) -> PriorShift:
        return PriorShift(None, False, "ranks rows and does not learn how likely a class is: calibrate, with `vector`")

    def notes(self, classes: tuple[str, ...], rows: tuple[float, ...], positive: int | None) -> list[str]:
        """A note for each class that the batches seldom hold, or seldom anything but."""
        total = sum(rows)
        result = []
        for label in range(len(classes)) if positive is None else [positive]:
            few, what = min(
                (rows[label], f"rows of {classes[label]}"), (total - rows[label], f"rows but {classes[label]}")
            )
            if few < 1:
                none = (1 - few / total) ** total
                result.append(
                    f"loss {self.name}: of batches of {total:.0f} rows, {none:.0%} hold no {what}, and it learns nothing "
                    "from them: see order balanced, or take a larger training.batch_size"
                )
        return result
