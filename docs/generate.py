"""Writes the reference parts of the docs from the classes: a hook of mkdocs, which calls `on_page_markdown`.

A page holds a line such as `<!-- generated: parts of loss -->`; `fill` puts the text in its place. An unknown line
fails the build, so that nothing is missing without notice.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from generating.contracts import classes, duties, hooks, kind_contracts
from generating.recipes import all_parts, keys, parts, recipe_sections, registered, renamed
from imbalkit.cli.main import COMMANDS

PLACEHOLDER = re.compile(r"^<!-- generated: (.+?) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """mkdocs gives this each page's text."""
    return fill(markdown)


def fill(markdown: str) -> str:
    """The page with every placeholder replaced. Raises ValueError for an unknown one."""

    def replace(match: re.Match[str]) -> str:
        for pattern, write in GENERATORS.items():
            found = re.fullmatch(pattern, match.group(1))
            if found:
                return "\n".join(write(*found.groups()))
        raise ValueError(f"no generator for the placeholder {match.group(0)!r}")

    return PLACEHOLDER.sub(replace, markdown)


def commands() -> Iterator[str]:
    """Every built-in command as its --help says."""
    import click

    for name, (module, _) in COMMANDS.items():
        command = importlib.import_module(module).command
        text = command.get_help(
            click.Context(command, info_name=f"imbalkit {name}", max_content_width=88, terminal_width=88)
        )
        yield f"### `imbalkit {name}` {{ #command-{name} }}"
        yield ""
        yield f"```text\n{text}\n```"
        yield ""


GENERATORS: dict[str, Callable[..., Iterator[str]]] = {
    r"sections of the recipe": recipe_sections,
    r"all parts": all_parts,
    r"parts of (\w+)": parts,
    r"renamed": renamed,
    r"registered (recipe|sweep)s": registered,
    r"keys of (\S+)": keys,
    r"hooks": hooks,
    r"duties of kinds": duties,
    r"kinds": kind_contracts,
    r"classes (.+)": classes,
    r"commands": commands,
}
