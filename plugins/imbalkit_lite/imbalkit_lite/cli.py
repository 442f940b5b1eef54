"""The command `imbalkit-lite`; heavy imports happen where they are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imbalkit_lite import __version__
from imbalkit_lite.command_line import run
from imbalkit_lite.prediction_command import file_predictor, options, predict


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="imbalkit-lite %(version)s")
def root() -> None:
    """Use files that `imbalkit export` wrote, without PyTorch."""


@root.command("predict")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@options
def predict_command(
    file: Path, threshold: float | None, batch_size: int | None, threads: int | None, **what: Any
) -> None:
    """Predict images with an exported FILE (.tflite, .onnx): probabilities, decision by its card, and whether it abstains.

    A PATH is an image, a folder of images, or a table (.csv, .tsv, .parquet) with a column of paths, which may start at
    the table or at the working directory; its other columns stay beside the predictions. "-" reads paths from standard
    input, one a line. A file that cannot be read is a row with `error`; exit code 1 only if none could be read.
    """
    predict(lambda: file_predictor(file, threshold, batch_size, threads), **what)


def main() -> None:
    """The command `imbalkit-lite`."""
    run(root)
