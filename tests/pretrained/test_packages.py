"""Weights of packages: found without running them, checked, converted once, and those that are really there."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file

from imbalkit.errors import DataError
from imbalkit.pretrained.conversion import safetensors_of
from imbalkit.pretrained.packages import PACKAGES, package_of
from imbalkit.pretrained.sources import find_source
from imbalkit_lite.files import WriteError
from tests.pretrained.fake_package import MODEL, install, uninstall

SHARED = Path(__file__).parents[3] / "shared" / "weights"
STATE = {"_conv_stem.weight": torch.arange(6.0).view(2, 3), "_blocks.1._bn0.num_batches_tracked": torch.tensor(7)}
CHINA = {"palace": 698, "bell cote": 442}


def test_a_package_is_found_without_running_it(tmp_path, monkeypatch):
    package = install(tmp_path, monkeypatch, STATE)
    assert package.find() == tmp_path / "fake_weights" / "models" / "fake.pth"
    assert package_of("tf_efficientnet_lite0.in1k") is package
    source = find_source(MODEL)
    assert source.name == "package fake-weights"
    assert source.sha256 == package.sha256
    assert uninstall(monkeypatch).find() is None


def test_it_is_converted_once(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, STATE)
    file = safetensors_of(find_source(MODEL))
    assert file.parent == tmp_path / "cache" / "weights"
    state = load_file(file)
    assert set(state) == {"conv_stem.weight", "blocks.1.0.bn1.num_batches_tracked"}
    assert torch.equal(state["conv_stem.weight"], STATE["_conv_stem.weight"])
    before = file.stat().st_mtime_ns
    assert safetensors_of(find_source(MODEL)) == file
    assert file.stat().st_mtime_ns == before
    whole = file.read_bytes()
    for damaged in (whole[:-4], whole[:-64] + bytes(64)):  # is made anew
        file.write_bytes(damaged)
        found = load_file(safetensors_of(find_source(MODEL)))
        assert torch.equal(found["conv_stem.weight"], STATE["_conv_stem.weight"])
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.slow
def test_two_processes_at_once(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, {**STATE, "_fc.weight": torch.zeros(1000, 2000)})
    source = find_source(MODEL)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        files = list(pool.map(safetensors_of, [source] * 4))
    assert set(files) == {tmp_path / "cache" / "weights" / files[0].name}
    assert load_file(files[0])["classifier.weight"].shape == (1000, 2000)
    assert [path.name for path in files[0].parent.iterdir()] == [files[0].name]


def test_another_file_than_is_known_is_refused(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, STATE, pin="0" * 64)
    with pytest.raises(
        DataError, match=r"fake\.pth is not the file of fake-weights .*expected SHA-256 0{64}, got .*force"
    ):
        find_source(MODEL)


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("evil"),)


@pytest.mark.parametrize(
    "state", [{"a": Evil()}, Evil(), {"model.weight": torch.zeros(1)}, [torch.zeros(1)], {"_fc.bias": 3}]
)
def test_nothing_but_tensors_is_read(tmp_path, monkeypatch, state):
    monkeypatch.chdir(tmp_path)
    install(tmp_path, monkeypatch, state)
    with pytest.raises(DataError, match=r"fake\.pth holds no weights that can be read safely"):
        safetensors_of(find_source(MODEL))
    assert not (tmp_path / "evil").exists()
    pickle.loads(pickle.dumps(Evil()))  # which it would have been
    assert (tmp_path / "evil").exists()


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, STATE)
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMBALKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(WriteError, match="cannot be written"):
        safetensors_of(find_source(MODEL))


# --- the packages of the index, where they are installed ---------------------------------------------------------------


@pytest.fixture(params=list(PACKAGES))
def converted(request, tmp_path, monkeypatch):
    """(model, its weights by timm's names)"""
    package = PACKAGES[request.param]
    if package.find() is None:
        pytest.skip(f"needs {package.distribution}: {package.command}")
    monkeypatch.setenv("IMBALKIT_CACHE", str(tmp_path))
    return request.param, load_file(safetensors_of(find_source(request.param)))


def test_real_packages_fit_timms_networks(converted):
    model, state = converted
    own = timm.create_model(model).state_dict()
    assert {name: value.shape for name, value in state.items()} == {name: value.shape for name, value in own.items()}
    if (SHARED / f"{model}.safetensors").exists():
        known = load_file(SHARED / f"{model}.safetensors")
        assert known.keys() == state.keys()
        assert all(torch.equal(value, state[name]) for name, value in known.items())


def test_real_packages_recognise_a_photograph(converted):
    from sklearn.datasets import load_sample_image
    from timm.data import create_transform, resolve_model_data_config

    model, state = converted
    network = timm.create_model(model).eval()
    network.load_state_dict(state)
    pixels = create_transform(**resolve_model_data_config(network))(Image.fromarray(load_sample_image("china.jpg")))
    with torch.no_grad():
        best = network(pixels[None])[0].topk(5).indices.tolist()
    assert best[0] == CHINA["palace"]
    assert CHINA["bell cote"] in best
