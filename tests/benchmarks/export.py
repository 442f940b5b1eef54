"""Exported files: size, time and agreement of every backbone, and what quantising costs a trained model.

python -m tests.benchmarks export files [--only NAME] [--work FOLDER]
python -m tests.benchmarks export figures [--only NAME] [--work FOLDER] [--threads 1]

`files`: the backbones at their own image sizes, trained for a minute on 64 photographs, so that only size, time and agreement
mean something. `figures`: all of them trained for some epochs on ham10000, and the files' figures on its test rows. Both need
../shared/data/ham10000, `figures` also ../shared/weights. Runs in the work folder are used again. Tables go to its *.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalkit import run
from imbalkit.catalogue import default_catalogue
from imbalkit.export.export import export
from imbalkit.export.parity import limit_problems
from imbalkit.functional.ranking import roc_auc
from imbalkit.kinds import ExportLimits
from imbalkit.runs.restore import restore
from imbalkit.runs.restored import Restored
from imbalkit_lite.model import open_model

SHARED = Path(__file__).resolve().parents[2] / "../shared"
QUANTIZATIONS = ("none", "fp16", "dynamic", "int8")
ANY = ExportLimits(auc=1.0, sensitivity=1.0, ece=1.0, flips=1.0)  # what it costs is what is measured

# Name -> (recipe's backbone, px that it takes by default).
BACKBONES = {
    "small_cnn": ("small_cnn", 64),
    "mobilenetv1_075": ("mobilenetv1_075", 224),
    "efficientnet_lite0": ("{name: timm, model: efficientnet_lite0}", 224),
    "efficientnet_lite2": ("{name: timm, model: efficientnet_lite2}", 260),
    "efficientnet_lite4": ("{name: timm, model: efficientnet_lite4}", 380),
    "efficientnet_b0": ("{name: timm, model: efficientnet_b0}", 224),
    "efficientnet_b2": ("{name: timm, model: efficientnet_b2}", 260),
}
# Name -> (px, epochs): what is trained for figures; only mobilenetv1_075 has weights to start from.
TRAINED = {
    "small_cnn": (64, 4),
    "mobilenetv1_075": (128, 3),
    "efficientnet_lite0": (96, 4),
    "efficientnet_lite2": (96, 4),
    "efficientnet_lite4": (64, 2),
    "efficientnet_b0": (96, 4),
    "efficientnet_b2": (64, 4),
}


def main(arguments: list[str]) -> None:
    """Run one of the two measurements and write its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks export")
    parser.add_argument("what", choices=["files", "figures"])
    parser.add_argument("--only", action="append", choices=list(BACKBONES))
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "imbalkit_export")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    names = options.only or list(BACKBONES if options.what == "files" else TRAINED)
    rows: list[dict[str, Any]] = []
    for name in names:
        measured = file_rows(name, options) if options.what == "files" else figure_rows(name, options)
        for row in measured:
            rows.append(row)
            sys.stderr.write(f"{row}\n")
            (options.work / f"{options.what}.md").write_text(markdown(rows))


def file_rows(name: str, options: argparse.Namespace) -> Any:
    """Size, time and agreement of a backbone's files, one of each quantisation, at its own image size."""
    backbone, size = BACKBONES[name]
    table = pd.read_csv(SHARED / "data/ham10000/labels.csv").groupby("melanoma").sample(32, random_state=0)
    table["path"] = [str(SHARED / "data/ham10000" / path) for path in table["path"]]
    table.to_csv(options.work / "few.csv", index=False)
    recipe = {"file": str(options.work / "few.csv"), "label_column": "melanoma"}
    short = ["training.epochs=4", "training.batch_size=8", "split.test=0.25", "split.validation=0.25"]
    restored = trained(options, f"few-{name}", recipe, [f"backbone={backbone}", f"images.size={size}", *short])
    for quantize in QUANTIZATIONS:
        facts = written(restored, options, name, quantize, measured=True)
        found, times = facts["runtimes"]["LiteRT"], facts["measured"]["milliseconds_by_threads"]
        yield {
            "backbone": name,
            "px": size,
            "numbers": quantize,
            "MB": f"{facts['bytes'] / 1e6:.1f}",
            **{f"ms, {n} thread{'s' * (n != '1')}": shown(times[n]["LiteRT, this file"]) for n in times},
            "ONNX Runtime, float32, 1 thread": shown(times["1"]["ONNX Runtime"]),
            "PyTorch, 1 thread": shown(times["1"]["PyTorch"]),
            "peak MB": facts["measured"]["peak_memory_mb"]["of_the_file"],
            "probabilities apart": f"{found['largest_probability_difference']:.1g}",
            "logits apart": ""
            if found["largest_logit_difference"] is None
            else f"{found['largest_logit_difference']:.1g}",
            "not on a GPU": ", ".join(facts["gpu"]["left_to_the_cpu"]) or "-",
        }


