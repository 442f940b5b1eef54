"""HDF5 files in which each dataset holds the bytes of one image file, as that of ISIC 2024."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from imbalkit.kinds import Container, DataError, Members, Span


class Hdf5(Container):
    """An HDF5 file with a dataset an image, of the bytes of its file: `train-image.hdf5!ISIC_0015670`.

    A dataset holds bytes: opaque, text of fixed or variable length, or a row of uint8. Those that lie in one piece are read
    by their offset.
    """

    name = "hdf5"
    endings = (".hdf5", ".h5", ".he5")
    requires = {"h5py": "imbalkit[hdf5]"}

    def open(self, place: str) -> Members:
        return Hdf5Members(place)

    def example(self, folder: Path, files: Mapping[str, bytes]) -> tuple[str, list[str]]:
        import h5py
        import numpy as np

        place = folder / "example.hdf5"
        with h5py.File(place, "w") as file:
            for number, (name, content) in enumerate(files.items()):
                row = np.frombuffer(content, dtype=np.uint8)
                if number % 3 == 2:
                    file.create_dataset(name, data=row, chunks=True, compression="gzip")
                else:
                    file[name] = row if number % 3 else np.void(content)
        return str(place), list(files)


class Hdf5Members(Members):
    """Datasets of an HDF5 file at any depth, by their names."""

    named_files = False

    def __init__(self, place: str):
        import h5py

        self._spans: dict[str, Span | None] = {}  # some 10,000 are found in a second
        try:
            self._file = h5py.File(place, "r", locking=False)  # a lock fails on disks that may only be read
        except OSError as error:
            raise DataError(f"{place} is no HDF5 file, or not all of it ({error}): get it again") from None

    def names(self) -> Sequence[str]:
        return self._names

    @cached_property
    def _names(self) -> list[str]:
        import h5py

        found: list[str] = []

        def note(name: bytes, info: Any) -> None:
            if info.type == h5py.h5o.TYPE_DATASET:
                found.append(name.decode("utf-8", "surrogateescape"))

        h5py.h5o.visit(self._file.id, note, info=True)
        return found

    @cached_property
    def _top(self) -> frozenset[str]:
        return frozenset(self._file)  # far faster than a question for each of 400,000

    def __contains__(self, name: str) -> bool:
        return name in (self._top if "/" not in name else self._file)

    def in_order(self, names: Iterable[str]) -> list[str]:
        return sorted(names)  # as the groups' own lists are; offsets of all would take a minute first

    def span(self, name: str) -> Span | None:
        if name not in self._spans:
            self._spans[name] = self._looked_up(name)
        return self._spans[name]

    def _looked_up(self, name: str) -> Span | None:
        import h5py

        dataset = self._dataset(name)
        kind = dataset.get_type()
        rank = len(dataset.shape)
        if isinstance(kind, h5py.h5t.TypeOpaqueID) or (
            isinstance(kind, h5py.h5t.TypeStringID) and not kind.is_variable_str()
        ):
            in_place = rank == 0 or dataset.shape == (1,)
        else:
            in_place = isinstance(kind, h5py.h5t.TypeIntegerID) and kind.get_size() == 1 and rank == 1
        offset = dataset.get_offset() if in_place else None
        return None if offset is None else Span(offset, kind.get_size() * max(1, dataset.shape[0] if rank else 1))

    def read(self, name: str) -> bytes:
        import numpy as np

        value = np.asarray(self._file[name][()])
        if value.dtype == object and value.size == 1:  # of variable length
            found = value.reshape(-1)[0]
            value = np.frombuffer(found, np.uint8) if isinstance(found, bytes) else np.asarray(found)
        if (value.dtype.kind in "SV" and value.size == 1) or (value.dtype == np.uint8 and value.ndim == 1):
            return value.tobytes()
        raise DataError(
            f"its dataset holds an array {value.dtype} {list(value.shape)}; expected the bytes of an image file (for arrays of "
            "pixels there is the data set `arrays`)"
        )

    def _dataset(self, name: str) -> Any:
        import h5py

        try:
            return h5py.h5d.open(self._file.id, name.encode("utf-8", "surrogateescape"))
        except (KeyError, ValueError, TypeError):
            raise DataError("it is a group of its HDF5 file, and no dataset") from None
