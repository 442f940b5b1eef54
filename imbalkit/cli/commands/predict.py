"""`imbalkit predict`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbalkit_lite.prediction_command import file_predictor, options, predict

if TYPE_CHECKING:
    from imbalkit_lite.predictor import Predictor


@click.command("predict")
@click.argument("model", type=click.Path(path_type=Path), metavar="RUN|FILE")
@options
@click.option("--device", help="Such as cpu or cuda; for runs.  [default: as the recipe says]")
def command(
    model: Path,
    threshold: float | None,
    batch_size: int | None,
    threads: int | None,
    device: str | None,
    **what: Any,
) -> None:
    """Predict images with a finished RUN, or a FILE exported from one: probabilities, decision, and whether it abstains.

    A FILE (.tflite, .onnx) needs nothing but itself; decision and abstention are those of its card.

    A PATH is an image, a folder of images, or a table (.csv, .tsv, .parquet) with a column of paths, which may start at
    the table or at the working directory; its other columns stay beside the predictions. "-" reads paths from standard
    input, one a line. A file that cannot be read is a row with `error`; exit code 1 only if none could be read.
    For a model without images a PATH is a table with the columns that the model takes; every row is predicted.
    """
    from imbalkit.base.threads import spin_less

    spin_less()
    from imbalkit.engine.allocator import freed_memory_kept
    from imbalkit_lite.model import is_model

    def open_predictor() -> Predictor:
        if is_model(model) and not model.is_dir():
            if device is not None:
                raise click.BadParameter("an exported file runs on the CPU", param_hint="--device")
            return file_predictor(model, threshold, batch_size, threads)
        from imbalkit.notebook.run import Run

        if threads is not None:
            raise click.BadParameter("it is for exported files; for a run set OMP_NUM_THREADS", param_hint="--threads")
        return Run.load(model).predictor(threshold, batch_size, device)

    with freed_memory_kept():
        predict(open_predictor, **what)
