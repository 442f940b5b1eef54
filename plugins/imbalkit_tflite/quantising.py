"""Smaller numbers in a TFLite file, by the AI Edge Quantizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit_tflite.converting import quiet

# Operations that stay float32 (imbalkit.export.graph), found by the modules that their tensors are named after.
_FLOAT = (
    r"Normalisation_normalisation|Beside_beside|Deployed(Member_\d+)?/[\w.]+_head\b|MeanOf\w+_averaging|LossMapping_mapping"
    r"|Calibration_calibration|DeployedMember_\d+;"
)


def quantise(
    content: bytes, how: str, calibration: np.ndarray | None = None, columns: np.ndarray | None = None
) -> bytes:
    """A float32 file with smaller numbers; input and output keep their types.

    Args:
        content: of the float32 file
        how: fp16 (weights of float16, to be computed with as float32), dynamic (weights of int8, layers quantised as they are
            computed where the runtime can) or int8 (weights and layers of int8)
        calibration: inputs that the ranges of int8 layers are taken from, [n, ...]
        columns: the columns that belong to them, [n, W]; None for a file of pictures alone
    """
    from ai_edge_quantizer.quantizer import Quantizer

    quantizer = Quantizer(content, _recipe(how))
    with quiet():
        ranges = _ranges(content, _recipe(how), calibration, columns) if quantizer.need_calibration else None
        done = quantizer.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    return bytes(done.quantized_model)


def _ranges(content: bytes, recipe: Any, calibration: np.ndarray | None, columns: np.ndarray | None) -> Any:
    """The smallest and largest value of every tensor over all rows.

    The quantizer's own way, a moving average of each row's, cuts off what about half of the rows hold.
    """
    from ai_edge_quantizer.calibrator import Calibrator
    from ai_edge_quantizer.recipe_manager import RecipeManager
    from ai_edge_quantizer.utils.qsv_utils import min_max_update

    manager = RecipeManager()
    manager.load_quantization_recipe(recipe)
    calibrator = Calibrator(content, qsv_update_func=min_max_update)
    given = [{"images": row[None]} for row in (() if calibration is None else calibration)]
    if columns is not None:
        given = [{**row, "columns": beside[None]} for row, beside in zip(given, columns, strict=True)]
    calibrator.calibrate({"serving_default": given}, manager)
    return calibrator.get_model_qsvs()


def _recipe(how: str) -> Any:
    from ai_edge_quantizer.algorithm_manager import AlgorithmName
    from ai_edge_quantizer.qtyping import TFLOperationName
    from ai_edge_quantizer.recipe_manager import RecipeManager

    recipe, every = RecipeManager(), TFLOperationName.ALL_SUPPORTED
    if how == "fp16":
        recipe.add_weight_only_config(".*", every, 16, algorithm_key=AlgorithmName.FLOAT_CASTING)
    elif how == "dynamic":
        recipe.add_dynamic_config(".*", every, 8)
    else:
        recipe.add_static_config(".*", every, 8, 8)
        for operation in (TFLOperationName.INPUT, TFLOperationName.OUTPUT, TFLOperationName.SOFTMAX):
            recipe.add_quantization_config(".*", operation, None, AlgorithmName.NO_QUANTIZE)
    recipe.add_quantization_config(_FLOAT, every, None, AlgorithmName.NO_QUANTIZE)
    return recipe.get_quantization_recipe()
