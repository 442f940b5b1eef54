"""Where tables are printed."""

from __future__ import annotations

from rich.console import Console


def console() -> Console:
    """Standard output as rich writes to it; a pipe gets room enough for names to stand whole."""
    found = Console(highlight=False)
    if not found.is_terminal:
        found.width = max(found.width, 160)
    return found
