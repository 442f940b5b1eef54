"""Recipes as plain data with the line of every value: YAML files or mappings, `base:` recipes and `--set`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from imbalkit.base.files import read_json
from imbalkit.base.variables import expand_variables
from imbalkit.errors import Problem, RecipeError, listing, nearest
from imbalkit.recipe.scalars import Loader, key_of, value_of

Place = tuple[str | int, ...]  # ("samplers", 0, "views")
RUN_RECIPE, RUN_FACTS = "recipe.yaml", "run.json"  # of a run folder: the resolved recipe, and what goes with it
MOST_VALUES = 100_000  # of a recipe; aliases of aliases would make more than memory holds


@dataclass
class Document:
    """Plain data and where each value stands."""

    data: dict[str, Any]
    lines: dict[Place, str] = field(default_factory=dict)
    name: str = "recipe"

    def line(self, place: Place) -> str:
        """Where a value stands ("recipe.yaml:12"); for a missing one, where its parent does."""
        for end in range(len(place), -1, -1):
            if place[:end] in self.lines:
                return self.lines[place[:end]]
        return ""

    def problem(self, place: Place, message: str) -> Problem:
        """A mistake in a value, with its line."""
        return Problem(show_place(place), message, self.line(place))


def show_place(place: Iterable[str | int]) -> str:
    """("samplers", 0, "to") as samplers[0].to"""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text


def read_document(
    recipe: str | Path | Mapping[str, Any], named: Mapping[str, Path], overrides: Iterable[str] = ()
) -> Document:
    """The document of a recipe, with its bases merged in and the overrides applied.

    Args:
        recipe: a file, a name in `named`, or what a file would hold as a mapping
        named: registered recipes
        overrides: "a.b=value" with a YAML value; "samplers.0.to=100" reaches into a list

    Raises:
        RecipeError: file not found, not YAML, a duplicate key, a base that loops, an override that cannot be applied
    """
    document = _with_base(_of_mapping(recipe), named) if isinstance(recipe, Mapping) else _read_file(recipe, named)
    problems: list[Problem] = []
    for override in overrides:
        try:
            _override(document, override)
        except RecipeError as error:
            problems += error.problems
    if problems:
        raise RecipeError(problems)
    return document


def _locate(recipe: str, named: Mapping[str, Path], folder: Path | None) -> Path:
    if recipe in named:
        return named[recipe]
    places = [Path(recipe).expanduser()] + ([folder / recipe] if folder else [])
    for path in places:
        if path.is_file():
            return path
    folders = [path for path in places if path.is_dir()]
    if folders:
        raise RecipeError([Problem("", f"expected a recipe file, {str(folders[0])!r} is a folder")])
    known = f" (registered: {listing(sorted(named), 40)})" if named else ""
    raise RecipeError(
        [
            Problem(
                "",
                f"there is no recipe file {recipe!r} and no registered recipe of that name{nearest(recipe, named)}{known}",
            )
        ]
    )


def _read_file(
    recipe: str | Path, named: Mapping[str, Path], seen: tuple[Path, ...] = (), folder: Path | None = None
) -> Document:
    if not isinstance(recipe, str | Path):
        message = (
            f"expected a recipe: a file, a registered name, or a mapping; got {recipe!r:.60} ({type(recipe).__name__})"
        )
        raise RecipeError([Problem("", message)])
    recipe = str(recipe)
    path = _locate(recipe, named, folder)
    if path.resolve() in seen:
        raise RecipeError([Problem("base", f"{recipe!r} is its own base, by way of {listing(p.name for p in seen)}")])
    document = parse(_text(path), path.name)
    document.name = recipe.replace("/", "-") if recipe in named else _run_name(path) or path.stem
    return _with_base(document, named, (*seen, path.resolve()), path.parent)


def _run_name(path: Path) -> str | None:
    """The name of the run whose resolved recipe this is, None if it is none."""
    return read_json(path.with_name(RUN_FACTS)).get("name") if path.name == RUN_RECIPE else None


def _of_mapping(recipe: Mapping[str, Any]) -> Document:
    """A recipe from Python. Raises RecipeError for values that no file could hold."""
    problems: list[Problem] = []

    def plain(value: Any, place: Place) -> Any:
        if isinstance(value, Mapping):
            return {str(key): plain(item, (*place, str(key))) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item, (*place, index)) for index, item in enumerate(value)]
        if isinstance(value, Path):
            return str(value)
        if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:  # a NumPy scalar
            value = value.item()
        if not isinstance(value, str | bool | int | float | None):
            kind = type(value).__name__
            problems.append(Problem(show_place(place), f"expected text, a number, a list or a mapping, got {kind}"))
        return value

    document = Document(plain(recipe, ()))
    if problems:
        raise RecipeError(problems)
    return document


def _with_base(
    document: Document, named: Mapping[str, Path], seen: tuple[Path, ...] = (), folder: Path | None = None
) -> Document:
    base = document.data.pop("base", None)
    if base is None:
        return document
    try:
        if not isinstance(base, str):
            raise ValueError(f"expected the name or file of a recipe, got {base!r}")
        base = expand_variables(base)
    except ValueError as error:
        raise RecipeError([Problem("base", str(error), document.line(("base",)))]) from None
    below = _read_file(base, named, seen, folder)
    below.name = document.name
    for key, value in document.data.items():
        _merge(below, (), key, value, document.lines)
    return below


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError([Problem("", f"{path} cannot be read: {error}")]) from error


def parse(text: str, source: str) -> Document:
    """YAML text to a document. Raises RecipeError with every duplicate key, or with the place of a syntax error."""
    try:
        root = yaml.compose(text, Loader=Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"{source}:{mark.line + 1}" if mark else source
        raise RecipeError([Problem("", f"not valid YAML: {getattr(error, 'problem', None) or error}", line)]) from error
    except RecursionError as error:
        raise RecipeError([Problem("", "the values are nested too deeply", source)]) from error
    except (ValueError, OverflowError) as error:  # PyYAML's of "\\UFFFFFFFF" and of %YAML with thousands of digits
        raise RecipeError([Problem("", f"not valid YAML: {error}", source)]) from error
    if root is None:
        raise RecipeError([Problem("", "the recipe is empty", source)])
    document = Document({}, {}, source)
    problems: list[Problem] = []
    data = _plain(root, (), document.lines, problems, source, ())
    if not isinstance(data, dict):
        problems.append(Problem("", f"expected a mapping such as 'data: ...', got {str(data)[:60]!r}", f"{source}:1"))
    if problems:
        raise RecipeError(problems)
    document.data = data
    return document


def _plain(
    node: yaml.Node, place: Place, lines: dict[Place, str], problems: list[Problem], source: str, above: tuple[int, ...]
) -> Any:
    line = f"{source}:{node.start_mark.line + 1}"
    lines[place] = line
    if len(lines) > MOST_VALUES:
        if len(problems) == 0 or not problems[-1].message.startswith("more than"):
            problems.append(Problem("", f"more than {MOST_VALUES:,} values", line))
        return None
    if id(node) in above:
        problems.append(Problem(show_place(place), "an alias refers to a value that holds itself", line))
        return None
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, i), lines, problems, source, above) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _key_of(key_node, place, problems, source)
            if key in result:
                where = f"{source}:{key_node.start_mark.line + 1}"
                problems.append(Problem(show_place((*place, key)), "the key stands here for the second time", where))
            result[key] = _plain(value_node, (*place, key), lines, problems, source, above)
        return result
    try:
        return value_of(cast(yaml.ScalarNode, node))
    except ValueError as error:
        problems.append(Problem(show_place(place), str(error), line))
        return None


def _key_of(node: yaml.Node, place: Place, problems: list[Problem], source: str) -> str:
    if isinstance(node, yaml.ScalarNode):
        return key_of(node)
    line = f"{source}:{node.start_mark.line + 1}"
    problems.append(Problem(show_place(place), "a key must be plain text or a number", line))
    return repr(node.start_mark.line)


def _merge(below: Document, place: Place, key: Any, value: Any, lines: Mapping[Place, str]) -> None:
    """Put a value over what the base has: mappings merge unless they name another part, everything else replaces."""
    target: Any = below.data
    for part in place:
        target = target[part]
    old = target.get(key)
    same_part = (
        isinstance(old, dict) and isinstance(value, dict) and value.get("name", old.get("name")) == old.get("name")
    )
    here = (*place, key)
    if same_part:
        for inner, item in value.items():
            _merge(below, here, inner, item, lines)
        return
    target[key] = value
    _forget_lines(below, here)
    below.lines[here] = ""  # of a mapping from Python: not that of what it stands over
    below.lines.update({known: line for known, line in lines.items() if known[: len(here)] == here})


def _override(document: Document, override: str) -> None:
    path, equals, text = override.partition("=")
    source = f"--set {override}"
    if not equals or not path.strip():
        raise RecipeError([Problem("", "expected a.b=value", source)])
    try:
        value = parse(f"value: {text}" if text.strip() else "value: ''", source).data["value"]
    except RecipeError as error:
        raise RecipeError([Problem(path, problem.message, source) for problem in error.problems]) from error
    parts: Place = tuple(int(part) if re.fullmatch(r"-?[0-9]+", part) else part for part in path.strip().split("."))
    target: Any = document.data
    key: Any = None
    for index in range(len(parts)):
        key = _key(target, parts, index, source)
        if index < len(parts) - 1:
            # `loss: ce` becomes `loss: {name: ce}` when a parameter of it is set.
            inner = target[key] if isinstance(target, list) else target.get(key)
            if inner is None or isinstance(inner, str):
                target[key] = {} if inner is None else {"name": inner}
            target = target[key]
    # Another name is another part: parameters of the old one do not hold.
    if key == "name" and len(parts) > 1 and isinstance(target, dict) and target.get(key) != value:
        target.clear()
    target[key] = value
    _forget_lines(document, parts)
    document.lines[parts] = source


def _key(target: Any, parts: Place, index: int, source: str) -> str | int:
    """The key of `parts[index]` in a mapping or list. Raises RecipeError where there can be none."""
    part, where = parts[index], show_place(parts[: index + 1])
    if isinstance(target, list):
        if isinstance(part, int) and -len(target) <= part < len(target):
            return part
        message = f"expected a position in a list of {len(target)}, got {part!r}"
    elif isinstance(target, dict):
        # A class may have the name 0: a number reaches a key that is text too.
        return str(part) if part not in target and str(part) in target else part
    else:
        message = f"cannot be set: {show_place(parts[:index])} is {target!r}"
    raise RecipeError([Problem(where, message, source)])


def _forget_lines(document: Document, place: Place) -> None:
    for known in [known for known in document.lines if known[: len(place)] == place]:
        del document.lines[known]
