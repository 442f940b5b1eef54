"""Rounds that runs share: found for the very same work, and for nothing else."""

from pathlib import Path

import numpy as np
import pytest

from imbalkit.plan import Plan
from imbalkit.planning import prepare
from imbalkit.shared_rounds import SharedRounds, round_key

RANK = "samplers=[{name: loss_rank, drop: 5, which: highest, rounds: 2, epochs: 1, between_rounds: reset}]"


def key(*overrides, stage="loss_rank-0-round-1", before="", plan=None):
    prepared = prepare("digits", [RANK, *overrides])
    return round_key(prepared.recipe, prepared.recipe.samplers[0], plan or prepared.source_plan(), stage, before)


@pytest.mark.parametrize(
    "override",
    [
        "loss={name: focal, delta: 2}", "training.epochs=9", "training.select=last", "decision.threshold=fixed",
        "images.cache=elsewhere", "description=another", "samplers.0.rounds=1", "samplers.0.drop=7",
    ],
)  # fmt: skip
def test_what_does_not_touch_a_round_keeps_its_key(override):
    assert key(override) == key()


@pytest.mark.parametrize(
    "override",
    [
        "seed=1", "data.seed=1", "data.imbalance=20", "training.batch_size=8", "training.optimizer.lr=0.5",
        "backbone={name: small_cnn, width: 5}", "head.dropout=0.5", "samplers.0.epochs=2", "samplers.0.loss=inverse_ce",
        "samplers.0.score=margin", "samplers.0.scores_from=last_epoch", "samplers.0.backbone={name: small_cnn, width: 7}",
        "augment=[random_radial_blur]", "images.resize=pad", "training.threads=1",
    ],
)  # fmt: skip
def test_what_touches_a_round_changes_its_key(override):
    assert key(override) != key()


def test_the_rows_the_stage_and_the_round_before_change_the_key():
    plan = prepare("digits", [RANK]).source_plan()
    dropped = plan.drop(np.array([0]))
    again = Plan.from_labels(plan.label, plan.classes, plan.source, seed=plan.seed)
    assert key(plan=again) == key(plan=plan) == key()
    assert len({key(), key(plan=dropped), key(stage="loss_rank-0-round-2"), key(before="0123")}) == 4


def test_files_come_back_whole_or_not_at_all(tmp_path):
    rounds = SharedRounds(tmp_path / "rounds")
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
    rounds = SharedRounds(None)
    (tmp_path / "a").write_bytes(b"x")
    with rounds.claim("k"):
        rounds.keep("k", {".npy": Path("a")})
    assert not rounds.fetch("k", {".npy": Path("b")})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
