"""Baselines as runs: fit, decide, evaluate, write; the folders are those of any run, but for a network."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from imbalkit.base.files import write_json, write_parquet
from imbalkit.base.progress import Progress
from imbalkit.base.randomness import derive_seed
from imbalkit.decision.fit import fit_decision
from imbalkit.engine.cross_validation import write_summary
from imbalkit.engine.outputs import finish_run, predictions_table
from imbalkit.engine.run_folder import open_folder
from imbalkit.engine.run_metrics import HeldOut, RunMetrics, evaluate_run
from imbalkit.errors import RunError, listing
from imbalkit.functional.distinct import without as left
from imbalkit.plan.audit import audit
from imbalkit.recipe.class_prior import prior_ledger
from imbalkit.recipe.document import Document
from imbalkit.recipe.prepare import Loaded, prepare
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.recipe import Recipe
from imbalkit.recipe.validation import validate
from imbalkit.report import write_report
from imbalkit.runs import folder as run_folder
from imbalkit.runs.data_record import record_of, remember
from imbalkit.runs.results import RunData
from imbalkit.studies.baselines.inputs import Pictures, matrix, pictures_of
from imbalkit.studies.baselines.models import METHODS, Rows

# Keys of a recipe that hold for a baseline too; of `training` what features are computed by.
KEPT = (
    *("description", "seed", "data", "positive", "images", "split", "backbone", "inputs"),
    *("decision", "metrics", "evaluation", "card"),
)
TRAINING = ("batch_size", "channels_last", "accelerator")


@dataclass(frozen=True)
class Baselines:
    """The run folders that were made, by method, and the run that they stand beside; None for a recipe."""

    folders: dict[str, Path]
    reference: Path | None
    folds: int = 0


def make_baselines(
    source: str | Path,
    methods: Sequence[str] = tuple(METHODS),
    folder: Path | None = None,
    runs: Path = Path("runs"),
    overrides: Iterable[str] = (),
    without: tuple[str, ...] = (),
    features: Path | None = None,
    progress: Progress | None = None,
) -> Baselines:
    """Fit baselines with a recipe's split, decision and metrics; each leaves a run folder.

    Args:
        source: a recipe (a file, or the name of a registered one), or a run folder; a cross-validation gives a run a fold
        methods: names of METHODS
        folder: where the run folders are made, one a method (default: new ones under `runs`, or RUN-METHOD beside the run)
        overrides, without: of a recipe, as `run` takes them
        features: a file of `imbalkit embed`; where it is not there yet, features are kept in it
        progress: shows what goes on

    Raises:
        RunError: a method that is not known, a folder that is not empty, one class alone to train on
        ImbalkitError: as a run of the recipe does
    """
    progress = progress or Progress()
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise RunError(f"expected methods among {listing(METHODS)}, got {unknown[0] if unknown else 'none'!r}")
    is_run = Path(source).is_dir()
    reference = Path(source) if is_run else None
    parts = _of_run(Path(source)) if is_run else _of_recipe(source, overrides, without)
    folds = parts[0].recipe.split.folds or 0 if len(parts) > 1 else 0
    for part in parts:
        if np.count_nonzero(part.table.counts(part.split.train)) < 2:
            raise RunError("the training rows have one class: there is nothing that a baseline could tell apart")
    targets = {method: _target(method, folder, reference) for method in methods}
    for target in targets.values():
        if target is not None and target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise RunError(f"{target} is not empty: choose another folder with --folder")
    pictures, made = pictures_of(parts[0], features, progress), {}
    for method, target in targets.items():
        first = _as_baseline(parts[0], method, whole=folds > 0)
        made[method] = open_folder(first, runs, target, resume=False)
        with run_folder.locked(made[method]):
            for number, part in enumerate(parts):
                own = _as_baseline(part, method)
                path = made[method]
                if folds:
                    path = open_folder(own, runs, path / f"fold-{number}", resume=False)
                progress.note(f"{method}: {path}")
                _fit(path, own, part, method, pictures)
            if folds:
                run_folder.note(made[method], baseline={"method": method})
                write_summary(made[method], [made[method] / f"fold-{number}" for number in range(folds)])
    return Baselines(made, reference, folds)


def _target(method: str, folder: Path | None, reference: Path | None) -> Path | None:
    """Where a baseline's run folder is; None for a new one under the runs."""
    if folder is not None:
        return folder / method
    return None if reference is None else reference.absolute().with_name(f"{reference.absolute().name}-{method}")


def _of_recipe(source: str | Path, overrides: Iterable[str], without: tuple[str, ...]) -> list[Prepared]:
    """The recipe, of a cross-validation once a fold."""
    changes, loaded = list(overrides), Loaded()
    prepared = prepare(source, changes, without, runtime=True, loaded=loaded)
    if not prepared.recipe.split.runs_all_folds:
        return [prepared]
    folds = range(prepared.recipe.split.folds or 0)
    return [prepare(source, [*changes, f"split.fold={fold}"], without, loaded=loaded) for fold in folds]


