"""The plan: a table of rows to train on, never of pixels.

A row is (key u64, source u32, label u16, view u16). A view is a list of operations, kept once beside the columns; their
random parameters are a pure function of the plan's seed and the row's key, so that a row alone decides its pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.base.randomness import uniforms
from imbalkit.errors import PlanError
from imbalkit.plan.operation import Operation

if TYPE_CHECKING:
    from imbalkit.plan.dataset import PlanDataset

View = tuple[Operation, ...]
_GENERATION_SHIFT = np.uint64(48)  # a key is generation (16 bits) and position within the generation (48 bits)
_MOST_VIEWS = 65_535
_BLOCK = 1 << 16  # rows handled at a time: temporaries stay in the processor's cache, and memory is that of the columns
_COLUMNS = ("key", "source", "label", "view")


@dataclass(frozen=True, eq=False)
class Plan:
    """Rows to train on. Immutable: samplers return a new plan. Plans are equal where every row and view is.

    Attributes:
        key: uint64 [n], unique; source rows keep their source as key
        source: uint32 [n], the sample (of the table) a row is made from
        label: uint16 [n]
        view: uint16 [n], index into `views`
        views: the operations of each view; view 0 has none
        classes: class names by label code
        majority: label code of the largest class among the source training rows; never recomputed
        seed: decides the parameters of the views
        generation: how often rows were added
    """

    key: np.ndarray
    source: np.ndarray
    label: np.ndarray
    view: np.ndarray
    views: tuple[View, ...]
    classes: tuple[str, ...]
    majority: int
    seed: int = 0
    generation: int = 0

    @classmethod
    def from_labels(
        cls,
        labels: Any,
        classes: Sequence[str] | None = None,
        sources: Any = None,
        seed: int = 0,
    ) -> Plan:
        """A plan with one row a sample.

        Args:
            labels: label codes, int [n]
            classes: class names (default: the codes as text)
            sources: sample indices, int [n] (default: 0..n-1)
            seed: the plan's seed

        Raises:
            PlanError: labels or sources that are not codes, a label without a class name, a source twice
        """
        label = _codes(labels, np.uint16, "labels")
        source = np.arange(len(label), dtype=np.uint32) if sources is None else _codes(sources, np.uint32, "sources")
        if len(source) != len(label):
            raise PlanError(f"expected a source for each of {len(label)} labels, got {len(source)} sources")
        if sources is not None and not (source[:-1] < source[1:]).all() and len(np.unique(source)) < len(source):
            raise PlanError("expected every source once, got some twice; copies come from samplers")
        if classes is None:
            classes = [str(code) for code in range(int(label.max(initial=0)) + 1)]
        if label.max(initial=0) >= len(classes):
            raise PlanError(
                f"label {label.max(initial=0)} has no name: there are {len(classes)} classes (codes from 0)"
            )
        counts = _counted(label, len(classes))
        view = np.zeros(len(label), dtype=np.uint16)
        return cls(
            source.astype(np.uint64),
            source,
            label,
            view,
            ((),),
            tuple(classes),
            int(counts.argmax()),
            seed,
            generation=0,
        )

    def copy(self) -> Plan:
        """The same rows in arrays of their own."""
        return replace(self, **{name: getattr(self, name).copy() for name in _COLUMNS})

    def __len__(self) -> int:
        return len(self.key)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Plan):
            return NotImplemented
        columns = all(np.array_equal(getattr(self, name), getattr(other, name)) for name in _COLUMNS)
        return columns and all(
            getattr(self, name) == getattr(other, name)
            for name in ("views", "classes", "majority", "seed", "generation")
        )

    __hash__ = None  # type: ignore[assignment]

    def counts(self) -> tuple[int, ...]:
        """Rows of each class."""
        return tuple(int(count) for count in _counted(self.label, len(self.classes)))

    def rows_of(self, label: int) -> np.ndarray:
        """Positions of a class's rows, int64."""
        return np.flatnonzero(self.label == label)

    def select(self, rows: np.ndarray) -> Plan:
        """The plan with only these rows (positions, or a mask), in the plan's order."""
        rows = np.asarray(rows)
        if rows.dtype != np.bool_:
            chosen = np.zeros(len(self), dtype=np.bool_)
            chosen[rows] = True
            if np.count_nonzero(chosen) != len(rows):
                raise PlanError("a row was selected twice; copies come from Plan.append")
            rows = chosen
        columns = self._empty_columns(int(np.count_nonzero(rows)))
        filled = 0
        for block in _blocks(len(self)):
            # Positions of a block, then all columns: several times faster than each whole column by a mask.
            part = block.start + np.flatnonzero(rows[block])
            for name, column in columns.items():
                column[filled : filled + len(part)] = getattr(self, name)[part]
            filled += len(part)
        return replace(self, **columns)

    def drop(self, rows: np.ndarray) -> Plan:
        """The plan without these rows (positions)."""
        keep = np.ones(len(self), dtype=np.bool_)
        keep[rows] = False
        return self.select(keep)

    def append(self, rows: np.ndarray, views: Sequence[View] = ((),), which: np.ndarray | None = None) -> Plan:
        """The plan with copies of `rows` (positions, repeats allowed), each with the operations of a view on top.

        Args:
            rows: positions of the rows to copy, int [m]
            views: views to choose from
            which: the view of each copy, int [m], index into `views` (default: the first)
        """
        rows = np.asarray(rows)
        views = [tuple(view) for view in views]
        if not len(rows):
            return self
        if which is None:
            which = np.zeros(len(rows), dtype=np.uint8)
        # Only the combinations of a row's view and an added one that occur become views of the plan.
        occurs = np.zeros(len(self.views) * len(views), dtype=np.bool_)
        for block in _blocks(len(rows)):
            occurs[self.view[rows[block]] * np.int64(len(views)) + which[block]] = True
        known = {_identity(view): index for index, view in enumerate(self.views)}
        plan_views = list(self.views)
        code = np.zeros(len(occurs), dtype=np.int64)
        for pair in np.flatnonzero(occurs):
            parent, added = divmod(int(pair), len(views))
            view = (*self.views[parent], *views[added])
            code[pair] = known.setdefault(_identity(view), len(plan_views))
            if code[pair] == len(plan_views):
                plan_views.append(view)
        if len(plan_views) > _MOST_VIEWS:
            raise PlanError(
                f"the plan would have {len(plan_views)} different views; at most {_MOST_VIEWS:,} are possible"
            )
        generation = self.generation + 1
        first = np.uint64(generation) << _GENERATION_SHIFT
        old = len(self)
        columns = self._empty_columns(old + len(rows))
        for name, column in columns.items():
            column[:old] = getattr(self, name)
        for block in _blocks(len(rows)):
            part, target = rows[block], slice(old + block.start, old + block.stop)
            columns["key"][target] = first + np.arange(block.start, block.stop, dtype=np.uint64)
            columns["source"][target] = self.source[part]
            columns["label"][target] = self.label[part]
            columns["view"][target] = code[self.view[part] * np.int64(len(views)) + which[block]]
        return replace(self, **columns, views=tuple(plan_views), generation=generation)

    def add_samples(self, sources: np.ndarray, labels: np.ndarray) -> Plan:
        """The plan with a row of each of these samples, int [m], that no row of it shows yet; `labels` are codes, int [m]."""
        generation = self.generation + 1
        keys = (np.uint64(generation) << _GENERATION_SHIFT) + np.arange(len(sources), dtype=np.uint64)
        return replace(
            self,
            key=np.concatenate([self.key, keys]),
            source=np.concatenate([self.source, _codes(sources, np.uint32, "sources").astype(np.uint32)]),
            label=np.concatenate([self.label, _codes(labels, np.uint16, "labels").astype(np.uint16)]),
            view=np.concatenate([self.view, np.zeros(len(sources), dtype=np.uint16)]),
            generation=generation,
        )

    def _empty_columns(self, rows: int) -> dict[str, Any]:
        return {name: np.empty(rows, getattr(self, name).dtype) for name in _COLUMNS}

    def generations(self) -> np.ndarray:
        """When each row was added: 0 for source rows, int64 [n]."""
        return (self.key >> _GENERATION_SHIFT).astype(np.int64)

    def parameters(self, rows: np.ndarray, index: int, op: Operation) -> np.ndarray:
        """What operation `index` of these rows' view draws, float64 [len(rows), len(op.parameters)]."""
        return op.decide(uniforms(self.seed, self.key[rows], index, len(op.parameters)))

    def to_dataset(self, images: Any, **options: Any) -> PlanDataset:
        """An ordinary torch Dataset over this plan, of a store, an array or a Dataset; see imbalkit.plan.dataset.PlanDataset."""
        from imbalkit.plan.dataset import PlanDataset

        return PlanDataset(self, images, **options)


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + _BLOCK, rows)) for start in range(0, rows, _BLOCK))


def _counted(labels: np.ndarray, classes: int) -> np.ndarray:
    """Rows of each class, int64 [classes]. In blocks, since bincount makes 8-byte numbers of all that it is given."""
    counts = np.zeros(classes, dtype=np.int64)
    for block in _blocks(len(labels)):
        counts += np.bincount(labels[block], minlength=classes)
    return counts


def _identity(view: View) -> tuple[tuple[str, str], ...]:
    # By content, not by hash: a third party's operation may hold a list.
    return tuple((op.name, op.model_dump_json()) for op in view)


def _codes(values: Any, dtype: type[np.unsignedinteger], what: str) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise PlanError(f"expected {what} as whole numbers [n], got {values.dtype} {list(values.shape)}")
    if values.size and (values.min() < 0 or values.max() > np.iinfo(dtype).max):
        raise PlanError(f"expected {what} in 0..{np.iinfo(dtype).max}, got {values.min()}..{values.max()}")
    result: np.ndarray = values.astype(dtype)
    return result
