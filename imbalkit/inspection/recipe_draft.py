"""What `imbalkit init` finds in a new user's data, and the commented recipe it writes from that."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit.base.text import ratio_text
from imbalkit.data.split_names import split_like
from imbalkit.errors import DataError, listing
from imbalkit.inspection.columns import inspect_table
from imbalkit.inspection.findings import Findings, data_set
from imbalkit.inspection.folders import inspect_folder
from imbalkit_lite.paths import local_path
from imbalkit_lite.text import printable

if TYPE_CHECKING:
    from imbalkit.data.table import Table


def inspect(
    path: Path,
    root: Path | None = None,
    label: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Findings:
    """Look at a folder, a table or an `.npz` file.

    Args:
        path: folder with one folder a class, or with one table; or a CSV, TSV, Parquet or `.npz` file
        root: folder that a table's image paths start at (default: looked for below the table's folder)
        label: a table's label column (default: guessed)
        progress: called with (images checked, images in all)

    Raises:
        DataError: what was looked for and not found
    """
    found = _find(path, root, label)
    counts, classes = found.table.counts(), found.table.classes
    if len(classes) < 2:
        raise DataError(f"found one class only, {classes[0]!r} ({counts[0]} images): a classifier needs two or more")
    _scan(found, progress)
    if not found.sizes:
        raise DataError(f"none of the {len(found.table)} images can be read: the first is {': '.join(found.bad[0])}")
    unread = {path for path, _ in found.bad}
    unread_labels = Counter(found.table.frame.loc[found.table.frame["path"].isin(unread), "label"]) if unread else {}
    gone = [name for name, count in zip(classes, counts, strict=True) if unread_labels.get(name) == count]
    if gone:
        found.hints.append(
            f"no image of {listing(gone)} can be read: a run stops there; fix them, or leave the class out"
        )
    found.hints += _splits_in_paths(found.table)
    few = [f"{name} ({count})" for name, count in zip(classes, counts, strict=True) if count < 10]
    if few:
        found.hints.append(f"too few images to train and test on: {listing(few)}")
    return found


def _find(path: Path, root: Path | None, label: str | None) -> Findings:
    place = Path(local_path(str(path)))
    if not place.exists():
        raise DataError(f"there is nothing at {place.absolute()}: name a folder of images or a CSV file")
    if place.is_file():
        if place.suffix.lower() == ".npz":
            part = data_set("arrays", file=str(path))
            return Findings(part, part.load())
        return inspect_table(path, root, label)
    return inspect_folder(path, root, label)


def _splits_in_paths(table: Table) -> list[str]:
    """A hint where the folders of the images are named like splits, and the table does not say which is which."""
    if "split" in table.frame or "path" not in table.frame:
        return []
    places = {os.path.abspath(os.path.dirname(path)) for path in table.frame["path"]}
    folders = {name for place in places for name in Path(os.path.relpath(place, os.path.commonpath(places))).parts}
    splits = {name: split_like(name) for name in sorted(folders) if split_like(name)}
    if len(set(splits.values())) < 2:
        return []
    return [
        f"the images lie in folders that are named like splits ({listing(splits)}), but the data do not say which image is "
        "where: the split is drawn anew; to use them, add a column with train and test and name it in split_column"
    ]


def _scan(found: Findings, progress: Callable[[int, int], None] | None) -> None:
    """Read every image once, on all cores."""
    from imbalkit.data.cache import available_cores
    from imbalkit.data.dark_images import bits_held, darkness_of_files
    from imbalkit_lite.images import Probe, probe

    if found.table.arrays is not None:
        n, height, width, channels = found.table.arrays.shape
        found.sizes[height, width] += n
        found.modes["RGB" if channels == 3 else "L"] += n
        return

    def look(path: str) -> tuple[str, Probe | str]:
        try:
            return path, probe(path)
        except DataError as error:
            return path, str(error).removeprefix(f"{path}: ")

    paths = list(dict.fromkeys(found.table.frame["path"]))
    probes = []
    with ThreadPoolExecutor(available_cores()) as pool:
        for done, (path, result) in enumerate(pool.map(look, paths), start=1):
            if isinstance(result, str):
                found.bad.append((path, result))
            else:
                found.sizes[result[:2]] += 1
                found.modes[result.mode] += 1
                probes.append(result)
            if progress:
                progress(done, len(paths))
    found.bits = bits_held(probes)
    found.hints += darkness_of_files(probes)


def planned(found: Findings, out: Path) -> list[str]:
    """What `imbalkit plan` reports of the recipe that was written, beside the notes on the data: of its split, or a refusal."""
    from imbalkit.base.parameters import parameters_text
    from imbalkit.errors import RecipeError
    from imbalkit.recipe.prepare import Loaded, prepare

    try:
        prepared = prepare(out, loaded=Loaded(tables={parameters_text(found.part): found.table}))
    except RecipeError as error:
        return [f"`imbalkit plan` refuses the recipe as it is: {problem.message}" for problem in error.problems]
    return list(prepared.split.notes)


def recipe_text(found: Findings, out: Path) -> str:
    """The recipe, with comments, as YAML that runs as it is."""
    from imbalkit.base.yaml_text import one_line

    table, counts = found.table, found.table.counts()

    given = found.part.model_dump(exclude_defaults=True)
    data = [f"  {key}: {one_line(value)}" for key, value in given.items()]
    if found.labels[1:]:
        data.append(f"  # other columns that may hold the labels: {', '.join(found.labels[1:])}")
    if found.groups and not getattr(found.part, "group_column", None):
        data.append(f"  # group_column: {one_line(found.groups[0])}  # rows of one value stay in one split")
    elif found.groups[1:]:
        data.append(f"  # other columns that may hold the groups: {', '.join(found.groups[1:])}")
    if found.group_pattern:
        data.append(f"  # group_pattern: {one_line(found.group_pattern)}  # images of one match stay in one split")
    bad = f"skip  # {len(found.bad)} could not be read; error: stop instead" if found.bad else "error  # or skip"
    whole = ", ".join(f"{name} {count}" for name, count in zip(table.classes[:20], counts, strict=False))
    ratio = min(counts) / max(counts)
    batch = max(8, min(64, 2 ** (len(table) // 16).bit_length()))
    lines = [
        f"# {len(table)} images in {len(table.classes)} classes: {whole}{', ...' if len(counts) > 20 else ''}",
        f"# (balance ratio {ratio_text(ratio)}: smallest / largest class).",
        f"# Class counts before and after each sampler: imbalkit plan {out}",
        f"# Train, evaluate and write a report:         imbalkit run {out}",
        "",
        "data:",
        *data,
    ]
    if found.positive is not None:
        lines += [
            "",
            f"positive: {one_line(found.positive)}  # the class that must not be missed; recall is reported for it",
        ]
    lines += [
        "",
        "images:",
        f"  size: {found.image_size}  # px, or [height, width]; larger sees more and takes longer",
        "  resize: stretch  # to the size whatever the shape; or crop (cut the centre out), or pad (black rim)",
        *(
            [f"  bits: {found.bits}  # that the 16-bit pictures hold: white is {2**found.bits - 1}"]
            if found.bits
            else []
        ),
        f"  on_bad_image: {bad}",
        "",
        "split:",
        "  seed: 0  # apart from the seed below: the test images stay while training varies",
        *(
            ["  column: split  # the data say which images are train, validation and test"]
            if "split" in table.frame and (table.frame["split"] == "test").any()
            else ["  validation: 0.2  # shares of all images", "  test: 0.2"]
        ),
        "",
        "# What is done to the training rows, in order; `imbalkit plugins sampler` lists the methods, for instance:",
        "#   samplers:",
        "#     - name: random_over   # repeat rows of the smaller classes until all are as large as the largest",
        "samplers: []",
        "",
        "backbone:",
        "  name: small_cnn  # small, for a first look; for photographs take a pretrained network:",
        "  # name: timm",
        "  # model: efficientnet_b0",
        "  # pretrained: true",
        "",
        "loss:",
        f"  name: {'inverse_ce' if ratio < 0.5 else 'ce'}  # `imbalkit plugins loss` lists them all",
        "",
        "training:",
        "  epochs: 10",
        f"  batch_size: {batch}",
        "",
        "seed: 0",
    ]
    # A name may hold a line break, which would end a comment.
    return "\n".join(map(printable, lines)) + "\n"
