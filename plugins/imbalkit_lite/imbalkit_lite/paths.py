"""Paths as a user or a table spells them: `~`, and the separators of another system."""

from __future__ import annotations

import os
import re

from imbalkit_lite.containers import is_remote, split_address

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\")  # a drive, a share, or the root of the current drive


def local_path(spelt: str, root: str | os.PathLike[str] = "") -> str:
    """Where a path leads on this system: `~` and `~user` expanded, relative ones below `root`.

    Backslashes are separators, as in a table from Windows, unless a file has that very name or the path names a drive or a
    share: such a path is of another system and stays as it is. Of an address inside a
    container (`a.zip!x.jpg`) that is so of the container's place.
    """
    address = split_address(spelt)
    if address is not None:
        if is_remote(spelt):
            return spelt
        return f"{local_path(address.place, root)}!{address.member}"
    path = os.path.join(root, _expanded(spelt))
    if "\\" not in spelt or os.sep == "\\" or os.path.lexists(path):
        return path
    return spelt if other_system(spelt) else os.path.join(root, _expanded(spelt.replace("\\", "/")))


def other_system(spelt: str) -> str | None:
    """The system that an absolute path is of, "Windows" or "Linux or macOS", None where it may be of this one."""
    if os.sep == "\\":
        return "Linux or macOS" if spelt.startswith("/") else None
    return "Windows" if _WINDOWS.match(spelt) else None


def _expanded(path: str) -> str:
    return os.path.expanduser(path) if path.startswith("~") else path