def _of_run(folder: Path) -> list[Prepared]:
    """The data and the split of a finished run, of a cross-validation those of each fold. Raises where they have changed."""
    from imbalkit.runs.restore import restore

    run = RunData(folder)
    if run.facts.get("members"):
        raise RunError(f"{folder} is an ensemble: name a run of one network, or a cross-validation")
    return [restore(each).prepared for each in run.members or (folder,)]


def _as_baseline(prepared: Prepared, method: str, whole: bool = False) -> Prepared:
    """The recipe without what is of training alone; `whole` without the fold."""
    asked = prepared.recipe.model_dump(mode="json")
    kept = {key: asked[key] for key in KEPT if asked.get(key) is not None}
    kept["training"] = {key: asked["training"][key] for key in TRAINING}
    if whole:
        kept["split"] = {key: value for key, value in kept["split"].items() if key != "fold"}
    recipe = validate(Document(kept), prepared.catalogue, prepared.classes)
    return replace(prepared, name=f"{prepared.name}-{method}", recipe=recipe, class_counts=prepared.class_counts[:1])


def _not_applied(asked: Recipe, kept: Recipe) -> list[str]:
    """Keys of the recipe that say how a network is trained, and that a baseline has no use for."""
    keys = ("samplers", "augment", "head", "loss", "order", "mixer", "deferred", "stages", "predict", "export")
    return [key for key in keys if getattr(asked, key) != getattr(kept, key)]


def _fit(folder: Path, own: Prepared, prepared: Prepared, method: str, pictures: Pictures) -> None:
    """One run: fitted on training rows, decided by validation rows, evaluated on test rows."""
    table, recipe, bad = own.table, own.recipe, pictures.unreadable
    remember(folder, recipe, record_of(table, own.split, pictures.content, own.inputs.columns if own.inputs else ()))
    tested = own.split.test if recipe.evaluation.test else own.split.test[:0]
    samples = {"train": own.split.train, "validation": own.split.validation, "test": tested}
    samples = {name: left(rows, bad) for name, rows in samples.items()}
    labels = {name: table.labels[rows].astype(np.int64) for name, rows in samples.items()}
    x, categories = matrix(prepared, pictures, method)
    rows = {name: Rows(x[found], labels[name]) for name, found in samples.items()}
    began = time.perf_counter()
    seed = derive_seed(recipe.seed, "baseline", method)
    model = METHODS[method](rows["train"], rows["validation"], len(own.classes), seed, categories)
    seconds = time.perf_counter() - began

    held_out = {}
    for name in ("validation", "test"):
        groups = None if table.groups is None else table.groups[samples[name]]
        logits = model.logits(rows[name].x) if len(samples[name]) else np.empty((0, len(own.classes)))
        held_out[name] = HeldOut(samples[name], labels[name], groups, logits.astype(np.float32))
    validation, ledger = held_out["validation"], prior_ledger(own)
    decision = fit_decision(
        validation.logits,
        validation.labels,
        recipe.decision,
        own.positive,
        ledger,
        validation.groups,
        own.classes,
    )
    unused = _not_applied(prepared.recipe, recipe)
    notes = [f"a baseline is fitted to the training rows as they are: {listing(unused)} of the recipe do not apply"]
    facts = {**model.facts, "inputs": [*([pictures.words] if pictures.words else []), *_columns(prepared)]}
    metrics = {
        **evaluate_run(
            RunMetrics.of(own),
            decision,
            held_out,
            recipe.evaluation,
            table.frame,
            derive_seed(recipe.seed, "intervals"),
        ),
        "prior": ledger.to_json(),
        "decision": decision.to_json(),
        "class_counts": [{"stage": "train", "counts": list(table.counts(samples["train"]))}],
        "bad_images": [asdict(image) for image in pictures.bad],
        "notes": [
            *(notes if unused else []),
            *pictures.notes,
            *model.notes,
            *prepared.input_notes,
            *own.split.notes,
            *decision.notes,
        ],
        "baseline": facts,
    }
    write_parquet(folder / run_folder.PREDICTIONS, predictions_table(table.frame, own.classes, held_out, decision))
    write_parquet(folder / run_folder.PLAN, audit(own.source_plan(bad), [], table.frame.get("path")))
    if prepared.fitted_columns:
        write_json(folder / run_folder.COLUMNS, {"columns": [each.to_json() for each in prepared.fitted_columns]})
    run_folder.note_finished(
        folder, image_shape=list(pictures.shape), baseline=facts, seconds={"fit": round(seconds, 3)}
    )
    if recipe.evaluation.test:
        write_report(folder, own, metrics)
    finish_run(folder, metrics)


def _columns(prepared: Prepared) -> list[str]:
    count = len(prepared.fitted_columns)
    return [f"{count:,} column{'s' * (count != 1)} of the table"] if count else []
