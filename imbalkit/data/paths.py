"""Files and folders that a recipe names."""

from __future__ import annotations

from pathlib import Path

from imbalkit.errors import DataError
from imbalkit_lite.paths import local_path, other_system


def existing_path(path: str, what: str, how_to_get: str | None = None, folder: bool = False) -> Path:
    """The path with `~` expanded. Raises DataError, with the absolute path and what to do, if nothing is there."""
    try:
        found = Path(local_path(path)).expanduser()  # the latter fails for a home that is not known
        right, there = found.is_dir() if folder else found.is_file(), found.exists()
    except (
        OSError,
        RuntimeError,
    ) as error:  # a name that is too long, a home that is not known, a folder that is closed
        shown = path if len(path) <= 100 else f"{path[:100]}..."
        raise DataError(
            f"{what} cannot be looked for at {shown}: {getattr(error, 'strerror', None) or error}"
        ) from None
    if right:
        return found
    if there:
        kinds = ("folder", "file") if folder else ("file", "folder")
        raise DataError(f"expected {what} to be a {kinds[0]}, but {found.absolute()} is a {kinds[1]}")
    if system := other_system(str(found)):
        raise DataError(f"there is no {what} at {found}: this is a path of another system ({system})")
    advice = how_to_get or "correct the path in the recipe (relative paths start at the folder you run imbalkit in)"
    raise DataError(f"there is no {what} at {found.absolute()}: {advice}")
