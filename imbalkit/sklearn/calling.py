"""What scikit-learn's users expect of a call: errors that are ValueErrors, and a process that is left as it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from imbalkit.errors import ImbalkitError


@contextmanager
def as_value_errors() -> Iterator[None]:
    """imbalkit's errors as scikit-learn's users expect them."""
    try:
        yield
    except ImbalkitError as error:
        raise ValueError(str(error)) from error


@contextmanager
def undisturbed() -> Iterator[None]:
    """Leave the random numbers and threads of the process as they were."""
    import torch

    of_python, of_numpy, threads = random.getstate(), np.random.get_state(), torch.get_num_threads()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)
            torch.set_num_threads(threads)
