"""Rounds that runs share: found for the very same work, and for nothing else."""

import copy
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from imbalkit.catalogue import Provider, default_catalogue
from imbalkit.engine.round_cache import LEFT_OUT, OF_THE_SAMPLER, RoundCache, Surroundings, round_key, versions
from imbalkit.kinds import FeatureSampler, ScoredSampler
from imbalkit.plan import Plan
from imbalkit.recipe.prepare import prepare
from imbalkit.recipe.recipe import ImageSettings, Recipe, TrainingSettings
from imbalkit.runs.data_record import content_of

RANK = "samplers=[{name: loss_rank, drop: 5, which: highest, rounds: 2, epochs: 1, warm_start: false}]"


def key(*overrides, stage="loss_rank-0-round-1", before="", plan=None, **around):
    prepared = prepare("digits", [RANK, *overrides])
    recipe, facts = (
        prepared.recipe,
        {"content": content_of(prepared.table.arrays), "shape": (8, 8, 1), "place": "cpu 1"},
    )
    surroundings = Surroundings(recipe, prepared.catalogue, **facts | around)
    sampler = recipe.samplers[0]
    backbone = sampler.backbone or recipe.backbone
    return round_key(surroundings, sampler, backbone, plan or prepared.source_plan(), stage, before)


UNTOUCHED = [
    "description=another", "card.contact=someone", "split.validation=0.1", "loss={name: focal, gamma: 2}",
    "order=balanced", "mixer=mixup", "deferred={loss: inverse_ce}", "stages=[retrain]",
    "predict.views=flips", "decision.threshold=fixed", "metrics=[balanced_accuracy]", "evaluation.resamples=200", "export=[onnx]",
    "launcher={name: local, jobs: 2}",
    "logging.tensorboard=true", "images.size=8", "images.keep=pixels", "images.on_bad_image=skip", "images.cache=elsewhere",
    "images.device_memory=0.1", "images.render_cache_gib=1.0", "training.epochs=9", "training.monitor=last",
    "training.early_stopping.patience=2", "training.freeze_epochs=1", "training.devices=auto", "training.nodes=2",
    "training.threads=1", "training.accelerator=cpu", "samplers.0.rounds=1", "samplers.0.drop=7",
]  # fmt: skip
TOUCHED = [
    "seed=1", "positive='9'", "head.dropout=0.5", "backbone={name: small_cnn, width: 5}", "augment=[random_radial_blur]",
    "images.resize=pad", "images.interpolation=bicubic", "images.exif=false", "images.bits=12",
    "training.batch_size=8", "training.micro_batches=2", "training.optimizer.lr=0.5", "training.schedule.name=constant",
    "training.gradient_clip_norm=1.0", "training.ema=0.9", "training.precision=bf16", "training.channels_last=false",
    "training.compile=true", "training.sam.radius=0.1",
    "samplers.0.epochs=2", "samplers.0.loss=inverse_ce", "samplers.0.order=balanced", "samplers.0.score=margin",
    "samplers.0.scores_from=last_epoch",
    "samplers.0.backbone={name: small_cnn, width: 7}",
    "data.seed=1", "data.imbalance=20",
]  # fmt: skip


@pytest.mark.parametrize("override", UNTOUCHED)
def test_what_does_not_touch_a_round_keeps_its_key(override):
    assert key(override) == key()


@pytest.mark.parametrize("override", TOUCHED)
def test_what_touches_a_round_changes_its_key(override):
    assert key(override) != key()


def test_every_key_of_a_recipe_is_in_one_list():
    """A new key of the recipe fails here until it is known whether it decides the scores of a round."""

    def tried(overrides):
        return {tuple(override.partition("=")[0].split(".")[:2]) for override in overrides}

    def places(overrides):
        names = {place[0] for place in tried(overrides)} - {"images", "training"}
        return names | {".".join(place) for place in tried(overrides) if place[0] in ("images", "training")}

    keys = {name for name in Recipe.model_fields if name not in ("images", "training")}
    keys |= {f"images.{name}" for name in ImageSettings.model_fields}
    keys |= {f"training.{name}" for name in TrainingSettings.model_fields}
    both = {"samplers", "data"}  # their effect on the plan and on the pictures counts, not their words
    elsewhere = {"inputs"}  # digits have no columns: tests/engine/test_column_runs.py
    assert places(UNTOUCHED) | places(TOUCHED) | elsewhere == keys
    assert places(UNTOUCHED) & places(TOUCHED) <= both
    left_out = set(LEFT_OUT["recipe"])
    left_out |= {f"{kind}.{name}" for kind in ("images", "training") for name in LEFT_OUT[kind]}
    assert left_out - both == places(UNTOUCHED) - both


