"""A run, all stages in order: check, split, decode, resample, train, decide, evaluate, write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.base.processes import Launch, cluster, launched, spawned, unused_tasks
from imbalkit.base.progress import Progress
from imbalkit.base.threads import share
from imbalkit.engine.allocator import freed_memory_kept
from imbalkit.engine.observers import Observers
from imbalkit.engine.run_folder import open_folder
from imbalkit.errors import ImbalkitError, RunError
from imbalkit.recipe.prepare import prepare
from imbalkit.recipe.prepared import Prepared
from imbalkit.runs import folder as run_folder
from imbalkit.training.process_checks import SAME, facts_in_common, pictures_in_common
from imbalkit_lite.command_line import write_any_name
from imbalkit_lite.files import write_text
from imbalkit_lite.text import counted

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from imbalkit.recipe.recipe import TrainingSettings
    from imbalkit.training.classifier import Classifier
    from imbalkit.training.peers import Peers
    from imbalkit.training.trainer import Trainer

MOST_IN_LOG = 36  # classes of which the log has a confusion matrix each epoch


def run(
    recipe: str | Path | Mapping[str, Any],
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
        recipe: a file, the name of a registered recipe, or what a file would hold as a mapping
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
    launch = launched()
    if launch is not None:
        from imbalkit.training.peers import Peers

        with Peers(launch) as peers:
            prepared = peers.all(lambda: prepare(recipe, overrides, without, runtime=True))
            return _run_together(peers, launch, prepared, runs, folder, resume, without, rounds, progress)
    prepared = prepare(recipe, overrides, without, runtime=True)
    fabric = _fabric(prepared, None)
    if unused_tasks():
        progress.note("SLURM allots several tasks, this is one process: srun starts one a task")
    path = _open(prepared, runs, folder, resume, progress)
    if run_folder.is_finished(path):
        return path
    if _all_folds(prepared):
        from imbalkit.engine.cross_validation import run_folds

        run_folds(prepared, path, without, rounds, progress)
    elif fabric.strategy.__class__.__name__ == "SingleDeviceStrategy":
        _work(fabric, path, without, rounds, prepared, progress)
    else:
        _launch(fabric, path, without, rounds, prepared.recipe.training.threads or share(fabric.strategy.num_processes))
    return path


def _run_together(
    peers: Peers,
    launch: Launch,
    prepared: Prepared,
    runs: str | Path,
    folder: str | Path | None,
    resume: bool,
    without: tuple[str, ...],
    rounds: Path | None,
    progress: Progress,
) -> Path:
    """Run as one of several processes that torchrun or srun started, perhaps on several machines."""
    if _all_folds(prepared):
        raise RunError(
            f"split.folds starts processes of its own: set split.fold, or start it without {launch.launcher}"
        )
    fabric = peers.all(lambda: _fabric(prepared, launch))
    if peers.processes > 1:
        peers.agree(facts_in_common(prepared), "settings or data", SAME)
    path = Path(peers.first(lambda: str(_open(prepared, runs, folder, resume, progress).absolute())))
    peers.share_folder(path)
    if not peers.first(lambda: run_folder.is_finished(path)):
        peers.connect(fabric)
        fabric.launch()
        _work(fabric, path, without, rounds, prepared, progress, peers)
    return path


def _all_folds(prepared: Prepared) -> bool:
    return prepared.recipe.split.folds is not None and prepared.recipe.split.fold is None


def _open(prepared: Prepared, runs: str | Path, folder: str | Path | None, resume: bool, progress: Progress) -> Path:
    path = open_folder(prepared, Path(runs), Path(folder) if folder else None, resume, progress.note)
    progress.note(f"run folder {path}")
    folds = prepared.recipe.split.folds is not None and prepared.recipe.split.fold is None
    for note in prepared.table.all_notes if folds else prepared.notes:  # each fold tells of its own split
        progress.note(f"note: {note}")
    return path


def _fabric(prepared: Prepared, launch: Launch | None) -> Fabric:
    import torch
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

    settings = prepared.recipe.training
    devices, nodes = settings.devices, 1 if settings.nodes == "auto" else settings.nodes
    if launch is not None:
        devices, nodes = _launched_devices(settings, launch)
    elif nodes > 1:
        raise RunError(
            f"training.nodes is {nodes}, but this process was started alone: start one a device with torchrun or srun, or set "
            "training.nodes=auto"
        )
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    precision = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[settings.precision]
    single = devices == 1 and nodes == 1
    start = "popen" if launch is not None else "spawn"
    strategy: Any = DDPStrategy(start_method=start, find_unused_parameters=settings.freeze_epochs > 0)
    try:
        return Fabric(
            accelerator=settings.accelerator,
            devices=devices,
            num_nodes=nodes,
            strategy="auto" if single else strategy,
            precision=precision,
            plugins=[cluster(launch)],
        )
    except Exception as error:  # Lightning refuses devices that are not there with several types
        raise RunError(
            f"training.accelerator {settings.accelerator}, devices {settings.devices} and precision {settings.precision} do "
            f"not go together on this machine: {error}"
        ) from error


def _launched_devices(settings: TrainingSettings, launch: Launch) -> tuple[int, int]:
    """Devices a machine and machines, as the launcher started them. Raises RunError if the recipe says otherwise."""
    devices = launch.local_processes if settings.devices == "auto" else settings.devices
    nodes = launch.nodes if settings.nodes == "auto" else settings.nodes
    as_started = settings.devices == "auto" and settings.nodes == "auto"
    if not as_started and devices * nodes != launch.processes:
        raise RunError(
            f"{launch.processes} processes were started, the recipe says {devices} devices on {nodes} nodes: set "
            "training.devices (a node) and training.nodes to what the launcher starts, or to auto"
        )
    return launch.local_processes, launch.nodes


def _launch(fabric: Fabric, folder: Path, without: tuple[str, ...], rounds: Path | None, threads: int | None) -> None:
    """Run in processes of their own, which prepare the recipe anew; a user's mistake comes back as its message."""
    from torch.multiprocessing.spawn import ProcessException

    told = folder / ".error"
    told.unlink(missing_ok=True)
    try:
        fabric.launch(_work_and_tell, folder, without, rounds, threads)
    except ProcessException:
        if told.exists():
            raise RunError(told.read_text(encoding="utf-8")) from None
        raise


