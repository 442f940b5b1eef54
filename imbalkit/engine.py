"""A run, all stages in order: check, split, decode, resample, train, decide, evaluate, write."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit import run_folder
from imbalkit.errors import ImbalkitError, RunError
from imbalkit.memory import freed_memory_kept
from imbalkit.planning import Prepared, prepare
from imbalkit.progress import Progress

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from imbalkit.model import Classifier
    from imbalkit.training import Trainer


def run(
    recipe: str | Path,
    overrides: Iterable[str] = (),
    runs: str | Path = "runs",
    folder: str | Path | None = None,
    resume: bool = False,
    without: tuple[str, ...] = (),
    progress: Progress | None = None,
    rounds: str | Path | None = None,
) -> Path:
    """Run a recipe to its end.

    Args:
        recipe: a file, or the name of a registered recipe
        overrides: "a.b=value"
        runs: where run folders are made
        folder: the run folder itself (default: a new one under `runs`)
        resume: go on with the latest run of this very recipe, if there is one
        without: plugins to leave out
        progress: told what goes on (default: nobody)
        rounds: folder where finished rounds of scored samplers are kept, and found by runs that would compute the same

    Returns:
        the run folder

    Raises:
        ImbalkitError: with what is wrong, before anything is trained where that can be known
    """
    progress = progress or Progress()
    rounds = Path(rounds).absolute() if rounds else None
    prepared = prepare(recipe, overrides, without, runtime=True)
    fabric = _fabric(prepared)
    all_folds = prepared.recipe.split.folds is not None and prepared.recipe.split.fold is None
    if _launched_outside():
        if all_folds:
            raise RunError("split.folds starts processes of its own: set split.fold, or start it without torchrun")
        fabric.launch()
        path = _open(prepared, runs, folder, resume, progress) if fabric.is_global_zero else None
        path = Path(fabric.broadcast(str(path)))
        if not run_folder.is_finished(path):
            _work(fabric, path, without, rounds, prepared, progress)
        return path
    path = _open(prepared, runs, folder, resume, progress)
    if run_folder.is_finished(path):
        return path
    if all_folds:
        from imbalkit.folds import run_folds

        run_folds(prepared, path, without, rounds)
    elif fabric.strategy.__class__.__name__ == "SingleDeviceStrategy":
        _work(fabric, path, without, rounds, prepared, progress)
    else:
        _launch(fabric, path, without, rounds)
    return path


def _open(prepared: Prepared, runs: str | Path, folder: str | Path | None, resume: bool, progress: Progress) -> Path:
    path = run_folder.open_folder(prepared, Path(runs), Path(folder) if folder else None, resume, progress.note)
    progress.note(f"run folder {path}")
    folds = prepared.recipe.split.folds is not None and prepared.recipe.split.fold is None
    for note in prepared.table.all_notes if folds else prepared.notes:  # each fold tells of its own split
        progress.note(f"note: {note}")
    return path


def is_first_process() -> bool:
    """Whether this process is the only one, or the one of several that writes and prints."""
    return int(os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or 0) == 0


def _launched_outside() -> bool:
    """Whether torchrun or a cluster's launcher started this process as one of several."""
    return "TORCHELASTIC_RUN_ID" in os.environ or int(os.environ.get("SLURM_NTASKS", "1")) > 1


