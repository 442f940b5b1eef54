"""A file that holds many images: an index in JSON, then the images' bytes one after the other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from imbalkit.kinds import Container, DataError, Members, Span


class Mine(Container):
    """Images in one file that begins with a line of JSON: {name: [offset, length]}, from the line's end on."""

    name = "mine"
    endings = (".mine",)  # paths such as photos.mine!a.jpg then lead into such files

    def open(self, place: str) -> Members:
        return Inside(place)

    def example(self, folder: Path, files: Mapping[str, bytes]) -> tuple[str, list[str]]:
        """A small file for the conformance checks."""
        place, index, offset = folder / "example.mine", {}, 0
        for name, content in files.items():
            index[name] = [offset, len(content)]
            offset += len(content)
        place.write_bytes(json.dumps(index).encode() + b"\n" + b"".join(files.values()))
        return str(place), list(files)


class Inside(Members):
    """What one file holds."""

    def __init__(self, place: str):
        with open(place, "rb") as stream:
            line = stream.readline()
        try:
            index = json.loads(line)
        except ValueError:
            raise DataError(f"{place} does not begin with an index: get it again") from None
        self._spans = {name: Span(len(line) + offset, length) for name, (offset, length) in index.items()}

    def names(self) -> Sequence[str]:
        return list(self._spans)

    def __contains__(self, name: str) -> bool:
        return name in self._spans

    def span(self, name: str) -> Span:
        """Where a member's bytes lie; imbalkit reads them. For packed bytes return None here, and write `read(name)`."""
        return self._spans[name]
