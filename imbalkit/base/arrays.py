"""Arrays that parts are given to look at."""

from __future__ import annotations

from typing import Any

import numpy as np


def read_only(values: Any) -> np.ndarray:
    """The same numbers, which whoever is given them cannot change in place."""
    view: np.ndarray = np.asarray(values).view()
    view.flags.writeable = False
    return view