def _work_and_tell(
    fabric: Fabric, folder: Path, without: tuple[str, ...], rounds: Path | None, threads: int | None
) -> None:
    import torch

    write_any_name()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        _work(fabric, folder, without, rounds)
    except ImbalkitError as error:
        write_text(folder / ".error", str(error))
        raise


def _work(
    fabric: Fabric,
    folder: Path,
    without: tuple[str, ...],
    rounds: Path | None = None,
    prepared: Prepared | None = None,
    progress: Progress | None = None,
    peers: Peers | None = None,
) -> None:
    """The run itself, on every device; the first process writes."""
    from imbalkit.base.progress import choose_progress
    from imbalkit.training.peers import Peers

    with nullcontext(peers) if peers else Peers(spawned(fabric)) as peers:
        if prepared is None:
            prepared = peers.all(lambda: prepare(folder / run_folder.RECIPE, without=without))
        if not fabric.is_global_zero:
            return _stages(fabric, peers, folder, prepared, rounds, Progress())
        with run_folder.locked(folder), run_folder.told_what_is_whole(folder), progress or choose_progress() as shown:
            _stages(fabric, peers, folder, prepared, rounds, shown)


@freed_memory_kept()
def _stages(
    fabric: Fabric, peers: Peers, folder: Path, prepared: Prepared, rounds: Path | None, progress: Progress
) -> None:
    import torch

    from imbalkit.engine.images import load_images
    from imbalkit.engine.outputs import write_outputs
    from imbalkit.engine.resample import resample
    from imbalkit.runs.data_record import record_of, remember
    from imbalkit.training.rendered_cache import KeptCopies
    from imbalkit.training.trainer import Trainer

    recipe = prepared.recipe
    observers = None
    if fabric.is_global_zero:
        run_folder.note(folder, processes=fabric.world_size, threads=torch.get_num_threads())
        observers = Observers(folder, prepared.catalogue, progress.note, recipe.logging.tensorboard)
    images, bad_images = peers.in_turn(lambda: load_images(prepared, fabric.device, progress))
    bad = np.array([image.index for image in bad_images], dtype=np.int64)
    peers.agree(pictures_in_common(images.content, bad.tolist()), "pictures", SAME)
    peers.first(lambda: remember(folder, recipe, record_of(prepared.table, prepared.split, images.content)))

    def epoch_finished(stage: str, epoch: int, figures: dict[str, Any]) -> None:  # called in the first process
        run_folder.append_log(folder, figures)
        observers.epoch_finished(stage, epoch, figures)

    trainer = Trainer(
        fabric=fabric,
        peers=peers,
        images=images,
        settings=recipe.training,
        head=recipe.head,
        augment=recipe.augment,
        seed=recipe.seed,
        positive=prepared.positive,
        monitor_higher=_monitor_higher(prepared),
        folder=folder / run_folder.CHECKPOINTS,
        progress=progress,
        kept=KeptCopies(images.shape, recipe.images.render_cache_gib) if recipe.images.render_cache_gib else None,
        epoch_finished=epoch_finished,
        names=lambda sources: sample_names(prepared, sources),
    )

    def plan_changed(plan: Any, stage: str) -> None:
        if fabric.is_global_zero:
            progress.note(f"{stage}: {counted(zip(plan.classes, plan.counts(), strict=True))}")
            observers.plan_changed(plan, stage)

    source = prepared.source_plan(bad)
    plan, steps = resample(prepared, source, trainer, plan_changed, rounds)
    sides = {
        side: rows_plan(prepared, np.setdiff1d(getattr(prepared.split, side), bad)) for side in ("validation", "test")
    }
    validate = _validation(trainer, prepared, sides["validation"]) if len(sides["validation"]) else None
    epochs, freeze_epochs = recipe.training.epochs, recipe.training.freeze_epochs
    model = trainer.fit("final", plan, recipe.backbone, recipe.loss, epochs, validate, freeze_epochs=freeze_epochs)
    logits = {side: trainer.predict(model, rows) for side, rows in sides.items()}

    def write() -> None:
        context = trainer.context(plan, "final")
        metrics = write_outputs(
            folder, prepared, source, plan, steps, model, context, sides, logits, images, bad_images
        )
        observers.run_finished(metrics)

    peers.first(write)


def _monitor_higher(prepared: Prepared) -> bool:
    monitor = prepared.recipe.training.monitor
    return monitor == "last" or prepared.catalogue.get("metric", monitor).higher_is_better


def rows_plan(prepared: Prepared, samples: np.ndarray) -> Any:
    """Samples as rows without operations, to be predicted."""
    from imbalkit.plan import Plan

    return Plan.from_labels(prepared.table.labels[samples], prepared.classes, sources=samples)


def sample_names(prepared: Prepared, sources: np.ndarray) -> list[str]:
    """What a person finds samples by: their paths, or their positions in the arrays."""
    frame = prepared.table.frame
    return frame["path"].iloc[sources].tolist() if "path" in frame else [f"sample {source}" for source in sources]


def _validation(trainer: Trainer, prepared: Prepared, rows: Any) -> Callable[[Classifier], dict[str, Any]]:
    from imbalkit.engine.run_metrics import figures

    def validate(model: Classifier) -> dict[str, Any]:
        found = figures(prepared, rows.label, trainer.predict(model, rows))
        if len(prepared.classes) > MOST_IN_LOG:
            del found["confusion_matrix"]
        return found

    return validate
