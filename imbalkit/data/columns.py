"""Columns of a table that are named by a user."""

from __future__ import annotations

from collections.abc import Iterable

from imbalkit.errors import listing, nearest


def column_problem(requested: Iterable[str], columns: Iterable[str]) -> str:
    """What is wrong with the columns that a recipe names; an empty string if nothing is."""
    known = [str(name) for name in columns]
    for name in requested:
        if name not in known:
            return f"the data have no column {name!r}{nearest(name, known)} (columns: {listing(known, 40) or 'none'})"
    return ""
