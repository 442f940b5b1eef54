"""The layers of imbalkit: read from the imports of the code, drawn as docs/layers.svg by `python docs/layers.py`.

LAYERS is the rule, tests/test_layers.py holds it: a package imports only packages that stand before it. Imports inside
functions and for types count as well.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from html import escape
from pathlib import Path

TOP = Path(__file__).parents[1]
PICTURE = Path(__file__).with_name("layers.svg")
PLUGINS = (
    "imbalkit_app",
    "imbalkit_cluster",
    "imbalkit_longtail",
    "imbalkit_melanoma",
    "imbalkit_tflite",
    "imbalkit_tracking",
)  # beside the core: they may import all but built-in parts
BUILTIN = "builtin"  # the plugin that comes with imbalkit; nothing imports it but its entry point
# From the ground up. What is not a folder is a module of imbalkit/ itself.
LAYERS = (
    "imbalkit_lite", "errors", "base", "functional", "data", "pretrained", "plan", "kinds", "hookspecs", "decision",
    "evaluation", "catalogue", "recipe", "inspection", "training", "runs", "export", "plots", "report", "testing",
    "engine", "studies", "notebook", "sklearn", "cli",
)  # fmt: skip
BELOW_BUILTIN = LAYERS[: LAYERS.index("hookspecs") + 1]
WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 240, 66, 26, 38, 16  # px


def modules() -> dict[str, Path]:
    """Every module of imbalkit, imbalkit_lite and the plugins by its dotted name."""
    found = {}
    plugins = [(TOP / "plugins", package) for package in PLUGINS]
    for root, package in ((TOP, "imbalkit"), (TOP / "plugins" / "imbalkit_lite", "imbalkit_lite"), *plugins):
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of `known` that a file imports, wherever in the file that stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in known:
                    yield full
                elif node.module in known:
                    yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)


def module_graph() -> dict[str, set[str]]:
    """module -> the modules that it imports."""
    known = modules()
    return {name: {other for other in imports_of(path, known) if other != name} for name, path in known.items()}


def room_of(module: str) -> str:
    """The package (or top-level module) that a module belongs to: "imbalkit.plan.counts" -> "plan"; "" for imbalkit itself."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == "imbalkit" else top


def room_graph() -> dict[str, set[str]]:
    """room -> the rooms that it imports, without the plugins and the entrances (which name what is imported later)."""
    rooms: dict[str, set[str]] = {}
    for module, others in module_graph().items():
        room = room_of(module)
        if room not in ("", "__main__", *PLUGINS):
            rooms.setdefault(room, set()).update({room_of(other) for other in others} - {room, ""})
    return rooms


def floors(graph: dict[str, set[str]]) -> list[list[str]]:
    """The rooms by height: each stands one floor above the highest room that it imports. For a graph without circles."""
    height: dict[str, int] = {}

    def measure(room: str) -> int:
        if room not in height:
            height[room] = 1 + max((measure(other) for other in graph[room]), default=-1)
        return height[room]

    for room in graph:
        measure(room)
    order = (*LAYERS, BUILTIN)
    found: list[list[str]] = [[] for _ in range(max(height.values()) + 1)]
    for room in sorted(graph, key=order.index):
        found[height[room]].append(room)
    return found


def direct(graph: dict[str, set[str]]) -> list[tuple[str, str]]:
    """The imports that no chain of others stands for (the transitive reduction): few enough to be drawn."""

    def below(room: str) -> set[str]:
        return set().union(*({other} | below(other) for other in graph[room]))

    return [(a, b) for a in graph for b in graph[a] if not any(b in below(c) for c in graph[a] - {b})]


def purpose(room: str) -> str:
    """The first sentence of a room's docstring."""
    known = modules()
    path = known["imbalkit_lite"] if room == "imbalkit_lite" else known[f"imbalkit.{room}"]
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n\n")[0].replace("\n", " ").partition(". ")[0].replace("`", "").rstrip(".")


def picture() -> str:
    """The layers as SVG, the ground below."""
    graph = room_graph()
    rows = floors(graph)
    widest = max(len(row) for row in rows)
    width = 2 * MARGIN + widest * WIDTH + (widest - 1) * GAP_X
    height = 2 * MARGIN + len(rows) * HEIGHT + (len(rows) - 1) * GAP_Y
    place = {}
    for floor, row in enumerate(rows):
        left = (width - len(row) * WIDTH - (len(row) - 1) * GAP_X) / 2
        for index, room in enumerate(row):
            place[room] = (left + index * (WIDTH + GAP_X), height - MARGIN - HEIGHT - floor * (HEIGHT + GAP_Y))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        "<title>The layers of imbalkit, drawn from its imports: each room imports only rooms below it</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#fff"/>',
    ]
    for a, b in sorted(direct(graph)):
        (x, y), (u, v) = place[a], place[b]
        start, end = (x + WIDTH / 2, y + HEIGHT), (u + WIDTH / 2, v)
        middle = (start[1] + end[1]) / 2
        lines.append(
            f'<path d="M{start[0]:g} {start[1]:g} C{start[0]:g} {middle:g} {end[0]:g} {middle:g} {end[0]:g} {end[1]:g}" '
            'fill="none" stroke="#8a9a98" stroke-width="1.2"/>'
        )
    for room, (x, y) in place.items():
        fill = "#fdf0d5" if room == BUILTIN else "#e0f2f1"
        lines.append(
            f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{fill}" stroke="#4f6d6a"/>'
        )
        lines.append(
            f'<text x="{x + 10:g}" y="{y + 18:g}" font-size="13" font-weight="bold" fill="#12302d">{room}</text>'
        )
        for index, line in enumerate(textwrap.wrap(purpose(room), 42, max_lines=3, placeholder=" ...")):
            lines.append(
                f'<text x="{x + 10:g}" y="{y + 33 + 12 * index:g}" font-size="10" fill="#33504d">{escape(line)}</text>'
            )
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
