"""efficientnet_pytorch's names of parameters in timm's."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
from safetensors import safe_open

from imbalkit.pretrained.names import timm_name
from imbalkit.pretrained.packages import PACKAGES
from tests.pretrained.fake_package import efficientnet_pytorch_names

SHARED = Path(__file__).parents[3] / "shared" / "weights"


@pytest.mark.parametrize("model", list(PACKAGES))
def test_every_name_of_timms_is_met_once(model):
    depths = PACKAGES[model].depths
    names = [timm_name(name, depths) for name in efficientnet_pytorch_names(depths)]
    assert names == list(timm.create_model(model).state_dict())  # in the same order, too


def test_squeeze_and_excitation():
    depths = (1, 2, 2, 3, 3, 4, 1)  # B0
    own = timm.create_model("tf_efficientnet_b0").state_dict()
    for number, place in ((0, "0.0"), (4, "2.1"), (15, "6.0")):
        for module, theirs in (("_se_reduce", "conv_reduce"), ("_se_expand", "conv_expand")):
            name = timm_name(f"_blocks.{number}.{module}.bias", depths)
            assert name == f"blocks.{place}.se.{theirs}.bias"
            assert name in own


@pytest.mark.parametrize(
    "name", ["features.0.weight", "_blocks.16._bn0.weight", "_blocks.x._bn0.weight", "_blocks.1._bn9.bias", "_fc"]
)
def test_names_of_other_families_are_refused(name):
    with pytest.raises(ValueError, match="is no parameter of an EfficientNet of 16 blocks"):
        timm_name(name, (1, 2, 2, 3, 3, 4, 1))


@pytest.mark.parametrize("model", ["tf_efficientnet_lite0", "tf_efficientnet_lite2"])
def test_against_a_file_that_was_converted_elsewhere(model):
    file = SHARED / f"{model}.safetensors"
    if not file.exists():
        pytest.skip("needs ../shared/weights")
    depths = PACKAGES[model].depths
    with safe_open(file, "pt") as known:
        assert {timm_name(name, depths) for name in efficientnet_pytorch_names(depths)} == set(known.keys())
