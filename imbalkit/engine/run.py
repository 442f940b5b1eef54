"""A run, all stages in order: check, split, decode, resample, train, decide, evaluate, write, export, report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.base.processes import Launch, launched, spawned, unused_tasks
from imbalkit.base.progress import Progress, choose_progress
from imbalkit.base.randomness import derive_seed
from imbalkit.engine.allocator import freed_memory_kept
from imbalkit.engine.deferral import deferral_notes, deferred_phase, monitor_notes, stage_notes
from imbalkit.engine.events import RunEvents
from imbalkit.engine.launch import create_fabric, spawn
from imbalkit.engine.options import RunOptions
from imbalkit.engine.run_folder import open_folder
from imbalkit.engine.teaching import check_teachers, teach
from imbalkit.errors import RunError
from imbalkit.recipe.prepare import Loaded, prepare
from imbalkit.recipe.prepared import Prepared
from imbalkit.runs import folder as run_folder
from imbalkit.training.peers import Peers
from imbalkit.training.process_checks import SAME, facts_in_common, pictures_in_common

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from imbalkit.data.image_store import BadImage, ImageStore
    from imbalkit.data.table import Table
    from imbalkit.engine.round_cache import RoundCache
    from imbalkit.plan import Plan
    from imbalkit.training.classifier import Classifier

MAIN = "final"  # name of the training that samplers prepare and stages follow


def run(
    recipe: str | Path | Mapping[str, Any],
    overrides: Iterable[str] = (),
    options: RunOptions | None = None,
    loaded: Loaded | None = None,
) -> Path:
    """Run a recipe until it is finished.

    Args:
        recipe: a file, the name of a registered recipe, or what a file would hold as a mapping
        overrides: "a.b=value"
        options: where its folder is, and what it may go on with
        loaded: tables that are at hand and are not read again; only for a run in this process (`training.devices: 1`)

    Returns:
        the run folder

    Raises:
        ImbalkitError: with what is wrong, before anything is trained where that can be known
    """
    options = options or RunOptions()
    options = replace(options, rounds=options.rounds.absolute() if options.rounds else None)
    changes = tuple(overrides)
    while True:
        try:
            return _run(recipe, changes, options, loaded)
        except run_folder.AtWorkError as error:
            if not options.wait or launched() is not None:
                raise
            run_folder.wait_until_free(error.folder, options.progress.note)


def _run(
    recipe: str | Path | Mapping[str, Any], overrides: Iterable[str], options: RunOptions, loaded: Loaded | None
) -> Path:
    launch = launched()
    if launch is not None:
        with Peers(launch) as peers:
            prepared = peers.all(lambda: _checked(recipe, overrides, options, loaded))
            return _run_together(peers, launch, prepared, options)
    prepared = _checked(recipe, overrides, options, loaded)
    fabric = create_fabric(prepared.recipe.training)
    if unused_tasks():
        options.progress.note("SLURM allots several tasks, this is one process: srun starts one a task")
    folder = _open(prepared, options)
    if run_folder.is_finished(folder):
        return folder
    if prepared.recipe.split.runs_all_folds:
        from imbalkit.engine.cross_validation import run_folds

        run_folds(prepared, folder, options)
    elif prepared.recipe.training.devices == 1:
        with Peers(None) as peers:
            _run_stages(fabric, peers, folder, prepared, options.rounds, options.progress)
    else:
        with run_folder.locked(
            folder
        ):  # refused here, not in the first of the processes, whose error comes back as text
            pass
        work = partial(_run_spawned, folder=folder, without=options.without, rounds=options.rounds)
        spawn(fabric, work, folder, prepared.recipe.training.threads)
    return folder


def _checked(
    recipe: str | Path | Mapping[str, Any], overrides: Iterable[str], options: RunOptions, loaded: Loaded | None
) -> Prepared:
    """The recipe, checked before a run; of one that is finished without what only a run needs: weights, a teacher."""
    is_finished = options.resume and options.folder is not None and run_folder.is_finished(options.folder)
    prepared = prepare(recipe, overrides, options.without, runtime=not is_finished, loaded=loaded)
    if not is_finished:
        check_teachers(prepared)
    return prepared


def _run_together(peers: Peers, launch: Launch, prepared: Prepared, options: RunOptions) -> Path:
    """Run as one of several processes that torchrun or srun started, perhaps on several machines."""
    if prepared.recipe.split.runs_all_folds:
        raise RunError(
            f"split.folds starts processes of its own: set split.fold, or start it without {launch.launcher}"
        )
    fabric = peers.all(lambda: create_fabric(prepared.recipe.training, launch))
    if peers.processes > 1:
        peers.agree(facts_in_common(prepared), "settings or data", SAME)
    folder = Path(peers.first(lambda: str(_open(prepared, options).absolute())))
    peers.share_folder(folder)
    if not peers.first(lambda: run_folder.is_finished(folder)):
        peers.connect(fabric)
        fabric.launch()
        _run_stages(fabric, peers, folder, prepared, options.rounds, options.progress)
    return folder


def _run_spawned(fabric: Fabric, folder: Path, without: tuple[str, ...], rounds: Path | None) -> None:
    """Run in one of the processes that this program started for its devices: each prepares the recipe anew."""
    with Peers(spawned(fabric)) as peers:
        prepared = peers.all(lambda: prepare(folder / run_folder.RECIPE, without=without))
        progress = choose_progress() if fabric.is_global_zero else Progress()
        _run_stages(fabric, peers, folder, prepared, rounds, progress)


def _open(prepared: Prepared, options: RunOptions) -> Path:
    folder = open_folder(prepared, options.runs, options.folder, options.resume, options.progress.note)
    options.progress.note(f"run folder {folder}")
    # Each fold notes its own split.
    for note in prepared.table.all_notes if prepared.recipe.split.runs_all_folds else prepared.notes:
        options.progress.note(f"note: {note}")
    return folder


def _run_stages(
    fabric: Fabric, peers: Peers, folder: Path, prepared: Prepared, rounds: Path | None, progress: Progress
) -> None:
    """The stages on every device; the first process holds the folder and shows progress."""
    import torch

    events = partial(RunEvents, folder, prepared.catalogue, tensorboard=prepared.recipe.logging.tensorboard)
    if not fabric.is_global_zero:
        silent = Progress()
        return _stages(fabric, peers, folder, prepared, rounds, silent, events(silent.note, first_process=False))
    with run_folder.locked(folder), run_folder.reporting_what_is_saved(folder), progress as shown:
        (folder / run_folder.STOP).unlink(missing_ok=True)  # of before, as this goes on
        told = events(shown.note, first_process=True)
        with told.during(prepared.recipe, processes=fabric.world_size, threads=torch.get_num_threads()):
            _stages(fabric, peers, folder, prepared, rounds, shown, told)


@freed_memory_kept()
def _stages(
    fabric: Fabric,
    peers: Peers,
    folder: Path,
    prepared: Prepared,
    rounds: Path | None,
    progress: Progress,
    events: RunEvents,
) -> None:
    """What follows check and split, which `prepare` did: on every device up to training, then in the first process."""
    from imbalkit.decision.fit import fit_decision
    from imbalkit.engine.main_training import SharedTraining
    from imbalkit.engine.outputs import finish_run, predictions_table, write_run
    from imbalkit.engine.resample import RoundScorer, resample
    from imbalkit.engine.run_metrics import HeldOut, RunMetrics, evaluate_run
    from imbalkit.engine.run_trainer import trainer_of
    from imbalkit.engine.stages import StageRunner, named
    from imbalkit.engine.validation import validation
    from imbalkit.engine.views import predict, views_facts
    from imbalkit.export.export import export_all
    from imbalkit.plan.audit import audit
    from imbalkit.recipe.class_prior import prior_ledger
    from imbalkit.report import write_report

    recipe, table = prepared.recipe, prepared.table

    # Decode.
    images, bad_images, copies = _decode(fabric, peers, folder, prepared, progress)
    bad = np.array([image.index for image in bad_images], dtype=np.int64)

    # Resample.
    trainer = trainer_of(fabric, peers, folder, prepared, images, events, progress)
    cache = _round_cache(fabric, prepared, images, rounds, progress)
    scorer = RoundScorer(trainer, recipe.backbone, cache)
    source = prepared.source_plan(bad)
    plan, steps = resample(source, recipe.samplers, scorer, recipe.seed, events.plan_changed)
    stages = [source.counts(), *(step.counts for step in steps)]

    # Teach.
    teaching = teach(prepared, source.source, images.content, trainer, cache)
    taught = teaching.at(prepared, stages)

    # Train.
    tested = prepared.split.test if recipe.evaluation.test else prepared.split.test[:0]
    rows = {
        "validation": _held_out_rows(table, prepared.split.validation, bad),
        "test": _held_out_rows(table, tested, bad),
    }
    run_metrics = RunMetrics.of(prepared)
    ledger = prior_ledger(prepared, stages)
    fit = partial(
        fit_decision,
        labels=rows["validation"].label.astype(np.int64),
        settings=recipe.decision,
        positive=prepared.positive,
        ledger=ledger,
        groups=None if table.groups is None else table.groups[rows["validation"].source],
        classes=prepared.classes,
    )
    validate = partial(
        validation, metrics=run_metrics, rows=rows["validation"], fit=fit if recipe.logging.decision else None
    )

    def train() -> Classifier:
        return trainer.fit(
            MAIN,
            plan,
            recipe.backbone,
            recipe.loss,
            recipe.training.epochs,
            validate(trainer),
            freeze_epochs=recipe.training.freeze_epochs,
            order=recipe.order,
            mixer=recipe.mixer,
            deferred=deferred_phase(recipe, taught),
            teacher=taught(recipe.loss, recipe.order, recipe.mixer),
        ).model

    shared = SharedTraining(
        cache, trainer, folder, MAIN, plan, rows["validation"], run_metrics.train_counts, teaching.key
    )
    model = shared.network(recipe.backbone, train)
    model = StageRunner(trainer, plan, rows["validation"], validate, taught).run(recipe.stages, model, MAIN)

    # Predict.
    logits, plain = predict(trainer, model, recipe.predict.views, rows)
    held_out = {split: HeldOut.of(part, table.groups, logits[split]) for split, part in rows.items()}

    def results() -> None:
        # Decide.
        decision = fit(held_out["validation"].logits)

        # Evaluate.
        log = run_folder.read_log(folder)
        main_log = [entry for entry in log if entry.get("stage") == MAIN]
        seed = derive_seed(recipe.seed, "intervals")
        metrics = {
            **evaluate_run(run_metrics, decision, held_out, recipe.evaluation, table.frame, seed),
            "prior": ledger.to_json(),
            "decision": decision.to_json(),
            "class_counts": [
                {"stage": stage, "counts": list(counts)}
                for stage, counts in zip(["train", *(step.stage for step in steps)], stages, strict=True)
            ],
            "bad_images": [asdict(image) for image in bad_images],
            **({"teachers": list(teaching.facts)} if teaching.facts else {}),
            "notes": [
                *prepared.input_notes,
                *prepared.split.notes,
                *teaching.notes,
                *copies,
                *monitor_notes(recipe, main_log),
                *deferral_notes(recipe, main_log),
                *stage_notes(named(recipe.stages), log),
                *decision.notes,
            ],
        }

        if plain is not None:
            alone = fit(plain.logits)
            metrics["views"] = views_facts(
                *(run_metrics, recipe.predict.views, held_out["validation"], decision, plain.logits, alone),
                *(recipe.evaluation, seed),
            )
            run_folder.note(folder, milliseconds_of_a_picture=plain.milliseconds)

        # Write, export, report.
        predictions = predictions_table(table.frame, prepared.classes, held_out, decision)
        rows_kept = audit(plan, steps, table.frame.get("path"))
        write_run(folder, predictions, rows_kept, model, images.shape, prepared.fitted_columns)
        if recipe.export:
            metrics["export"], notes = export_all(folder, metrics, prepared)
            metrics["notes"] += notes
        if recipe.evaluation.test:
            write_report(folder, prepared, metrics, images, model)
        finish_run(folder, metrics)
        events.run_finished(metrics)

    peers.first(results)


def _decode(
    fabric: Fabric, peers: Peers, folder: Path, prepared: Prepared, progress: Progress
) -> tuple[ImageStore, tuple[BadImage, ...], list[str]]:
    """The images, those that cannot be read, and notes on copies in the test.

    Every process must have the same, and a resumed run those of before.
    """
    from imbalkit.data.row_hashes import hash_rows
    from imbalkit.engine.images import check_square, load_images
    from imbalkit.recipe.image_rule import image_rule
    from imbalkit.runs.data_record import copies_notes, record_of, remember

    recipe, table, split = prepared.recipe, prepared.table, prepared.split
    rule = image_rule(recipe, table)
    check_square(recipe, rule)
    images, bad = peers.in_turn(lambda: load_images(table, split.train, rule, recipe.images, fabric.device, progress))
    peers.agree(pictures_in_common(images.content, [image.index for image in bad]), "pictures", SAME)
    record = record_of(table, split, images.content, prepared.inputs.columns if prepared.inputs else ())
    peers.first(lambda: remember(folder, recipe, record))
    seen = None
    if (
        table.features is not None
        and prepared.encoding is not None
        and prepared.encoding.names != table.features.columns
    ):
        seen = hash_rows(table.frame, prepared.encoding.names)  # of a part of the content, which is hashed already
    copies = copies_notes(record, seen)
    for note in copies:
        progress.note(f"note: {note}")
    return images, bad, copies


def _round_cache(
    fabric: Fabric, prepared: Prepared, images: ImageStore, rounds: Path | None, progress: Progress
) -> RoundCache:
    """Finished rounds of a single device are shared."""
    from imbalkit.engine.round_cache import RoundCache, Surroundings

    around = Surroundings.of(prepared, images, fabric.device) if rounds and fabric.world_size == 1 else None
    return RoundCache(rounds if around else None, around, progress.note)


def _held_out_rows(table: Table, samples: np.ndarray, bad: np.ndarray) -> Plan:
    """Samples as rows without operations, to be predicted."""
    from imbalkit.functional.distinct import without
    from imbalkit.plan import Plan

    samples = without(samples, bad)
    return Plan.from_labels(table.labels[samples], table.classes, sources=samples)
