"""What `imbalkit init` finds in a new user's data, and the commented recipe it writes from that."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit.base.text import ratio_text
from imbalkit.data.split_names import split_like
from imbalkit.errors import DataError, listing, nearest
from imbalkit.inspection.columns import inspect_table
from imbalkit.inspection.containers import holds_images, inspect_container
from imbalkit.inspection.findings import Findings, data_set
from imbalkit.inspection.finer_labels import ENOUGH
from imbalkit.inspection.folders import inspect_folder
from imbalkit.inspection.label_columns import LABEL_NAMES
from imbalkit.inspection.starting_point import (
    DENSE,
    PRETRAINED,
    PRETRAINED_SIZE,
    SMALL,
    StartingPoint,
    has_no_up,
    held_out,
)
from imbalkit_lite.containers import split_address
from imbalkit_lite.paths import local_path
from imbalkit_lite.text import printable

if TYPE_CHECKING:
    from imbalkit.data.table import Table


def inspect(
    path: Path,
    root: Path | None = None,
    label: str | None = None,
    positive: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Findings:
    """Look at a folder, a table, a container or an `.npz` file.

    Args:
        path: folder with one folder a class, or with one table; or a CSV, TSV, Parquet or `.npz` file; or a container (zip, tar,
            HDF5) of class folders, or of images that a table beside it names
        root: folder or container that a table's image paths start at (default: looked for below the table's folder)
        label: a table's label column (default: guessed)
        positive: the class that must not be missed (default: the smaller one of two)
        progress: called with (images checked, images in all)

    Raises:
        DataError: what was looked for and not found
    """
    found = _with_finer_labels(_find(path, root, label), path, root, label, positive)
    counts, classes = found.table.counts(), found.table.classes
    if len(classes) < 2:
        raise DataError(
            f"found one class only, {classes[0]!r} ({counts[0]} {found.unit}): a classifier needs two or more"
        )
    if positive is not None:
        found.asked_positive = _class_named(positive, classes)
    if found.table.features is not None:
        return found
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


def _class_named(name: str, classes: tuple[str, ...]) -> str:
    """A class that is there. Raises DataError."""
    if name not in classes:
        raise DataError(
            f"--positive: the data have no class {name!r}{nearest(name, classes)} (classes: {listing(classes)})"
        )
    return name


def _with_finer_labels(
    found: Findings, path: Path, root: Path | None, label: str | None, positive: str | None
) -> Findings:
    """The data with labels that split a guessed two-class one further, where there are such; else with a hint at them.

    A network that learnt them ranked melanomas better than one that learnt melanoma or not (docs/best.md).
    """
    if not found.finer:
        return found
    guessed = found.labels[0]
    may = label is None and found.table.features is None and guessed.lower() not in LABEL_NAMES
    for finer in found.finer if may else ():
        if finer.fewest >= ENOUGH and positive in (None, finer.positive):
            hint = (
                f"column {finer.column!r} splits {guessed!r} into {finer.values} classes, of which {finer.positive!r} is "
                f"{found.positive!r}: the recipe trains on all of them, which ranked better (docs/best.md), and decides on "
                f"{finer.positive!r} against the rest; for two classes: `--label {shlex.quote(guessed)}`"
            )
            others = [name for name in found.labels if name != finer.column]
            split = _find(path, root, finer.column)
            if finer.positive in split.table.classes:  # not so where a value stands for several findings
                split.asked_positive = finer.positive
                split.labels, split.hints = [finer.column, *others], [*split.hints, hint]
                return split
    found.hints += [
        f"column {finer.column!r} splits {guessed!r} into {finer.values} classes, of which {finer.positive!r} is "
        f"{found.positive!r}: a network trained on all of them may rank better (docs/best.md); try "
        f"`--label {shlex.quote(finer.column)} --positive {shlex.quote(finer.positive)}`"
        for finer in found.finer
    ]
    return found


def _find(path: Path, root: Path | None, label: str | None) -> Findings:
    place = Path(local_path(str(path)))
    if split_address(place) is None and not place.exists():
        raise DataError(f"there is nothing at {place.absolute()}: name a folder of images or a CSV file")
    if split_address(place) is not None or place.is_file():
        if holds_images(place):
            return _of_table(inspect_container(path, label), label, root)
        if place.suffix.lower() == ".npz":
            part = data_set("arrays", file=str(path))
            return _of_table(Findings(part, part.load()), label, root)
        return inspect_table(path, root, label)
    return _of_table(inspect_folder(path, root, label), label, root)


def _of_table(found: Findings, label: str | None, root: Path | None) -> Findings:
    """The same findings. Raises DataError where a column or a root was named, and they are of no table that has either."""
    for option, given in (("--label", label), ("--root", root)):
        if given is not None and not hasattr(found.part, "label_column"):
            raise DataError(
                f"{option} {given}: it is about a table, and the data were read as `{found.part.name}`, which has none: name "
                f"the table itself, or leave {option} out"
            )
    return found


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
    """What `imbalkit plan` reports of the recipe that was written, beside the notes on the data: of its split and inputs, or a
    refusal."""
    from imbalkit.base.parameters import parameters_text
    from imbalkit.errors import RecipeError
    from imbalkit.recipe.prepare import Loaded, prepare

    try:
        prepared = prepare(out, loaded=Loaded(tables={parameters_text(found.part): found.table}))
    except RecipeError as error:
        return [f"`imbalkit plan` refuses the recipe as it is: {problem.message}" for problem in error.problems]
    return [*prepared.split.notes, *prepared.input_notes]


def recipe_text(found: Findings, start: StartingPoint, out: Path) -> str:
    """The recipe, with comments, as YAML that runs as it is."""
    table, counts = found.table, found.table.counts()
    whole = ", ".join(f"{name} {count}" for name, count in zip(table.classes[:20], counts, strict=False))
    sections = [
        [
            f"# {len(table)} {found.unit} in {len(table.classes)} classes: {whole}{', ...' if len(counts) > 20 else ''}",
            f"# (balance ratio {ratio_text(min(counts) / max(counts))}: smallest / largest class).",
            f"# Class counts before and after each sampler: imbalkit plan {out}",
            f"# Train, evaluate and write a report:         imbalkit run {out}",
        ],
        _data(found),
        _positive(found),
        _images(found, start) if table.features is None else [],
        _split(found),
        [
            "# What is done to the training rows, in order; `imbalkit plugins sampler` lists the methods, for instance:",
            "#   samplers:",
            "#     - name: random_over   # repeat rows of the smaller classes until all are as large as the largest",
            "samplers: []",
        ],
        ["augment:  # random changes, drawn anew each epoch", *(f"  {line}" for line in start.augment)]
        if start.augment
        else [],
        _backbone(start),
        ["loss:", f"  name: {start.loss}  # `imbalkit plugins loss` lists them all"],
        [
            "training:",
            f"  epochs: {start.settings.epochs}",
            f"  batch_size: {start.settings.batch_size}",
            f"  optimizer: {{lr: {start.settings.lr:g}}}",
            _monitor(table),
        ],
        _decision(found),
        [
            "predict:",
            "  views: dihedral  # mean over flips and quarter turns: ranks better, and takes 8 times the time; or none",
        ]
        if has_no_up(found)
        else [],
        ["seed: 0"],
    ]
    # A name may hold a line break, which would end a comment.
    return "\n\n".join("\n".join(map(printable, lines)) for lines in sections if lines) + "\n"


def _monitor(table: Table) -> str:
    """Networks for images keep the last epoch: the learning rate ends at 0, and the best epoch by few rows is one of high rate
    that was lucky (docs/best.md)."""
    if table.features is None:
        return (
            "  monitor: last  # the epoch that is kept; or that of the best metric on validation rows, such as roc_auc"
        )
    return "  monitor: roc_auc  # the epoch of best ROC AUC on validation rows is kept; or last"


def _data(found: Findings) -> list[str]:
    from imbalkit.base.yaml_text import one_line

    given = found.part.model_dump(exclude_defaults=True)
    lines = ["data:", *(f"  {key}: {one_line(value)}" for key, value in given.items())]
    if found.labels[1:]:
        lines.append(f"  # other columns that may hold the labels: {', '.join(found.labels[1:])}")
    if found.groups and not getattr(found.part, "group_column", None):
        lines.append(f"  # group_column: {one_line(found.groups[0])}  # rows of one value stay in one split")
    elif found.groups[1:]:
        lines.append(f"  # other columns that may hold the groups: {', '.join(found.groups[1:])}")
    if found.group_pattern:
        lines.append(f"  # group_pattern: {one_line(found.group_pattern)}  # images of one match stay in one split")
    return lines


def _positive(found: Findings) -> list[str]:
    from imbalkit.base.yaml_text import one_line

    if found.positive is None:
        return []
    return [f"positive: {one_line(found.positive)}  # the class that must not be missed; recall is reported for it"]


def _images(found: Findings, start: StartingPoint) -> list[str]:
    bad = f"skip  # {len(found.bad)} could not be read; error: stop instead" if found.bad else "error  # or skip"
    own = start.network == PRETRAINED
    size = "the network's own; 128 takes a third of the time" if own else "larger sees more and takes longer"
    lines = [
        "images:",
        f"  size: {start.size}  # px, or [height, width]; {size}",
        "  resize: stretch  # to the size whatever the shape; or crop (cut the centre out), or pad (black rim)",
    ]
    if found.bits:
        lines.append(f"  bits: {found.bits}  # that the 16-bit pictures hold: white is {2**found.bits - 1}")
    return [*lines, f"  on_bad_image: {bad}"]


def _split(found: Findings) -> list[str]:
    frame = found.table.frame
    lines = ["split:", "  seed: 0  # apart from the seed below: the test rows stay while training varies"]
    if "split" in frame and (frame["split"] == "test").any():
        return [*lines, "  column: split  # the data say which rows are train, validation and test"]
    if "split" in frame:
        there = listing(frame["split"].unique())
        lines.append(
            f"  # Drawn anew: the column has {there} and no test. With rows named test, {{column: split}} takes it as it is."
        )
    share = held_out(found)
    return [*lines, f"  validation: {share}  # shares of all rows; the rest is trained on", f"  test: {share}"]


def _backbone(start: StartingPoint) -> list[str]:
    if start.network == DENSE:
        return [
            "backbone:",
            f"  name: {DENSE}  # dense layers over the columns",
            "  hidden: [128, 64]",
            "  dropout: 0.1",
        ]
    network = ["name: timm", f"model: {PRETRAINED}", "pretrained: true"]
    if start.network == PRETRAINED:
        network[-1] += "  # ImageNet weights, which are on this machine"
        return ["backbone:", *(f"  {line}" for line in network)]
    if not start.install:
        return ["backbone:", f"  name: {SMALL}  # small, as the pictures are"]
    return [
        "backbone:",
        f"  name: {SMALL}  # from random weights. Photographs call for a pretrained one, whose weights are not here:",
        f"  #   {start.install}",
        f"  # and run init again. Where timm's hub can be reached this does as well, with size: {PRETRAINED_SIZE}:",
        *(f"  # {line}" for line in network),
    ]


def _decision(found: Findings) -> list[str]:
    """With a positive class a threshold chosen on validation; without, no class has the better start for being frequent."""
    if found.positive is not None:
        return [
            "decision:  # all of it from validation rows",
            "  prior: data  # probabilities for the class shares of the data, whatever the training shows more often",
            "  calibrator: temperature",
            "  threshold: youden  # of best balanced accuracy; or {name: target_recall, recall: 0.9}, or {name: cost, ratio: 10}",
        ]
    return [
        "decision:",
        "  prior: balanced  # each class as likely as any other before the picture is seen; or data, as frequent as here",
        "  calibrator: temperature",
    ]
