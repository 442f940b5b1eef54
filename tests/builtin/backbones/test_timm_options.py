"""A recipe from somebody else cannot make timm read a file, a hub or a configuration."""

from __future__ import annotations

import pickle

import pytest
import timm
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from imbalkit.builtin.backbones import ResNet32, Timm
from imbalkit.kinds import BuildContext


class Evil:
    def __reduce__(self):
        return print, ("code of a third party ran",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpoint_path": "evil.pt"}, "cannot set 'checkpoint_path': weights come from"),
        ({"pretrained_cfg": {"file": "evil.pt"}}, "cannot set 'pretrained_cfg'"),
        ({"pretrained_cfg_overlay": {"url": "x"}}, "cannot set 'pretrained_cfg_overlay'"),
        ({"cache_dir": "x"}, "cannot set 'cache_dir'"),
        ({"num_classes": 5}, "cannot set 'num_classes'"),
        ({"img_size": {"file": "x"}}, "expected 'img_size' to be a number"),
        ({"features_only": True}, "cannot set 'features_only'"),
        ({"drop_rate": "a"}, "expected 'drop_rate', a probability, from 0 to below 1, got 'a'"),
        ({"drop_path_rate": 2.0}, "expected 'drop_path_rate', a probability"),
        ({"act_layer": "/tmp/x"}, "expected 'act_layer' to be"),
        ({"act_layer": ["hf-hub:x/y"]}, "expected 'act_layer' to be"),
    ],
)
def test_options_name_no_files(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValidationError, match=message):
        Timm(model="test_efficientnet", options=options)
    assert "code of a third party" not in capsys.readouterr().out


@pytest.mark.parametrize("model", ["hf-hub:timm/resnet18", "local-dir:/tmp/model", "../resnet18", "a/b", ""])
def test_a_model_is_a_name(model):
    with pytest.raises(ValidationError, match="expected a name of timm's own models"):
        Timm(model=model)


def test_ordinary_options_stay():
    part = Timm(model="test_efficientnet", options={"drop_path_rate": 0.2, "act_layer": "silu", "out_indices": [0, 1]})
    assert part.options["act_layer"] == "silu"
    body = Timm(model="test_efficientnet", options={"drop_path_rate": 0.1}).build(BuildContext(("a", "b"), (1, 1)))
    assert body.num_features > 0


@pytest.mark.parametrize("part", [lambda **values: Timm(model="test_efficientnet", **values), ResNet32])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"std": [0.2, 0, 0.2]}, "expected every number of `std` above 0"),
        ({"mean": [0.5, 0.5], "std": [0.2, 0.2, 0.2]}, "expected as many numbers in `mean` as in `std`"),
        ({"std": []}, "expected `std` to be one number"),
    ],
)
def test_what_cannot_normalise_is_refused(part, values, message):
    with pytest.raises(ValidationError, match=message):
        part(**values)


def test_weights_for_colour_fit_grey_images_as_timm_s_own_do(tmp_path):
    torch.manual_seed(0)
    body = timm.create_model("test_efficientnet", num_classes=0)
    save_file(body.state_dict(), tmp_path / "w.safetensors")
    part = Timm(model="test_efficientnet", weights=str(tmp_path / "w.safetensors"))
    grey = part.build(BuildContext(("a", "b"), (1, 1), channels=1)).eval()
    images = torch.rand(2, 1, 32, 32)
    assert torch.allclose(grey(images), body.eval()(images.expand(-1, 3, -1, -1)), atol=1e-5)
    own = timm.models.adapt_input_conv(1, body.state_dict()["conv_stem.weight"])
    assert torch.allclose(grey.state_dict()["conv_stem.weight"], own)


def drop_rates(part):
    from timm.layers import DropPath

    body = part.build(BuildContext(("a", "b"), (1, 1)))
    return [module.drop_prob for module in body.modules() if isinstance(module, DropPath)]


def test_drop_path_is_timm_s_drop_path_rate():
    rates = drop_rates(Timm(model="tf_efficientnet_lite0", drop_path=0.2))
    assert rates == drop_rates(Timm(model="tf_efficientnet_lite0", options={"drop_path_rate": 0.2}))
    assert rates == sorted(rates)
    assert max(rates) == pytest.approx(0.2 * 15 / 16)  # block 16 of 16 blocks, counted from 0
    assert drop_rates(Timm(model="tf_efficientnet_lite0")) == []
    assert drop_rates(Timm(model="tf_efficientnet_lite0", drop_path=0.0)) == []


@pytest.mark.parametrize("model", ["vgg11", "densenet121"])
def test_a_model_that_takes_no_drop_path_is_refused(model):
    assert Timm(model=model).problems() == []
    assert Timm(model=model, drop_path=0.1).problems() == [
        ("drop_path", f"timm's {model} has no residual block to leave out: leave out drop_path")
    ]
    assert Timm(model="test_efficientnet", drop_path=0.1).problems() == []


def test_one_place_for_drop_path():
    with pytest.raises(ValidationError, match="expected `drop_path` or `options: {drop_path_rate: ...}`, got both"):
        Timm(model="test_efficientnet", drop_path=0.1, options={"drop_path_rate": 0.2})
    with pytest.raises(ValidationError, match="drop_path"):
        Timm(model="test_efficientnet", drop_path=1.0)
