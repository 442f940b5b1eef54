"""Containers: files and remote places that hold many images, which a table's paths lead into."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from imbalkit.base.parameters import Part
from imbalkit_lite.containers import Kind
from imbalkit_lite.members import Facts, Members, Span

__all__ = ["Container", "Facts", "Members", "Span", "as_kind"]


class Container(Part):
    """A file that holds images as members, which paths name as `file!member`; found by its ending, not by a recipe.

    Attributes:
        endings: of its files, in lower case, such as (".zip",)
        schemes: of remote places that it reads instead of files, such as ("s3",): paths are then `s3://bucket/a.jpg`
    """

    kind = "container"
    endings: ClassVar[tuple[str, ...]] = ()
    schemes: ClassVar[tuple[str, ...]] = ()

    def open(self, place: str) -> Members:
        """What a file holds (or, of a remote place, what lies below it: for that, nothing is asked yet).

        Raises DataError where it cannot be read; an OSError is reported with the place.
        """
        raise NotImplementedError  # each part of this kind writes its own

    def example(self, folder: Path, files: Mapping[str, bytes]) -> tuple[str, list[str]]:
        """Write a container of these files below a folder, for the conformance checks: its place, and each file's name in it."""
        raise NotImplementedError  # each part of this kind writes its own


def as_kind(container: Container) -> Kind:
    """A container part as imbalkit_lite opens it: after a look whether what it needs is installed."""

    def opened(place: str) -> Members:
        container.check_requirements()
        return container.open(place)

    return Kind(container.endings, container.schemes, opened)
