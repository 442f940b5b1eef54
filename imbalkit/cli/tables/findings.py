"""What `imbalkit init` found in new data, on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.table import Table as RichTable

from imbalkit.base.console import MOST_COLUMNS, MOST_ROWS, Screen, plain
from imbalkit.base.text import ratio_text, share_text
from imbalkit.errors import listing
from imbalkit.inspection.findings import Findings
from imbalkit_lite.text import printable


def print_findings(found: Findings, screen: Screen) -> None:
    """Classes, labels, groups, sizes, colours, notes, and the images that cannot be read."""
    _print_classes(found, screen)
    images = [] if found.table.features is not None else _image_lines(found)
    for line in [*_label_lines(found), *images, *found.table.all_notes, *found.hints]:
        screen.say(line)
    if found.table.features is not None:
        screen.say("no column names images, and none lie beside: the columns themselves are the samples (`features`)")
        return
    if found.bad:
        screen.print(
            f"\n[red]{len(found.bad)} image{'s' if len(found.bad) > 1 else ''} cannot be read[/] (the recipe skips them):"
        )
        for path, reason in found.bad:
            screen.say(f"  {printable(path)}: {reason}")
    else:
        screen.print("every image can be read")


def _print_classes(found: Findings, screen: Screen) -> None:
    """Images of each class; of very many classes, of the smallest and the largest."""
    table, counts = found.table, found.table.counts()
    rows = RichTable(box=box.SIMPLE_HEAD)
    rows.add_column("class")
    rows.add_column(found.unit, justify="right")
    rows.add_column("share", justify="right")
    by_size = sorted(zip(table.classes, counts, strict=True), key=lambda pair: pair[1])
    few = MOST_COLUMNS // 2
    many = len(by_size) > MOST_ROWS
    for name, count in [*by_size[:few], *by_size[-few:]] if many else zip(table.classes, counts, strict=True):
        rows.add_row(plain(name), f"{count:,}", share_text(count / len(table)))
    screen.print(rows)
    if many:
        screen.say(f"(the {few} smallest and the {few} largest of {len(by_size):,} classes)")
    screen.say(
        f"{len(table):,} {found.unit}, {len(table.classes)} classes, balance ratio {ratio_text(min(counts) / max(counts))} "
        "(smallest / largest class)"
    )


def _label_lines(found: Findings) -> Iterable[str]:
    """Where labels, groups and the split of a table come from."""
    table = found.table
    part: Any = found.part
    if hasattr(part, "label_sources"):
        columns = part.label_sources
        labels = f"column{'s' * (len(columns) > 1)} {listing(columns, 30)}"
        yield f"paths: {part.path_template or 'column ' + part.path_column}; labels: {labels}"
    elif table.features is not None:
        yield f"labels: column {part.label_column}"
    if found.labels[1:]:
        yield f"may hold the labels too: {listing(found.labels[1:])}"
    if found.groups:
        groups = table.groups
        many = "" if groups is None else f" ({len(set(groups.tolist())):,} groups; none will be in two splits)"
        yield f"groups: column {found.groups[0]}{many}"
        if found.groups[1:]:
            yield f"may hold groups too: {', '.join(found.groups[1:])}"
    if "split" in table.frame:
        yield "split: " + ", ".join(f"{name} {count:,}" for name, count in table.frame["split"].value_counts().items())


def _image_lines(found: Findings) -> Iterable[str]:
    """Sizes and colours of the images."""
    sizes = found.sizes
    (height, width), count = sizes.most_common(1)[0]
    if len(sizes) == 1:
        yield f"sizes: all {height}x{width} px (height x width)"
    else:
        span = f"{_span(size[0] for size in sizes)} x {_span(size[1] for size in sizes)} px (height x width)"
        yield f"sizes: {span}, {len(sizes):,} different, most often {height}x{width} ({count:,})"
    yield "colours: " + ", ".join(f"{mode} {number:,}" for mode, number in found.modes.most_common())


def _span(values: Iterable[int]) -> str:
    values = list(values)
    return f"{min(values)}-{max(values)}" if min(values) != max(values) else str(values[0])
