"""Images in one folder a class."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, field_validator

from imbalkit.base.yaml_text import one_line
from imbalkit.builtin.datasets.parameters import HOW_TO_GET, MISSING_GROUPS
from imbalkit.data.folder_layout import LayoutError, check_names, empty_folders, find_splits, layout_cautions
from imbalkit.data.labels import check_words
from imbalkit.data.split_names import mentions_split
from imbalkit.kinds import (
    SPLITS,
    DataError,
    Dataset,
    LabelNames,
    PathText,
    Text,
    class_order,
    existing_path,
    listing,
    nearest,
    param,
)
from imbalkit_lite.containers import is_container, is_remote, join_address, split_address
from imbalkit_lite.folders import Listing, endings_text, list_folder
from imbalkit_lite.left_out import endings_by_folder, left_out

if TYPE_CHECKING:
    from imbalkit.kinds import Table


def _in_container(root: Path) -> bool:
    return split_address(root) is not None or is_container(root)


def _side(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() in SPLITS:
        return SPLITS[value.strip().lower()]
    raise ValueError(f"expected one of {', '.join(SPLITS)}, got {value!r}")


class ImageFolder(Dataset):
    """Images sorted into one folder a class, at any depth below it.

    Where every top-level folder with images is a split (train, val, valid, validation, dev, test), the class folders
    are looked for one level down and the table gets a `split` column; `splits` names such folders where they are called
    otherwise. What cannot be read, hidden files, and folders of file servers and systems are left out; what a user may
    miss is reported.
    """

    name = "image_folder"

    root: PathText = param(
        help="folder that holds one folder a class, or one a split with the class folders in it; or a container of such "
        "folders (photos.zip, photos.tar, photos.zip!train)"
    )
    classes: list[Text] | None = param(
        None, help="classes to use, in their order (default: all, in natural order)", min_length=1
    )
    labels: LabelNames | None = param(
        None,
        help="class folder -> class, such as {mel: malignant, bcc: malignant, nv: benign}, which merges folders; its "
        "order is the order of the classes",
    )
    splits: dict[Text, Annotated[str, BeforeValidator(_side)]] | None = param(
        None,
        help="folder in root -> train, validation or test, such as {train_images: train}, where names do not tell; "
        "folders that are not named are left out; {}: no folder is a split",
    )
    ignore: list[Text] = param(
        [],
        help="folders to leave out: a name at any depth, such as unlabelled, or a path below root, such as /train/unsure",
    )
    follow_links: bool = param(
        False, help="follow links inside class folders that lead out of root; class folders may always be links"
    )
    group_pattern: str | None = param(
        None,
        help="regular expression with one (group), searched in the path below root: images with the same find, such as "
        "one patient's, stay in one split",
    )
    missing_groups: list[Text] | None = param(None, help=MISSING_GROUPS)
    how_to_get: str | None = param(None, help=HOW_TO_GET)

    @field_validator("group_pattern")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        try:
            groups = re.compile(value or "()").groups
        except re.error as error:
            raise ValueError(f"expected a regular expression: {error}") from None
        if groups != 1:
            raise ValueError(f"expected a regular expression with one (group), got {groups}")
        return value

    def load(self) -> Table:
        """All images below the class folders. Raises DataError for a missing root or class folder, or no images."""
        import pandas as pd

        from imbalkit.kinds import Table

        root = self._root()
        found = self.look(root)
        splits = self._splits(found, root)
        depth = 1 if splits is None else 2
        images, cautions, notes = self._in_class_folders(found, root, splits)
        parts = [image.split("/", depth) for image in images]
        start, separator = (join_address(root, ""), "/") if _in_container(root) else (os.path.join(root, ""), os.sep)
        folders = [part[depth - 1] for part in parts]
        frame: dict[str, Any] = {"path": [start + image.replace("/", separator) for image in images], "label": folders}
        if splits is not None:
            frame["split"] = [splits[part[0]] for part in parts]
        if self.group_pattern:
            matches = [re.search(self.group_pattern, image) for image in images]
            groups = pd.Series([match.group(1) if match else None for match in matches], dtype=object)
            check_words(groups, self.missing_groups, "missing_groups")
            frame["group"] = groups.mask(groups.isin(self.missing_groups or ()))
        cautions += left_out(found, depth, "; to follow them set data.follow_links to true")
        cautions += self._empty_folders(found, set(folders), splits)
        cautions += layout_cautions(images) if self.splits is None and splits is None else []
        table = pd.DataFrame(frame)
        if self.labels is not None:
            table["label"] = self._merged(table["label"], self.labels)
        table, more = self._chosen(table, found)
        classes = self.classes or class_order(self.labels, table["label"].unique())
        return Table.build(table, classes=classes, notes=(*notes, *more), cautions=cautions)

    def _root(self) -> Path:
        if is_remote(self.root):
            raise DataError(
                f"class folders at a remote place are not looked through ({self.root}): write a table of its paths, or copy them"
            )
        address = split_address(self.root)
        file = self.root if address is None else address.place
        inside = address is not None or is_container(file)
        found = existing_path(file, "container" if inside else "image folder", self.how_to_get, folder=not inside)
        return found if address is None else Path(f"{found}!{address.member}")

    def look(self, root: Path) -> Listing:
        """What lies below the root. Raises DataError where `ignore` names nothing that is there."""
        try:
            names = [] if _in_container(root) else os.listdir(root)
        except OSError as error:
            raise DataError(f"{root.absolute()} cannot be listed: {error.strerror or error}") from None
        tops = [name for name in names if mentions_split(name) or name in (self.splits or ())]
        ignore = [name.rstrip("/") for name in self.ignore]
        found = list_folder(root, ignore, None if self.follow_links else ("", *tops))
        known = {place.rpartition("/")[2] for place in found.ignored} | set(found.ignored)
        for name in ignore:
            if name.lstrip("/") not in known:
                there = [*found.folders, *(place.rpartition("/")[2] for place in found.folders)]
                raise DataError(
                    f"`ignore` names {name!r}, but there is no such folder in {root.absolute()}{nearest(name, there)}"
                )
        return found

    def _splits(self, found: Listing, root: Path) -> Mapping[str, str] | None:
        """Top-level folder -> split; None where the top-level folders are classes."""
        if self.splits is None:
            return find_splits(found.images) or None
        tops = sorted({image.split("/")[0] for image in found.images if "/" in image})
        for name in self.splits:
            if name not in tops:
                raise DataError(
                    f"`splits` names {name!r}, but there is no such folder with images in {root.absolute()}"
                    f"{nearest(name, tops)} (found: {listing(tops)})"
                )
        return self.splits or None

    def _in_class_folders(
        self, found: Listing, root: Path, splits: Mapping[str, str] | None
    ) -> tuple[list[str], list[str], list[str]]:
        """The images to use, and cautions and notes on the others."""
        cautions, notes = [], []
        images = [image for image in found.images if "/" in image]
        stray = len(found.images) - len(images)
        if not images:
            raise DataError(
                f"expected one folder a class with images (.jpg, .png, ...) in {root.absolute()}, found "
                + (f"{stray} images that are in no class folder" if stray else "no images")
                + "".join(f"; {shown}" for shown in left_out(found))
            )
        check_names(images, root)
        if stray:
            cautions.append(f"{stray} images directly in {self.root} have no class folder and are left out")
        if found.ignored:
            count = sum(found.ignored.values())
            notes.append(f"`ignore` leaves out {count:,} images ({listing(found.ignored)})")
        if found.others:
            notes.append(f"{found.others.total():,} other files are no pictures ({endings_text(found.others)})")
        if splits is None:
            return images, cautions, notes
        outside = [image for image in images if image.split("/")[0] not in splits]
        if outside:
            tops = sorted({image.split("/")[0] for image in outside})
            notes.append(
                f"{len(outside):,} images of folders that `splits` does not name are left out ({listing(tops)})"
            )
        images = [image for image in images if image.split("/")[0] in splits]
        flat = sorted({image.split("/")[0] for image in images if image.count("/") == 1})
        if flat:
            rest = {top: side for top, side in splits.items() if top not in flat}
            proposal = {"splits": rest} if self.splits else {"ignore": [*self.ignore, *flat]}
            leave_out = "take it out of `splits`" if self.splits else f"leave it out with `ignore: {one_line(flat)}`"
            raise LayoutError(
                f"expected class folders in {root.absolute() / flat[0]}, found images; sort them into class folders, "
                f"{leave_out}, or say `splits: {{}}` if {listing(splits)} are classes",
                proposal if rest else {},
            )
        return images, cautions, notes

    def _empty_folders(self, found: Listing, used: Collection[str], splits: Mapping[str, str] | None) -> list[str]:
        """Cautions on folders without a picture that can be read, of which no class is made."""
        names = self.labels or {}
        empty = [
            place
            for place, folder in empty_folders(found, used, splits)
            if self.classes is None or names.get(folder, folder) in self.classes
        ]
        if not empty:
            return []
        level = 1 if splits is None else 2
        shown = []
        for place in empty:
            inside = [path for path in (*found.unreadable, *found.unnamed) if path.startswith(f"{place}/")]
            shown.append(f"{place} ({endings_by_folder(inside, level).partition(': ')[2]})" if inside else place)
        return [
            f"no picture that can be read is in {listing(shown)}: no class is made of "
            f"{'it' if len(empty) == 1 else 'them'}; if that is right, say `ignore: {one_line(empty)}`"
        ]

    def _merged(self, folders: Any, names: Mapping[str, str]) -> Any:
        """Class folders to classes. Raises DataError for a folder without a class, and a class without a folder."""
        known = sorted(folders.unique())
        unknown = [name for name in known if name not in names]
        if unknown:
            raise DataError(
                f"`labels` names no class for the folder {listing(map(repr, unknown))}{nearest(unknown[0], names)}; it knows "
                f"{listing(map(repr, names))}: name it there, or leave it out with `ignore`"
            )
        classes = {names[folder] for folder in known}
        for folder, name in names.items():
            if name not in classes:
                raise DataError(
                    f"`labels` makes the class {name!r} of the folder {folder!r}, but there is no such folder with images"
                    f"{nearest(folder, known)} (found: {listing(known)})"
                )
        return folders.map(dict(names))

    def _chosen(self, table: Any, found: Listing) -> tuple[Any, list[str]]:
        """Only the classes asked for, and notes on what is odd."""
        known = sorted(table["label"].unique())
        notes = []
        if self.classes is not None:
            for name in self.classes:
                if name not in known:
                    what = "class folder" if self.labels is None else "class"
                    raise DataError(
                        f"there is no {what} {name!r} with images in {found.root.absolute()}"
                        f"{nearest(name, known)} (found: {listing(known)})"
                        + "".join(f"; {shown}" for shown in left_out(found))
                    )
            others = table[~table["label"].isin(self.classes)]
            if len(others):
                notes.append(f"{len(others)} images of other classes are left out: {listing(others['label'].unique())}")
            table = table[table["label"].isin(self.classes)]
        if "split" in table:
            for split, rows in table.groupby("split"):
                absent = sorted(set(table["label"]) - set(rows["label"]))
                if absent:
                    notes.append(f"the split {split!r} has no images of {listing(absent)}")
        return table, notes
