"""The network of a finished run built again, from the files of its run folder."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import torch

from imbalkit.base.plugin_errors import ENTRY_POINTS
from imbalkit.base.randomness import derive_seed
from imbalkit.catalogue import Catalogue, default_catalogue
from imbalkit.decision.decision import Decision
from imbalkit.errors import ImbalkitError, RecipeError, RunError, listing
from imbalkit.kinds import BuildContext, Loss
from imbalkit.recipe.document import read_document
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.recipe import Recipe
from imbalkit.recipe.traverse import parts_of
from imbalkit.recipe.validation import refuse_renamed, validate
from imbalkit.runs import folder as run_folder
from imbalkit.runs.restored import Restored, working_directory
from imbalkit.runs.results import RunData
from imbalkit.training.classifier import Classifier, build_model
from imbalkit.training.column_branch import ColumnInputs
from imbalkit_lite.columns import ColumnEncoding
from imbalkit_lite.images import ImageRule


def restore_network(
    run: RunData,
    device: str | torch.device | None = None,
    prepared: Prepared | None = None,
) -> Restored:
    """The model of a finished run of one network; `run.folder` is absolute. Arguments and errors as `restore`."""
    run.check_network()
    folder = run.folder  # while the network is built, another folder is the current one
    facts, metrics, classes, directory = run.facts, run.metrics, run.classes, Path(run.facts["directory"])
    if "image_shape" not in facts:
        raise RunError(
            f"{folder / run_folder.FACTS} does not say what images the network takes, as runs of older versions: add "
            '"image_shape": [height, width, channels]'
        )
    if prepared is not None:
        recipe, catalogue = prepared.recipe, prepared.catalogue
    else:
        recipe, catalogue = recipe_of_run(folder, facts, classes)
    height, width, channels = facts["image_shape"]
    context = BuildContext(
        classes=classes,
        counts=tuple(metrics["class_counts"][-1]["counts"]),
        positive=run.positive,
        image_size=(height, width),
        channels=channels,
        seed=derive_seed(recipe.seed, "weights", "final"),
        columns=run.encoding,
    )
    with working_directory(directory):
        model = _network(folder, recipe, context, run.encoding)
    if recipe.training.channels_last:
        model = model.to(memory_format=torch.channels_last)
    requested = _default_device(recipe.training.accelerator) if device is None else device
    try:
        place = torch.device(requested)
        model = model.to(place)
    except (RuntimeError, AssertionError) as error:  # of several types, by what is missing
        raise RunError(f"the device {str(requested)!r} cannot be used on this machine: {error}") from error
    settings, losses = recipe.images, [part for _, part in parts_of(recipe) if isinstance(part, Loss)]
    return Restored(
        folder=folder,
        name=run.name,
        recipe=recipe,
        catalogue=catalogue,
        context=context,
        model=model.eval(),
        decision=Decision.from_json(metrics["decision"], recipe.decision, losses),
        rule=ImageRule((height, width), settings.resize, settings.interpolation, settings.exif, settings.bits),
        device=place,
        directory=directory,
        encoding=run.encoding,
        _prepared=prepared,
    )


def recipe_of_run(folder: Path, facts: Mapping[str, Any], classes: tuple[str, ...]) -> tuple[Recipe, Catalogue]:
    """The resolved recipe, checked with the plugins that the run had. Raises RunError, RenamedError."""
    installed = {entry.name for entry in entry_points(group=ENTRY_POINTS)}
    had = facts["plugins"]
    # What the run did without stays out: it may be a plugin that cannot be imported.
    catalogue = default_catalogue(tuple(sorted(installed - set(had))))
    try:
        return validate(read_document(folder / run_folder.RECIPE, {}), catalogue, classes), catalogue
    except ImbalkitError as error:
        path = folder / run_folder.RECIPE
        if isinstance(error, RecipeError):
            refuse_renamed(f"{path} has names of an earlier version; write the present ones into it", error)
        missing = [f"{name} ({had[name]})" for name in sorted(set(had) - installed)]
        hint = f"\n  The run had plugins that are not installed now: {listing(missing)}" if missing else ""
        raise RunError(f"{path} cannot be used: {error}{hint}") from error


def _network(folder: Path, recipe: Recipe, context: BuildContext, encoding: ColumnEncoding | None = None) -> Classifier:
    """The network with the run's weights. Raises RunError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / run_folder.WEIGHTS
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path} is not a readable safetensors file: {error}") from error
    try:
        with torch.random.fork_rng(devices=[]):  # leave the caller's random numbers alone
            inputs = ColumnInputs.of(recipe.inputs, encoding)
            model = build_model(recipe.backbone.without_initial_weights(), recipe.heads[-1], context, inputs)
    except ImbalkitError as error:
        raise RunError(f"the network of {folder} cannot be built: {error}") from error
    expected = model.state_dict()
    lacking = [name for name in expected if name not in state]
    unknown = [name for name in state if name not in expected]
    both = [name for name in expected if name in state]
    other = [
        f"{name} {list(state[name].shape)} for {list(expected[name].shape)}"
        for name in both
        if state[name].shape != expected[name].shape
    ]
    if lacking or unknown or other:
        raise RunError(
            f"{path} does not fit the network of {run_folder.RECIPE}: {len(lacking)} parameters are missing, {len(unknown)} "
            f"are unknown and {len(other)} have another shape (such as {[*other, *lacking, *unknown][0]}); are recipe, "
            "weights and installed versions those of the run?"
        )
    model.load_state_dict(state)
    return model


def _default_device(accelerator: str) -> str:
    if accelerator in ("auto", "cuda") and torch.cuda.is_available():
        return "cuda"
    if accelerator in ("auto", "mps") and torch.backends.mps.is_available():
        return "mps"
    return "cpu"
