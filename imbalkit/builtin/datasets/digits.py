"""scikit-learn's digits with a long tail of one's choice: real images, no download."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import field_validator

from imbalkit.kinds import DataError, Dataset, param

if TYPE_CHECKING:
    import numpy as np

    from imbalkit.kinds import Table


class Digits(Dataset):
    """1,797 handwritten digits, 8x8 grey (Alpaydin and Kaynak 1998), of which the training rows are thinned out.

    For each digit, `test` rows and `validation` rows are set aside; only what is left for training is thinned, so that
    recall of a rare class is measured on as many test rows at any imbalance, and the test rows depend on `seed` alone.
    The table gives its own split (as ImageNet-LT does with its balanced validation and test sets, Liu et al. 2019).
    """

    name = "digits"

    imbalance: float = param(50.0, help="largest / smallest class of the training rows", ge=1)
    minority: int | None = param(
        None,
        help="one digit to tell from the other nine, whose class is then 'rest': two classes, with the imbalance "
        "between them (default: ten classes, n_i = n_max imbalance^(-i/9) for the digits in `order`)",
        ge=0,
        le=9,
    )
    order: list[int] | None = param(None, help="the ten digits, most frequent first (default: 0 to 9)")
    test: int = param(50, help="test rows of each digit", unit="rows", ge=1)
    validation: int = param(
        20, help="validation rows of each digit; 0 leaves it to the recipe's split", unit="rows", ge=0
    )
    seed: int = param(0, help="decides which rows are test, validation and training rows")

    @field_validator("order")
    @classmethod
    def _each_once(cls, value: list[int] | None) -> list[int] | None:
        if value is not None and sorted(value) != list(range(10)):
            raise ValueError(f"expected the digits 0 to 9, each once; got {value}")
        return value

    def load(self) -> Table:
        """The rows that are used. Raises DataError where test and validation leave no training rows of a digit."""
        import numpy as np
        import pandas as pd

        from imbalkit.kinds import Table, generator

        images, target = _read_digits()
        held = self.test + self.validation
        smallest = int(np.bincount(target).min())
        if held >= smallest:
            raise DataError(
                f"digits has {smallest} rows of its rarest digit: test ({self.test}) + validation ({self.validation}) "
                f"must leave some of them for training, so take fewer than {smallest} together"
            )
        keep = self._training_rows(np.bincount(target) - held, smallest - held)
        rows, split = [], []
        for digit in range(10):
            mixed = generator(self.seed, "dataset", "digits", digit).permutation(np.flatnonzero(target == digit))
            rows.append(mixed[: held + keep[digit]])
            split += ["test"] * self.test + ["validation"] * self.validation + ["train"] * keep[digit]
        index = np.concatenate(rows)
        frame = pd.DataFrame({"label": target[index].astype(str), "split": split, "digits_row": index})
        if self.minority is not None:
            frame["digit"] = frame["label"]
            frame["label"] = frame["label"].where(frame["label"] == str(self.minority), "rest")
        order = np.argsort(index, kind="stable")
        pixels = np.floor(images[index[order]] * (255 / 16) + 0.5).astype(np.uint8)[..., None]
        counts = frame[frame["split"] == "train"]["label"].value_counts()
        note = (
            f"training rows thinned out to {counts.max()} of the largest and {counts.min()} of the smallest class; "
            f"{self.test} test rows of each digit; the digits' writers are not known"
        )
        classes = ["rest", str(self.minority)] if self.minority is not None else [str(digit) for digit in range(10)]
        return Table.build(frame.iloc[order], arrays=pixels, classes=classes, notes=[note])

    def _training_rows(self, available: np.ndarray, most: int) -> list[int]:
        """Training rows to keep of each digit, at least 1."""
        if self.minority is not None:
            keep = [int(count) for count in available]
            rest = sum(keep) - keep[self.minority]
            keep[self.minority] = min(keep[self.minority], max(1, round(rest / self.imbalance)))
            return keep
        # Cui et al. 2019 (class-balanced loss), section 5.1: exponential decay over the classes.
        keep = [0] * 10
        for rank, digit in enumerate(self.order or range(10)):
            keep[digit] = max(1, round(most * self.imbalance ** (-rank / 9)))
        return keep


def _read_digits() -> tuple[np.ndarray, np.ndarray]:
    """What scikit-learn's `load_digits` reads, without its import, which takes longer than the rest of a plan.

    Returns images of grey levels 0..16, float64 [1797, 8, 8], and digits, int64 [1797].
    """
    import numpy as np

    spec = find_spec("sklearn")
    file = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz" if spec and spec.origin else None
    if file is None or not file.is_file():  # a release that keeps it elsewhere
        from sklearn.datasets import load_digits

        bundle = load_digits()
        return bundle.images, bundle.target
    table = np.loadtxt(file, delimiter=",")
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)