def figure_rows(name: str, options: argparse.Namespace) -> Any:
    """Figures of a trained model's files on the test rows of ham10000."""
    (backbone, _), (size, epochs) = BACKBONES[name], TRAINED[name]
    if name == "mobilenetv1_075":
        backbone = f"{{name: mobilenetv1_075, weights: {SHARED / 'weights/mobilenetv1_075.safetensors'}}}"
    recipe = {"file": str(SHARED / "data/ham10000/labels.csv"), "label_column": "melanoma", "group_column": "lesion_id"}
    settings = [
        f"backbone={backbone}",
        f"images.size={size}",
        f"training.epochs={epochs}",
        "training.batch_size=64",
        "training.monitor=roc_auc",
        "loss=inverse_ce",
        "decision={calibrator: temperature, threshold: {name: target_recall, recall: 0.9}}",
    ]
    restored = trained(options, f"ham-{name}", recipe, settings)
    samples, labels = restored.prepared.split.test, restored.prepared.table.labels
    pixels, truth = restored.images().take(samples), labels[samples] == restored.positive
    logits = restored.logits(pixels)
    network = restored.decision.probabilities(logits), restored.decision.decide(logits)
    yield figures(name, size, "PyTorch", *network, truth, restored, network[1]) | {"gate": ""}
    for quantize in QUANTIZATIONS:
        facts = written(restored, options, name, quantize)
        prediction = open_model(options.work / f"figures-{name}-{quantize}.tflite").predict(pixels)
        values = figures(
            name, size, quantize, prediction.probabilities, prediction.decisions, truth, restored, network[1]
        )
        yield values | {"gate": "" if quantize == "none" else gate(facts)}


def figures(
    name: str,
    size: int,
    numbers: str,
    probabilities: np.ndarray,
    decisions: np.ndarray,
    truth: np.ndarray,
    restored: Restored,
    network: np.ndarray,
) -> dict[str, Any]:
    """AUC, sensitivity and specificity at the threshold of the run, and the rows that the network decides otherwise."""

    called = decisions == restored.positive
    return {
        "backbone": name,
        "px": size,
        "numbers": numbers,
        "AUC": f"{float(roc_auc(truth, probabilities[:, restored.positive])):.4f}",
        "sensitivity": f"{called[truth].mean():.3f}",
        "specificity": f"{1 - called[~truth].mean():.3f}",
        "flips": f"{(decisions != network).sum()} of {len(truth):,} ({(decisions != network).mean():.2%})",
    }


def gate(facts: dict[str, Any]) -> str:
    """What the default limits say of a quantised file, on the validation rows."""

    problems = limit_problems(facts["runtimes"]["LiteRT"], ExportLimits())
    return "; ".join(problems) or "passes"


def trained(options: argparse.Namespace, folder: str, data: dict[str, str], settings: list[str]) -> Restored:
    """A run in the work folder, trained if it is not there."""
    path = options.work / folder
    if not (path / "metrics.json").exists():
        recipe = options.work / f"{folder}.yaml"
        lines = "".join(f"  {key}: {value}\n" for key, value in data.items())
        recipe.write_text(f'data:\n  name: table\n{lines}positive: "1"\n')
        common = ["training.accelerator=cpu", f"training.threads={options.threads}", "evaluation.resamples=0"]
        run(recipe, [*common, *settings], folder=path, resume=path.exists())
    return restore(path, "cpu")


def written(restored: Restored, options: argparse.Namespace, name: str, quantize: str, measured: bool = False) -> Any:
    """A TFLite file in the work folder, and its facts."""
    exporter = default_catalogue().get("exporter", "tflite")(quantize=quantize, limits=ANY)
    return export(restored, exporter, options.work / f"{options.what}-{name}-{quantize}.tflite", measured=measured)


def shown(times: dict[str, float]) -> str:
    return f"{times['median']:.1f} ({times['p10']:.1f})"


def markdown(rows: list[dict[str, Any]]) -> str:
    """A Markdown table of rows with the same keys."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
