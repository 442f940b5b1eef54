"""Probabilities and decisions for new images, by any `Predictor`.

Images are decoded by threads a few batches ahead, and rows leave as soon as they are known, so that memory does not grow
with the number of files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice

import numpy as np

from imbalkit_lite.columns import Unknown
from imbalkit_lite.errors import DataError
from imbalkit_lite.images import ImageRule, read_pixels
from imbalkit_lite.inputs import Inputs, Item
from imbalkit_lite.predictor import Predictor
from imbalkit_lite.rows import Row, RowMaker, key_of

WORKERS = 8  # threads that decode


def predict_rows(
    inputs: Inputs,
    predictor: Predictor,
    progress: Callable[[int, int], None] | None = None,
    unknown: Unknown | None = None,
) -> Iterator[Row]:
    """A row for each image, in order; `progress` gets (done, total) after each batch.

    Columns that the model takes beside the image are those of the image's table; `unknown` counts values that it does not know.
    """
    maker, total, done = RowMaker(predictor.classes, inputs.columns, key_of(predictor)), len(inputs), 0
    with closing(_read_ahead(inputs, predictor, depth=2 * predictor.batch_size + WORKERS)) as read:
        while batch := list(islice(read, predictor.batch_size)):
            yield from _predict(batch, predictor, maker, unknown)
            done += len(batch)
            if progress:
                progress(done, total)


Read = tuple[Item, np.ndarray | str]  # pixels, or why there are none


def _predict(
    batch: Sequence[Read], predictor: Predictor, maker: RowMaker, unknown: Unknown | None = None
) -> Iterator[Row]:
    readable = [(item, found) for item, found in batch if isinstance(found, np.ndarray)]
    prediction, encoding = None, predictor.encoding
    if readable:
        beside = () if encoding is None else (encoding.encode((item.inputs for item, _ in readable), unknown),)
        prediction = predictor.predict(np.stack([pixels for _, pixels in readable]), *beside)
    place = 0
    for item, found in batch:
        if prediction is None or isinstance(found, str):
            yield maker.failed(item, str(found))
        else:
            yield maker.predicted(item, prediction, place)
            place += 1


def _read_ahead(items: Iterable[Item], predictor: Predictor, depth: int) -> Generator[Read, None, None]:
    """Items in order with their pixels, at most `depth` of them under way."""
    waiting: deque[tuple[Item, Future[np.ndarray | str]]] = deque()
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="imbalkit-decode")
    try:
        for item in items:
            waiting.append((item, pool.submit(_read, item, predictor.rule, predictor.channels)))
            if len(waiting) >= depth:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _read(item: Item, rule: ImageRule, channels: int) -> np.ndarray | str:
    if not channels:
        return np.zeros((*rule.size, 0), dtype=np.uint8)
    if item.file is None:
        return "the table has no path in this row"
    try:
        return read_pixels(item.file, rule, channels)
    except DataError as error:
        return str(error).removeprefix(f"{item.file}: ")
