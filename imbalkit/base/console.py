"""Where tables and lines are printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from imbalkit_lite.text import printable, printable_lines, printable_message

MOST_COLUMNS = 12  # classes beside each other
MOST_ROWS = 36  # classes below each other; of more, a few are shown


class Screen(Console):
    """rich's console, on which text from data cannot steer the terminal: such characters are shown as escapes."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable_lines(text), **options)

    def say(self, text: object) -> None:
        """A line of text as it is: markup means nothing, and it is not cut."""
        self.print(printable_message(text), markup=False, soft_wrap=True)


def console(stderr: bool = False) -> Screen:
    """Standard output (or error) as rich writes to it; a pipe gets room enough for names to stand whole."""
    found = Screen(stderr=stderr, highlight=False, emoji=False)
    if not found.is_terminal:
        found.width = max(found.width, 160)
    return found


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal's standard error while something is counted: gives a function to call with (done, total)."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def plain(text: object) -> str:
    """Text from data for a cell or title: on one line, and markup in it means nothing."""
    return escape(printable(text))
