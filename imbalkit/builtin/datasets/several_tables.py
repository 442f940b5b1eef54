"""Tables put together: one a split, or parts of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator

from imbalkit.kinds import SPLITS, DataError, PathText


def _by_split(value: Any) -> Any:
    if isinstance(value, dict):
        unknown = [key for key in value if str(key).strip().lower() not in SPLITS]
        if unknown:
            raise ValueError(f"expected the splits {', '.join(SPLITS)} as keys, got {unknown[0]!r}")
    if isinstance(value, dict | list) and not value:
        raise ValueError("expected a file, got none")
    return value


Files = Annotated[PathText | list[PathText] | dict[str, PathText | list[PathText]], BeforeValidator(_by_split)]
"""A file, several that are one table, or those of each split."""

Roots = Annotated[PathText | dict[str, PathText], BeforeValidator(_by_split)]
"""A folder, or one of each split."""


def tables_of(
    file: str | list[str] | Mapping[str, str | list[str]], root: str | Mapping[str, str] | None
) -> list[tuple[str | None, str, str | None]]:
    """(split or None, file, root or None) of each file. Raises DataError for folders by split of files that are not."""
    if isinstance(root, Mapping) and not isinstance(file, Mapping):
        raise DataError("`root` names folders by split: name the tables by split too, `file: {train: ..., test: ...}`")
    return [(split, name, _root_of(root, split)) for split, files in _files_of(file) for name in files]


def _root_of(root: str | Mapping[str, str] | None, split: str | None) -> str | None:
    if not isinstance(root, Mapping):
        return root
    return {SPLITS[name.strip().lower()]: folder for name, folder in root.items()}.get(split or "")


def _files_of(file: str | list[str] | Mapping[str, str | list[str]]) -> list[tuple[str | None, list[str]]]:
    """(split or None, its files)."""

    def listed(files: str | list[str]) -> list[str]:
        return [files] if isinstance(files, str) else list(files)

    if isinstance(file, Mapping):
        return [(SPLITS[name.strip().lower()], listed(files)) for name, files in file.items()]
    return [(None, listed(file))]
