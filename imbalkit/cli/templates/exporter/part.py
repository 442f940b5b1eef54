"""Writes the network to a file that another program runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imbalkit.kinds import Exportable, Exporter, FileRuntime


class Mine(Exporter):
    """A program of torch.export, for Python and AOTInductor. What it says of itself is in the extra file card.json."""

    name, suffix = "mine", ".pt2"
    layout = "NCHW"  # of the file's input

    def write(self, model: Exportable, path: Path) -> None:
        """`model.network` takes what `model.card.input` says, and gives probabilities."""
        import torch

        any_number = torch.export.Dim("rows")
        program = torch.export.export(model.network, (model.example(2),), dynamic_shapes=({0: any_number},))
        with path.open("wb") as file:
            torch.export.save(program, file, extra_files={"card.json": model.card.to_text()})

    def runtimes(self, path: Path, threads: int | None = None) -> Sequence[FileRuntime]:
        """Programs here that run the file: imbalkit compares them with the network before the file gets its name."""
        import torch

        with path.open("rb") as file:
            loaded = torch.export.load(file).module()

        def probabilities(inputs):
            with torch.no_grad():
                return loaded(torch.from_numpy(inputs)).numpy()

        return [FileRuntime("torch.export", probabilities)]
