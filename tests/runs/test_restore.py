"""A run folder made a model again: the same answers, from anywhere, with or without the data, and clear refusals."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.errors import DataError, RunError
from imbalkit.functional.maps import SmoothingMap
from imbalkit.kinds import Backbone, BuildContext, Preprocessing
from imbalkit.runs.restore import restore


def predictions(folder, side="test"):
    frame = pd.read_parquet(folder / "predictions.parquet")
    return frame[frame["split"] == side].reset_index(drop=True)


def columns(frame, start):
    return frame[[name for name in frame if name.startswith(start)]].to_numpy()


@pytest.fixture
def digits(finished_run_of_digits):
    return finished_run_of_digits


@pytest.fixture
def moved(finished_run, tmp_path):
    """A copy of the run folder, to be changed; its data are those of the run."""
    return shutil.copytree(finished_run, tmp_path / "moved")


def change(file, **facts):
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))


# --- the same answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["test", "validation"])
def test_a_run_on_arrays_answers_as_it_did(digits, side):
    restored, rows = restore(digits), predictions(digits, side)
    logits = restored.logits(restored.images(), rows["source"])
    np.testing.assert_allclose(logits, columns(rows, "logit_"), atol=1e-5, rtol=0)
    np.testing.assert_allclose(
        restored.decision.probabilities(logits), columns(rows, "probability_"), atol=1e-5, rtol=0
    )
    assert restored.decision.calibrator == "temperature"
    assert restored.decision.affine[0][0] != 1.0
    assert [restored.classes[code] for code in restored.decision.decide(logits)] == rows["decision"].tolist()
    assert np.array_equal(getattr(restored.prepared.split, side), rows["source"])


def test_the_map_of_a_loss_is_read_back(moved):
    before = restore(moved)
    decision = json.loads((moved / "metrics.json").read_text())["decision"]
    values = {"name": "label_smoothing", "smoothing": [0.1, 0.1]}
    step = {"stage": "corrected for the loss", "name": "ce", "fitted": values}
    change(moved / "metrics.json", decision=decision | {"corrections": [step, *decision["corrections"]]})
    after, logits = restore(moved), np.array([[0.0, 2.0], [0.0, 40.0]])
    mapped = SmoothingMap([0.1, 0.1])(torch.from_numpy(logits)).numpy()
    np.testing.assert_allclose(after.decision.probabilities(logits), before.decision.probabilities(mapped))
    np.testing.assert_array_equal(after.decision.mapped(logits), mapped)


def test_a_run_on_files_answers_as_it_did_from_any_folder(finished_run, moved, tmp_path, monkeypatch):
    project = shutil.copytree(finished_run.parent, tmp_path / "project")
    (project / "start.safetensors").unlink()  # what the run started from is not needed any more
    change(moved / "run.json", directory=str(project))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    restored = restore(moved)
    rows = predictions(moved)
    logits = restored.logits(restored.images(), rows["source"])
    np.testing.assert_allclose(logits, columns(rows, "logit_"), atol=1e-5, rtol=0)
    assert [restored.classes[code] for code in restored.decision.decide(logits)] == rows["decision"].tolist()
    assert restored.positive == 1
    assert restored.decision.rule == "youden"
    assert not list(Path.cwd().iterdir())  # neither cache nor anything else beside the caller

    # The files themselves, read as new images, in another order.
    names = [project / path for path in rows["path"][::-1]]
    np.testing.assert_allclose(restored.logits(names), columns(rows, "logit_")[::-1], atol=1e-5, rtol=0)
    np.testing.assert_allclose(restored.logits(str(names[0])), columns(rows, "logit_")[-1:], atol=1e-5, rtol=0)


def test_a_batch_size_that_does_not_divide_the_rows_changes_nothing(finished_run):
    restored = restore(finished_run)
    store = restored.images()
    assert len(store) % restored.recipe.training.batch_size
    alone = np.concatenate([restored.logits(store, [sample]) for sample in range(len(store))])
    np.testing.assert_allclose(restored.logits(store), alone, atol=1e-4, rtol=0)
    assert restored.logits(store, []).shape == (0, 2)


def test_features_are_what_the_head_sees(finished_run):
    restored = restore(finished_run)
    store = restored.images()
    features = restored.features(store, [5, 5, 0])
    assert features.shape == (3, restored.model.head.in_features)
    assert np.array_equal(features[0], features[1])
    assert features.std() > 0
    weight, bias = (getattr(restored.model.head, name).detach().numpy() for name in ("weight", "bias"))
    np.testing.assert_allclose(features @ weight.T + bias, restored.logits(store, [5, 5, 0]), atol=1e-5)


def test_a_grey_model_takes_files_and_arrays(digits, tmp_path):
    restored = restore(digits)
    pixels = restored.prepared.table.arrays[:3]
    for number, image in enumerate(pixels):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{number}.png")
    files = restored.logits([tmp_path / f"{number}.png" for number in range(3)])
    np.testing.assert_allclose(files, restored.logits(pixels), atol=1e-5)
    larger = np.kron(pixels[..., 0], np.ones((2, 2), dtype=np.uint8))
    assert restored.logits(larger).shape == (3, 10)  # made small by the run's own rule


def test_the_number_format_is_the_runs(digits):
    restored = restore(digits)
    images = restored.images()
    exact = restored.logits(images, range(32))
    training = restored.recipe.training.model_copy(update={"precision": "bf16"})
    recipe = restored.recipe.model_copy(update={"training": training})
    rounded = replace(restored, recipe=recipe).logits(images, range(32))
    assert 1e-5 < np.abs(rounded - exact).max() < 0.2


# --- weights to start from are not looked for -------------------------------------------------------------------------


def test_pretrained_weights_are_not_asked_for(moved, monkeypatch):
    import timm

    recipe = (moved / "recipe.yaml").read_text().replace("pretrained: false", "pretrained: true")
    (moved / "recipe.yaml").write_text(recipe)
    asked = []
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda *a, **k: asked.append(k) or create(*a, **k))
    restored = restore(moved)
    assert restored.recipe.backbone.pretrained
    assert asked == [{"pretrained": False, "num_classes": 0, "in_chans": 3}]
    rows = predictions(moved)
    np.testing.assert_allclose(
        restored.logits(restored.images(), rows["source"]), columns(rows, "logit_"), atol=1e-5, rtol=0
    )


def test_mobilenet_does_not_look_for_its_weights():
    from imbalkit_melanoma.mobilenet import MobileNetV1

    part = MobileNetV1(weights="gone.safetensors")
    assert part.without_initial_weights().build(BuildContext(("a", "b"), (1, 1))).num_features == 768
    with pytest.raises(DataError, match=r"gone\.safetensors"):
        part.build(BuildContext(("a", "b"), (1, 1)))


class ThirdParty(Backbone):
    """Starts from a file that is gone."""

    name = "third_party"

    def preprocessing(self):
        return Preprocessing((0.5,), (0.5,), (32, 24))

    def build(self, context):
        raise DataError("there are no weights at gone.pt")


class Careful(ThirdParty):
    name = "careful"

    def without_initial_weights(self):
        return SmallCNN(width=4)


def test_a_strangers_backbone_may_say_how_to_do_without(digits):
    restored = restore(digits)
    metrics = json.loads((digits / "metrics.json").read_text())
    width = restored.recipe.backbone.width
    for backbone, message in (
        (ThirdParty(), "the network of .* cannot be built: there are no weights at gone"),
        (
            Careful(),
            rf"parameters are missing, .* shape \(such as body.0.weight \[{width}, 1, 3, 3\] for \[4, 1, 3, 3\]\)",
        ),
    ):
        recipe = restored.recipe.model_copy(update={"backbone": backbone})
        prepared = replace(restored.prepared, recipe=recipe)
        with pytest.raises(RunError, match=message):
            restore(digits, metrics=metrics, prepared=prepared)


def test_the_callers_random_numbers_stay(digits):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    restore(digits)
    assert torch.equal(torch.rand(3), expected)


def test_a_plugin_that_the_run_did_without_stays_out(moved):
    change(moved / "run.json", plugins={"builtin": "imbalkit 0", "melanoma": "imbalkit 0"})
    assert [provider.plugin for provider in restore(moved).catalogue.providers()] == ["builtin", "melanoma"]


# --- data that are gone or changed --------------------------------------------------------------------------------------


def test_without_its_data_a_model_still_takes_new_images(finished_run, moved, monkeypatch):
    images = [finished_run.parent / path for path in predictions(moved)["path"]]
    change(moved / "run.json", directory="/nowhere/at/all")
    monkeypatch.chdir(moved)
    restored = restore(moved)
    expected = columns(predictions(moved), "logit_")
    np.testing.assert_allclose(restored.logits(images), expected, atol=1e-5, rtol=0)
    with pytest.raises(
        DataError, match=r"moved cannot be read again \(new images can .* start at /nowhere.*no table at"
    ):
        restored.images()
    monkeypatch.chdir(finished_run.parent)  # the folder is gone: relative paths start at the current one
    assert len(restored.images()) == 120


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "common/001.png,common,P00,south\n",
            "common/001.png,common,P00,south\n" * 2,
            r"changed since the run: 1 row is new \(.*common/001.png\)",
        ),
        (
            "common/007.png,common,P02,north\n",
            "common/007.png,other,P02,north\n",
            "their classes were common, rare, now they are common, other",
        ),
        ("common/005.png,", None, "115 rows are missing"),
        ("path,kind,", "path,kind,", None),
        (
            "common/119.png,common,P39,south\n",
            "common/119.png,common,P39,south\ncommon/007.png,common,P40,north\n",
            r"changed since the run: 1 row is new \(.*common/007.png\)",
        ),
    ],
)
def test_data_that_changed_are_refused(finished_run, moved, tmp_path, old, new, message):
    project = shutil.copytree(finished_run.parent, tmp_path / "project")
    table = project / "photographs" / "labels.csv"
    text = table.read_text()
    assert old in text
    table.write_text(text[: text.index(old)] if new is None else text.replace(old, new))
    change(moved / "run.json", directory=str(project))
    restored = restore(moved)
    if message is None:
        assert len(restored.prepared.table) == 120
        return
    with pytest.raises(DataError, match=message):
        _ = restored.prepared


def test_pictures_that_changed_under_their_names_are_refused(finished_run, moved, tmp_path):
    project = shutil.copytree(finished_run.parent, tmp_path / "project")
    change(moved / "run.json", directory=str(project))
    for file in (project / "photographs").rglob("*.png"):
        file.touch()
    assert len(restore(moved).images()) == 120  # a touched file is the same
    Image.new("RGB", (16, 16)).save(project / "photographs" / "common" / "001.png")
    with pytest.raises(DataError, match=r"changed since the run: 1 file has other content \(.*common/001.png\)"):
        restore(moved).images()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("path,kind,", "path,kind,", None),
        ("common/001.png,common,P00,south\n", "common/001.png,common,P00,south\n" * 2, "rows are in another order"),
        ("common/005.png,", None, r"\d+ rows are missing \(such as .*\)"),
    ],
)
def test_a_run_folder_of_an_older_version_knows_its_predicted_samples(finished_run, moved, tmp_path, old, new, message):
    (moved / "data.parquet").unlink()
    test_data_that_changed_are_refused(finished_run, moved, tmp_path, old, new, message)


# --- images that cannot be taken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (["gone.png"], r"gone\.png: there is no such file"),
        ([3, 4], "expected paths of image files, got int '3'"),
        (np.zeros((2, 32, 24), dtype=np.uint8), r"takes images of \[32, 24, 3\] \(height, .*got \[32, 24, 1\]"),
        (np.zeros((2, 32, 24, 3), dtype=np.float32), "expected images uint8"),
    ],
)
def test_other_images_are_refused(finished_run, images, message):
    with pytest.raises(DataError, match=message):
        restore(finished_run).logits(images)


def test_samples_that_are_not_there_are_refused(digits):
    restored = restore(digits)
    images = restored.images()
    with pytest.raises(DataError, match=f"expected samples from 0 to {len(images) - 1}, got -1 to 4"):
        restored.features(images, [4, -1])


# --- folders that are no finished run -----------------------------------------------------------------------------------


def test_folders_that_are_no_finished_run(moved, tmp_path):
    with pytest.raises(RunError, match=r"expected a run folder, there is none at .*gone"):
        restore(tmp_path / "gone")
    with pytest.raises(RunError, match=r"is not a run folder: expected recipe\.yaml and run\.json in it"):
        restore(moved.parent)
    metrics = (moved / "metrics.json").read_text()
    (moved / "metrics.json").write_text('{"folds": 5, "test": {}}')
    with pytest.raises(RunError, match=r"expected a run folder, there is none at .*fold-0"):
        restore(moved)
    (moved / "metrics.json").write_text(metrics[:100])
    with pytest.raises(RunError, match=r"metrics\.json cannot be read"):
        restore(moved)
    (moved / "metrics.json").unlink()
    with pytest.raises(RunError, match=r"is not finished .*--folder .*moved --resume"):
        restore(moved)
    assert restore(moved, metrics=json.loads(metrics)).classes == ("common", "rare")
    (moved / "metrics.json").write_text(metrics)
    facts = json.loads((moved / "run.json").read_text())
    del facts["image_shape"]
    (moved / "run.json").write_text(json.dumps(facts))
    with pytest.raises(RunError, match=r'run\.json does not say .* add "image_shape": \[height'):
        restore(moved)


def test_weights_that_do_not_fit(moved):
    path = moved / "model.safetensors"
    state = load_file(path)
    save_file(state | {"head.weight": torch.zeros(3, 4)}, path)
    with pytest.raises(
        RunError, match=r"0 parameters are missing, 0 are unknown and 1 have .*such as head\.weight \[3, 4\] for"
    ):
        restore(moved)
    save_file({("new" if name == "head.bias" else name): value for name, value in state.items()}, path)
    with pytest.raises(RunError, match=r"1 parameters are missing, 1 are unknown and 0 have .*such as head\.bias\)"):
        restore(moved)
    path.write_bytes(b"no weights at all")
    with pytest.raises(RunError, match="is not a readable safetensors file"):
        restore(moved)
    path.unlink()
    with pytest.raises(RunError, match=r"model\.safetensors is not there"):
        restore(moved)


def test_a_plugin_that_is_gone_is_named(moved):
    text = (moved / "recipe.yaml").read_text()
    (moved / "recipe.yaml").write_text(text.replace("name: timm\n", "name: resnet_of_ours\n"))
    facts = json.loads((moved / "run.json").read_text())
    change(moved / "run.json", plugins=facts["plugins"] | {"ours": "imbalkit-ours 2.0"})
    with pytest.raises(
        RunError, match=r"no backbone 'resnet_of_ours'[\s\S]*not installed now: ours \(imbalkit-ours 2\.0\)"
    ):
        restore(moved)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_a_device_that_is_not_there(digits, moved):
    with pytest.raises(RunError, match="the device 'cuda' cannot be used on this machine"):
        restore(digits, device="cuda")
    text = (moved / "recipe.yaml").read_text()
    (moved / "recipe.yaml").write_text(text.replace("accelerator: cpu", "accelerator: cuda"))
    assert restore(moved).device.type == "cpu"  # trained on a GPU, used on a laptop
