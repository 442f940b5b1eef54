"""A new plugin as a project: its files from the templates, with the names put in."""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Mapping
from pathlib import Path

from imbalkit import kinds
from imbalkit.base.folders import whole_folder
from imbalkit.errors import ImbalkitError, listing, nearest
from imbalkit_lite.files import writing

TEMPLATES = Path(__file__).parent / "templates"
_PROJECT = {  # file of the project -> template that all kinds share
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "imbalkit_mine/__init__.py": "__init__.py",
    "tests/conftest.py": "conftest.py",
    "tests/test_plugin.py": "test_plugin.py",
}
_OF_KIND = {"imbalkit_mine/part.py": "part.py", "tests/test_part.py": "test_part.py", "recipe.yaml": "recipe.yaml"}


def template_kinds() -> tuple[str, ...]:
    """What there are templates for: every kind of part; of samplers and stages one for each of their base classes."""
    return tuple(sorted(path.name for path in TEMPLATES.iterdir() if (path / "part.py").exists()))


def part_kind(kind: str) -> str:
    """The kind of part that a template is of."""
    return re.sub("^(scored|feature|solved)_", "", kind)


def project_files(kind: str, name: str) -> dict[str, str]:
    """The files of a new plugin: path in the project -> text.

    Args:
        kind: one of `template_kinds()`
        name: the part's name, in lower case with underscores

    Raises:
        ImbalkitError: an unknown kind, or a name that is none
    """
    if kind not in template_kinds():
        raise ImbalkitError(
            f"there is no kind of part {kind!r}{nearest(kind, template_kinds())} (kinds: {listing(template_kinds(), 20)})"
        )
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ImbalkitError(
            f"expected a name in lower case such as focal_plus (letters, digits, single _), got {name!r}"
        )
    made = _class_name(name)
    if keyword.iskeyword(made) or made in kinds.__all__:
        owner = "Python" if keyword.iskeyword(made) else "imbalkit.kinds"
        raise ImbalkitError(f"the class of {name!r} would be {made}, a name of {owner}: choose another name")
    files = {path: (TEMPLATES / "project" / template).read_text("utf-8") for path, template in _PROJECT.items()}
    files |= {path: (TEMPLATES / kind / template).read_text("utf-8") for path, template in _OF_KIND.items()}
    return {_named(path, kind, name): _named(text, kind, name) for path, text in files.items()}


def _named(text: str, kind: str, name: str) -> str:
    part = part_kind(kind)
    words = {
        "register_parts": f"register_{part}{'es' if part.endswith('s') else 's'}",
        "imbalkit_mine": f"imbalkit_{name}",
        "imbalkit-mine": f"imbalkit-{name.replace('_', '-')}",
        "Mine": _class_name(name),
        "mine": name,
        "KIND": part,
    }
    return re.sub("|".join(rf"\b{word}\b" for word in words), lambda found: words[found[0]], text)


def _class_name(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def write_project(files: Mapping[str, str], folder: Path) -> None:
    """Write the files of a project into a folder that is not there yet, or is empty: all of them, or none.

    Raises:
        ImbalkitError: the folder holds files
        WriteError: it cannot be written
    """
    folder = Path(os.path.abspath(folder))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ImbalkitError(f"{folder} is there already: choose another place with --dir, or delete it yourself")
    with writing(folder), whole_folder(folder) as beside:
        for name, text in files.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
