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
