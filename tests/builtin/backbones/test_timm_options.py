"""A recipe from somebody else cannot make timm read a file, a hub or a configuration."""

from __future__ import annotations

import pickle

import pytest
from pydantic import ValidationError

from imbalkit.builtin.backbones import Timm
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
