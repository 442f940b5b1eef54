"""A run folder in place of a model file: the run is exported first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast


def exported(run: Path, note: Callable[[str], object]) -> Path:
    """The TFLite file of a finished run, written into its folder as `imbalkit export RUN --to tflite` writes it.

    `note` gets a line for each thing that is worth to know. Raises ImbalkitError: a folder that holds no finished run, a
    package that is missing, a file whose outputs are not the network's (then none is written).
    """
    from imbalkit.base.threads import spin_less

    spin_less()
    from imbalkit.export.export import export
    from imbalkit.kinds import Exporter
    from imbalkit.runs.restore import restore
    from imbalkit.runs.results import RunData
    from imbalkit_app.contents import takes_columns

    restored = restore(run, "cpu")
    if restored.encoding is not None and RunData(run).has_images:
        raise takes_columns(run, restored.encoding)
    exporter = cast("type[Exporter]", restored.catalogue.get("exporter", "tflite"))()
    exporter.check_requirements()
    path = run / exporter.file_name
    note(f"exporting {run} to {path.name}")
    for line in export(restored, exporter, path)["notes"]:
        note(f"note: {line}")
    return path