def _fabric(prepared: Prepared) -> Fabric:
    import torch
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

    settings = prepared.recipe.training
    started = int(os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_NTASKS") or 1) if _launched_outside() else None
    if started is not None and settings.devices != "auto" and settings.devices * settings.nodes != started:
        raise RunError(
            f"{started} processes were started, the recipe says {settings.devices} devices on {settings.nodes} nodes: set "
            "training.devices (a node) and training.nodes to what the launcher starts"
        )
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    precision = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[settings.precision]
    single = settings.devices == 1 and settings.nodes == 1
    start = "popen" if _launched_outside() else "spawn"
    strategy: Any = DDPStrategy(start_method=start, find_unused_parameters=settings.freeze_epochs > 0)
    try:
        return Fabric(
            accelerator=settings.accelerator,
            devices=settings.devices,
            num_nodes=settings.nodes,
            strategy="auto" if single else strategy,
            precision=precision,
        )
    except Exception as error:  # Lightning refuses devices that are not there with several types
        raise RunError(
            f"training.accelerator {settings.accelerator}, devices {settings.devices} and precision {settings.precision} do "
            f"not go together on this machine: {error}"
        ) from error


def _launch(fabric: Fabric, folder: Path, without: tuple[str, ...], rounds: Path | None) -> None:
    """Run in processes of their own, which prepare the recipe anew; a user's mistake comes back as its message."""
    from torch.multiprocessing.spawn import ProcessException

    told = folder / ".error"
    told.unlink(missing_ok=True)
    try:
        fabric.launch(_work_and_tell, folder, without, rounds)
    except ProcessException:
        if told.exists():
            raise RunError(told.read_text(encoding="utf-8")) from None
        raise


def _work_and_tell(fabric: Fabric, folder: Path, without: tuple[str, ...], rounds: Path | None) -> None:
    try:
        _work(fabric, folder, without, rounds)
    except ImbalkitError as error:
        (folder / ".error").write_text(str(error), encoding="utf-8")
        raise


def _work(
    fabric: Fabric,
    folder: Path,
    without: tuple[str, ...],
    rounds: Path | None = None,
    prepared: Prepared | None = None,
    progress: Progress | None = None,
) -> None:
    """The run itself, on every device; the first process writes."""
    from imbalkit.progress import choose_progress

    if prepared is None:
        prepared = prepare(folder / run_folder.RECIPE, without=without)
    if not fabric.is_global_zero:
        return _stages(fabric, folder, prepared, rounds, Progress())
    with run_folder.locked(folder), progress or choose_progress() as shown:
        _stages(fabric, folder, prepared, rounds, shown)


@freed_memory_kept()
def _stages(fabric: Fabric, folder: Path, prepared: Prepared, rounds: Path | None, progress: Progress) -> None:
    from imbalkit.data_record import record_of, remember
    from imbalkit.kept import KeptCopies
    from imbalkit.loading import load_images
    from imbalkit.outputs import write_outputs
    from imbalkit.resampling import resample
    from imbalkit.training import Trainer

    recipe = prepared.recipe
    images, bad_images = load_images(prepared, fabric, progress)
    bad = np.array([image.index for image in bad_images], dtype=np.int64)
    if fabric.is_global_zero:
        remember(folder, recipe, record_of(prepared.table, prepared.split, images.content))
    trainer = Trainer(
        fabric=fabric,
        images=images,
        settings=recipe.training,
        head=recipe.head,
        augment=recipe.augment,
        seed=recipe.seed,
        positive=prepared.positive,
        select_higher=_select_higher(prepared),
        folder=folder / run_folder.CHECKPOINTS,
        progress=progress,
        kept=KeptCopies(images.shape, recipe.images.keep_copies) if recipe.images.keep_copies else None,
        epoch_finished=_epoch_observer(folder, prepared, fabric.is_global_zero),
        names=lambda sources: sample_names(prepared, sources),
    )

    def plan_changed(plan: Any, stage: str) -> None:
        if fabric.is_global_zero:
            progress.note(
                f"{stage}: " + ", ".join(f"{c}: {n:,}" for c, n in zip(plan.classes, plan.counts(), strict=True))
            )
            prepared.catalogue.notify("plan_changed", plan=plan, stage=stage, folder=folder)

    source = prepared.source_plan(bad)
    plan, steps = resample(prepared, source, trainer, plan_changed, rounds)
    sides = {
        side: rows_plan(prepared, np.setdiff1d(getattr(prepared.split, side), bad)) for side in ("validation", "test")
    }
    validate = _validation(trainer, prepared, sides["validation"]) if len(sides["validation"]) else None
    epochs, freeze_epochs = recipe.training.epochs, recipe.training.freeze_epochs
    model = trainer.fit("final", plan, recipe.backbone, recipe.loss, epochs, validate, freeze_epochs=freeze_epochs)
    logits = {side: trainer.predict(model, rows) for side, rows in sides.items()}
    if fabric.is_global_zero:
        context = trainer.context(plan, "final")
        write_outputs(folder, prepared, source, plan, steps, model, context, sides, logits, images, bad_images)
    fabric.barrier()


def _select_higher(prepared: Prepared) -> bool:
    select = prepared.recipe.training.select
    return select == "last" or prepared.catalogue.get("metric", select).higher_is_better


def rows_plan(prepared: Prepared, samples: np.ndarray) -> Any:
    """Samples as rows without operations, to be predicted."""
    from imbalkit.plan import Plan

    return Plan.from_labels(prepared.table.labels[samples], prepared.classes, sources=samples)


def sample_names(prepared: Prepared, sources: np.ndarray) -> list[str]:
    """What a person finds samples by: their paths, or their positions in the arrays."""
    frame = prepared.table.frame
    return frame["path"].iloc[sources].tolist() if "path" in frame else [f"sample {source}" for source in sources]


def _validation(trainer: Trainer, prepared: Prepared, rows: Any) -> Callable[[Classifier], dict[str, Any]]:
    from imbalkit.assessment import figures

    def validate(model: Classifier) -> dict[str, Any]:
        return figures(prepared, rows.label, trainer.predict(model, rows))

    return validate


def _epoch_observer(folder: Path, prepared: Prepared, writes: bool) -> Callable[[str, int, dict[str, Any]], None]:
    writer = None
    if writes and prepared.recipe.logging.tensorboard:
        from imbalkit.tensorboard import EpochWriter

        writer = EpochWriter(folder)

    def observe(stage: str, epoch: int, figures: dict[str, Any]) -> None:
        run_folder.append_log(folder, figures)
        if writer is not None:
            writer.write(stage, epoch, figures)
        prepared.catalogue.notify("epoch_finished", stage=stage, epoch=epoch, figures=figures, folder=folder)

    return observe