def test_every_parameter_of_a_sampler_that_has_a_network_is_known_to_decide_or_to_act_on_what_that_gives():
    after = {"rounds", "warm_start", "classes", "drop", "keep", "which"}
    after |= {"sampling_strategy", "n_neighbors", "kind_sel", "version", "n_neighbors_ver3", "sampler", "options"}
    for name in default_catalogue().names("sampler"):
        part = default_catalogue().get("sampler", name)
        if issubclass(part, ScoredSampler | FeatureSampler):
            assert set(part.model_fields) <= after | set(OF_THE_SAMPLER), name


def test_moved_data_share_rounds_and_other_pictures_do_not():
    prepared = prepare("digits", [RANK])
    content = content_of(prepared.table.arrays)
    other = content.copy()
    other[prepared.source_plan().source[3]] += 1
    untrained = content.copy()
    untrained[prepared.split.test[0]] += 1
    assert key(content=other) != key()
    assert key(content=untrained) == key()  # a round sees training rows alone
    assert key(shape=(16, 16, 1)) != key()
    assert key(place="cpu 2") != key()


@pytest.mark.parametrize("library", ["imbalkit-lite", "torch", "torchvision", "timm", "kornia", "pillow", "numpy"])
def test_another_version_of_a_library_is_another_round(library, monkeypatch):
    before = key()
    installed = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1" if name == library else installed(name))
    assert key() != before


def test_another_version_of_a_parts_distribution_is_another_round_and_of_another_plugin_is_not():
    prepared = prepare("digits", [RANK])
    catalogue = prepared.catalogue
    own, another = ("backbone", prepared.recipe.backbone.name), ("backbone", "mobilenetv1_075")
    before = versions(catalogue, [own])
    third_party = Provider("third", "imbalkit-third", "3.1")
    changed = copy.copy(catalogue)
    changed._providers = catalogue._providers | {another: third_party}
    assert versions(changed, [own]) == before
    assert versions(changed, [another])["imbalkit-third"] == "3.1"


def test_the_rows_the_stage_and_the_round_before_change_the_key():
    plan = prepare("digits", [RANK]).source_plan()
    dropped = plan.drop(np.array([0]))
    again = Plan.from_labels(plan.label, plan.classes, plan.source, seed=plan.seed)
    assert key(plan=again) == key(plan=plan) == key()
    assert len({key(), key(plan=dropped), key(stage="loss_rank-0-round-2"), key(before="0123")}) == 4


def test_files_come_back_whole_or_not_at_all(tmp_path):
    rounds = RoundCache(tmp_path / "rounds")
    own = {".npy": tmp_path / "own.npy", ".pt": tmp_path / "own.pt"}
    own[".npy"].write_bytes(b"scores")
    with rounds.claim("k"):
        rounds.keep("k", {".npy": own[".npy"]})
    mine = {end: tmp_path / f"mine{end}" for end in own}
    assert not rounds.fetch("k", mine)  # the weights are not there
    assert not any(path.exists() for path in mine.values())
    assert rounds.fetch("k", {".npy": mine[".npy"]})
    assert mine[".npy"].read_bytes() == b"scores"
    assert not rounds.fetch("other", {".npy": mine[".npy"]})


def test_without_a_folder_nothing_is_shared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rounds = RoundCache(None)
    (tmp_path / "a").write_bytes(b"x")
    with rounds.claim("k"):
        rounds.keep("k", {".npy": Path("a")})
    assert not rounds.fetch("k", {".npy": Path("b")})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


PRETRAINED = "{name: timm, model: efficientnet_lite0, weights: some.safetensors}"


def features_key(sampler, stage="features"):
    return key(f"samplers=[{sampler}]", f"backbone={PRETRAINED}", stage=stage)


def test_samplers_that_see_the_same_features_share_them():
    """Whatever they make of them; not where another network sees the rows, or one that is trained first."""
    first = features_key("tomek_links")
    assert features_key("{name: near_miss, version: 2, n_neighbors: 1}") == first
    assert features_key("{name: edited_nearest_neighbours, kind_sel: mode}") == first
    assert features_key("{name: tomek_links, epochs: 1}") != first
    other = PRETRAINED.replace("lite0", "lite1")
    assert features_key(f"{{name: tomek_links, backbone: {other}}}") != first
