"""How a recipe is run: where its folder is, and what it may go on with. None of it changes a result."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from imbalkit.base.progress import Progress


@dataclass(frozen=True)
class RunOptions:
    """Options of one run.

    Attributes:
        runs: where run folders are made
        folder: the run folder itself (default: a new one under `runs`)
        resume: go on with the latest run of this very recipe, if there is one
        without: plugins to leave out
        rounds: folder of finished rounds of scored samplers and main trainings, shared by runs that would compute the same
        progress: shows what goes on (default: nothing is shown)
        wait: wait while another process works on the folder, and go on with it then, instead of ending
    """

    runs: Path = Path("runs")
    folder: Path | None = None
    resume: bool = False
    without: tuple[str, ...] = ()
    rounds: Path | None = None
    progress: Progress = field(default_factory=Progress)
    wait: bool = False
