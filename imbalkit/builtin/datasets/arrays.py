"""Images and labels in a NumPy `.npz` file."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from imbalkit.builtin.datasets.parameters import HOW_TO_GET, MISSING_GROUPS, MISSING_LABELS
from imbalkit.data.labels import check_words
from imbalkit.data.split_names import SPLITS
from imbalkit.kinds import (
    DataError,
    Dataset,
    LabelNames,
    PathText,
    Text,
    class_order,
    existing_path,
    listing,
    map_labels,
    nearest,
    param,
    split_names,
)

if TYPE_CHECKING:
    import numpy as np

    from imbalkit.kinds import Table

_PAIRS = (("x", "y"), ("X", "y"), ("images", "labels"), ("image", "label"), ("data", "target"), ("data", "labels"))
_SPLIT_PAIRS = (("{}_images", "{}_labels"), ("x_{}", "y_{}"), ("X_{}", "y_{}"))  # MedMNIST, Keras, scikit-learn


class Arrays(Dataset):
    """Images [n, h, w] or [n, h, w, c] and labels [n] in one `.npz` file, in memory.

    uint8 is taken as it is; floats must lie within 0..1 and become round(255 x); other integers must fit 0..255.
    """

    name = "arrays"

    file: PathText = param(help="NumPy .npz file")
    images: str | None = param(
        None,
        help="name of the images in the file (default: x, images or data, or one array a split such as train_images "
        "or x_train)",
    )
    labels_array: str | None = param(None, help="name of the labels in the file (default: y, labels or target)")
    groups: str | None = param(None, help="name of the groups, such as patients, whose images stay in one split")
    split: str | None = param(None, help="name of an array that says train, validation or test")
    labels: LabelNames | None = param(
        None, help="raw label -> class name, such as {0: other, 1: melanoma}; its order is the order of the classes"
    )
    missing_labels: list[Text] | None = param(None, help=MISSING_LABELS)
    missing_groups: list[Text] | None = param(None, help=MISSING_GROUPS)
    how_to_get: str | None = param(None, help=HOW_TO_GET)

    def load(self) -> Table:
        """All images. Raises DataError for unclear keys, shapes that do not fit, or values outside the range."""
        import numpy as np
        import pandas as pd

        from imbalkit.data.pixels import as_uint8
        from imbalkit.kinds import Table, label_text

        file = existing_path(self.file, "array file", self.how_to_get)
        if not zipfile.is_zipfile(file):
            raise DataError(f"{file.absolute()} is not an .npz file: write one with np.savez(file, x=images, y=labels)")
        try:
            with np.load(file, allow_pickle=False) as archive:
                present = list(archive.files)
                keys = self._keys(present)
                used = {name for _, x, y in keys for name in (x, y)}
                images = _joined([as_uint8(archive[x], f"array {x!r}") for _, x, _ in keys], "images")
                parts = [_flat(archive[y], y) for _, _, y in keys]
                extra = {key: _flat(archive[key], key) for key in (self.groups, self.split) if key}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            pickled = "allow_pickle" in str(error)
            raise DataError(
                f"{file.absolute()} "
                + (
                    "holds Python objects: save text as np.array(values, dtype=str)"
                    if pickled
                    else "is not a NumPy file"
                )
            ) from None
        labels = _joined(parts, "labels")
        split = np.repeat([name for name, _, _ in keys], [len(part) for part in parts])
        for what, values in {"labels": labels, **extra}.items():
            if len(values) != len(images):
                raise DataError(f"{file.absolute()}: {len(images)} images but {len(values)} of {what!r}")
        known = pd.Series(labels)
        found = label_text(known.dropna()).reindex(known.index)  # a gap (nan) is no class
        gaps = np.flatnonzero(found.isna())
        if len(gaps) and "" not in (self.missing_labels or ()):
            raise DataError(
                f"{len(gaps)} of {len(known)} images of {file.absolute()} have no label (rows {listing(map(str, gaps), 10)}): "
                'give them one, or leave such images out with missing_labels: [""]'
            )
        frame = pd.DataFrame({"label": found.fillna("")})
        check_words(frame["label"], self.missing_labels, "missing_labels")
        left_out = frame["label"].isin(self.missing_labels or ()).to_numpy()
        if self.groups:
            groups = pd.Series(extra[self.groups])
            groups = label_text(groups.dropna()).reindex(groups.index)
            check_words(groups, self.missing_groups, "missing_groups")
            frame["group"] = groups.mask(groups.isin(self.missing_groups or ()))
        if self.split:
            frame["split"] = split_names(pd.Series(extra[self.split]), f"array {self.split!r} of {file.absolute()}")
        elif keys[0][0]:
            frame["split"] = split_names(pd.Series(split), f"{file.absolute()}")
        removed = None
        if left_out.any():
            removed = frame.loc[left_out, ["label"]].assign(reason="missing_label", row=np.flatnonzero(left_out))
            frame, images = frame[~left_out], images[~left_out]
        if self.labels is not None:
            frame["label"] = map_labels(frame["label"], self.labels)
        unused = [name for name in present if name not in {*used, *extra}]
        notes = [f"arrays of {file.name} that are not used: {listing(unused)}"] if unused else []
        classes = class_order(self.labels, frame["label"])
        return Table.build(frame, arrays=images, classes=classes, removed=removed, notes=notes)

    def _keys(self, present: list[str]) -> list[tuple[str, str, str]]:
        """(split, images, labels) by name; one entry with an empty split unless the file has an array a split."""
        for key in (self.images, self.labels_array, self.groups, self.split):
            if key is not None and key not in present:
                raise DataError(f"{self.file} has no array {key!r}{nearest(key, present)} (arrays: {listing(present)})")
        if self.images and self.labels_array:
            return [("", self.images, self.labels_array)]
        found = [
            ("", x, y)
            for x, y in _PAIRS
            if x in present and y in present and self.images in (None, x) and self.labels_array in (None, y)
        ]
        if not found and not (self.images or self.labels_array or self.split or self.groups):
            for x, y in _SPLIT_PAIRS:
                splits = [name for name in SPLITS if {x.format(name), y.format(name)} <= set(present)]
                if splits:
                    return [(split, x.format(split), y.format(split)) for split in splits]
        if len(found) != 1:
            raise DataError(
                f"{self.file} leaves open which arrays are the images and the labels (arrays: {listing(present)}): "
                "name them with `images` and `labels_array`"
            )
        return found


def _joined(arrays: list[np.ndarray], what: str) -> np.ndarray:
    import numpy as np

    if len({array.shape[1:] for array in arrays}) > 1:
        raise DataError(
            f"the splits' {what} have different shapes: {listing(str(list(array.shape)) for array in arrays)}"
        )
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _flat(array: np.ndarray, key: str) -> np.ndarray:
    """Labels, groups or splits [n] (or [n, 1]); bytes become text."""
    import numpy as np

    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.ndim != 1:
        raise DataError(
            f"expected array {key!r} of shape [n], got {list(array.shape)} (one label an image; no one-hot)"
        )
    if array.dtype.kind != "S":
        return array
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError:
        raise DataError(
            f"array {key!r} holds bytes that are no UTF-8 text: save it as np.array(values, dtype=str)"
        ) from None
