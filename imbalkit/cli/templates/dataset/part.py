"""Pictures of noise, a few of them with a bright spot. Replace what `load` returns by your own data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Dataset, param

if TYPE_CHECKING:
    from imbalkit.kinds import Table


class Mine(Dataset):
    """Grey noise, 16 x 16 px; every `one_in`-th picture has a bright spot and the label "spot"."""

    name = "mine"
    rows: int = param(600, help="pictures", unit="pictures", ge=30)
    one_in: int = param(10, help="one picture in so many has a spot", ge=2)

    def load(self) -> Table:
        import numpy as np
        import pandas as pd

        from imbalkit.kinds import Table

        random = np.random.default_rng(0)
        pictures = random.integers(0, 160, (self.rows, 16, 16, 1), dtype=np.uint8)  # [n, H, W, C]
        spots = np.arange(self.rows) % self.one_in == 0
        for row in np.flatnonzero(spots):
            top, left = random.integers(0, 13, 2)
            pictures[row, top : top + 3, left : left + 3] += 95
        # Files instead of arrays: leave `pictures` out, and give the frame a column "path". A column "group" (a patient)
        # keeps rows together in one split, a column "split" (train, validation, test) makes the split yours.
        frame = pd.DataFrame({"label": np.where(spots, "spot", "noise")})
        return Table.build(frame, pictures, classes=["noise", "spot"])
