"""Tables put together: one a split, or parts of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from imbalkit.builtin.datasets.common import SPLITS
from imbalkit.kinds import DataError, PathText

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.builtin.datasets.table import TableDataset


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


def tables_of(part: TableDataset) -> list[tuple[str | None, str, str | None]]:
    """(split or None, file, root or None) of each file. Raises DataError for parameters that contradict each other."""
    if isinstance(part.file, Mapping) and part.split_column:
        raise DataError("`file` names the tables by split: leave out `split_column`")
    if isinstance(part.root, Mapping) and not isinstance(part.file, Mapping):
        raise DataError("`root` names folders by split: name the tables by split too, `file: {train: ..., test: ...}`")
    return [(split, file, _root_of(part.root, split)) for split, files in files_of(part.file) for file in files]


def _root_of(root: str | Mapping[str, str] | None, split: str | None) -> str | None:
    if not isinstance(root, Mapping):
        return root
    return {SPLITS[name.strip().lower()]: folder for name, folder in root.items()}.get(split or "")


def read_json_lines(file: Path) -> pd.DataFrame:
    """One JSON object a line as a row. Raises ValueError for anything else."""
    import pandas as pd

    rows = []
    with open(file, encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except ValueError as error:
                    raise ValueError(f"line {number} is no JSON ({error})") from None
                if not isinstance(rows[-1], dict):
                    raise ValueError(f"expected an object {{...}} in line {number}, got {line.strip()[:40]}")
    return pd.DataFrame(rows)


def files_of(file: str | list[str] | Mapping[str, str | list[str]]) -> list[tuple[str | None, list[str]]]:
    """(split or None, its files)."""

    def listed(files: str | list[str]) -> list[str]:
        return [files] if isinstance(files, str) else list(files)

    if isinstance(file, Mapping):
        return [(SPLITS[name.strip().lower()], listed(files)) for name, files in file.items()]
    return [(None, listed(file))]
