"""Names of parameters: from efficientnet_pytorch's to timm's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

_ENDS = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_SQUEEZE = {"_se_reduce": "se.conv_reduce", "_se_expand": "se.conv_expand"}
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}  # do not expand
_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def timm_name(name: str, depths: Sequence[int]) -> str:
    """timm's name of a parameter of efficientnet_pytorch's, which counts blocks through all stages.

    Args:
        name: such as `_blocks.3._bn0.weight`
        depths: blocks in each stage, such as (1, 2, 2, 3, 3, 4, 1) for B0

    Raises ValueError for a name of another family.

    >>> timm_name("_blocks.3._bn0.weight", (1, 2, 2))
    'blocks.2.0.bn1.weight'
    """
    try:
        if not name.startswith("_blocks."):
            module, value = name.split(".")
            return f"{_ENDS[module]}.{value}"
        _, number, module, value = name.split(".")
        block, ends = int(number), list(accumulate(depths))
        stage = next(index for index, end in enumerate(ends) if block < end)
        known = (_BLOCK if stage else _FIRST) | _SQUEEZE
        return f"blocks.{stage}.{block - ends[stage] + depths[stage]}.{known[module]}.{value}"
    except (KeyError, ValueError, StopIteration):
        raise ValueError(f"{name!r} is no parameter of an EfficientNet of {sum(depths)} blocks") from None
