"""Runners of independent pieces of work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from imbalkit.base.parameters import Part, part_of


class Launcher(Part):
    """Runs independent pieces of work (the folds of a cross-validation, the cells of a sweep)."""

    kind = "launcher"

    def launch(self, commands: Sequence[Sequence[str]]) -> list[int]:
        """Run each command line and wait for it; returns their exit codes in order."""
        raise NotImplementedError  # each part of this kind writes its own


LauncherRef = Annotated[Launcher, part_of("launcher")]
