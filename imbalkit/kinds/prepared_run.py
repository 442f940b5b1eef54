"""What a plugin gets of a run besides its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from imbalkit.base.parameters import Settings
    from imbalkit.data.split import Split
    from imbalkit.data.table import Table


class PreparedRun(Protocol):
    """A run's recipe and data, as `report_sections` gets them; the engine's own is imbalkit.recipe.prepare.Prepared."""

    @property
    def name(self) -> str:
        """The run's name: that of its recipe's file."""

    @property
    def recipe(self) -> Settings:
        """The recipe as it was checked: `recipe.model_dump()` is its keys as a mapping, `recipe.loss` one of them."""

    @property
    def table(self) -> Table:
        """Every sample, in the order that `predictions.parquet` counts them in: labels, groups, metadata (`table.frame`)."""

    @property
    def split(self) -> Split:
        """Which samples are train, validation and test: positions in the table."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the label codes."""

    @property
    def positive(self) -> int | None:
        """Label code of the positive class; None without one."""
