"""The report of a finished run, written again from its folder."""

from __future__ import annotations

from pathlib import Path

import torch

from imbalkit.errors import ImbalkitError, RenamedError, RunError
from imbalkit.report.write import write_report
from imbalkit.runs.restore import restore
from imbalkit.runs.results import RunData


def report_again(
    folder: Path, out: Path | None = None, device: str | torch.device | None = None
) -> tuple[Path, list[str]]:
    """Write the report of a finished run.

    Args:
        folder: the run folder
        out: where to write (default: report.html in it)
        device: where the network computes (default: as the recipe says)

    Returns:
        where it was written, and what is missing from it and why

    Raises:
        RunError: no finished run, a device that is not there, a file that cannot be written
    """
    folder = Path(folder)
    if out is not None and not out.absolute().parent.is_dir():
        raise RunError(f"there is no folder {out.absolute().parent} to write {out.name} into")
    RunData.load(folder)  # no finished run: that comes first
    missing: list[str] = []
    prepared, model = None, None
    try:
        restored = restore(folder, device)
        model = restored.model
    except RenamedError:  # sections read the recipe too
        raise
    except ImbalkitError as error:
        if device is not None:
            raise
        missing.append(f"the network is unavailable: {error}")
    else:
        try:
            prepared = restored.prepared
        except ImbalkitError as error:
            missing.append(str(error))
    return write_report(folder, prepared, None, model=model, out=out, why="; ".join(missing)), missing
