"""An epoch half of whose rows are blurred copies against one of as many plain rows, with and without the rendered cache.

python -m tests.benchmarks blur_epoch [--rows 640] [--repeats 5] [--size 128]

MobileNetV1 0.75, batch 64, random pixels in memory. With a GPU: EfficientNet-B0 at 224 px in bf16, batch 128. Cached copies
(`images.render_cache_gib`) are rendered in the first epoch, which is not among those that are timed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.builtin.ops.horizontal_flip import HorizontalFlip
from imbalkit.builtin.ops.radial_blur import RadialBlur
from imbalkit.data.cache import available_cores
from imbalkit.data.image_store import ArrayStore
from imbalkit.engine.allocator import freed_memory_kept
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import TrainingSettings
from imbalkit.training.device_images import place
from imbalkit.training.fit import Fit
from imbalkit.training.phase import Phase
from imbalkit.training.rendered_cache import RenderedCache
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer
from tests.benchmarks._timing import alternate, ratios, spread
from tests.benchmarks._trainings import Setting


def main(arguments: list[str]) -> None:
    """Alternate the three and print rows a second and the ratios pair by pair."""
    gpu = torch.cuda.is_available()
    setting = Setting.of_gpu() if gpu else Setting.of_cpu()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks blur_epoch")
    parser.add_argument("--rows", type=int, default=20_480 if gpu else 640)
    parser.add_argument("--size", type=int, default=setting.size)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (options.rows // 2, options.size, options.size, 3), dtype=np.uint8)
    source = Plan.from_labels((random.random(len(pixels)) < 0.08).astype(np.int64), ("other", "positive"))
    everyone = np.arange(len(source))
    plain, blurred = source.append(everyone), source.append(everyone, [(HorizontalFlip(), RadialBlur())])
    with freed_memory_kept():

        def epochs(plan: Plan, cache: RenderedCache | None = None) -> Callable[[], object]:
            fabric = Fabric(
                accelerator=setting.device.type, devices=1, precision="bf16-mixed" if setting.bf16 else "32-true"
            )
            images = place(ArrayStore(pixels), fabric.device, 0.5)
            settings = TrainingSettings(epochs=50, batch_size=setting.batch)
            session = TrainingSession(
                fabric, images, settings, seed=0, head=Linear(dropout=0.2), positive=1, rendered=cache
            )
            network = Trainer(session, Path()).network("final", plan, setting.backbone)
            fit = Fit.build(session, "final", plan, network, [Phase(CE())], 50)
            fit.train_epoch()  # warm-up, which also fills the cache
            return fit.train_epoch

        room = len(pixels) * pixels[0].size * 4 / 2**30 + 1e-6
        times = alternate(
            {
                "plain rows": epochs(plain),
                "blurred": epochs(blurred),
                "blurred, cached": epochs(blurred, RenderedCache(pixels.shape[1:], room)),
            },
            options.repeats,
        )
    device = torch.cuda.get_device_name() if gpu else f"{available_cores()} cores, {torch.get_num_threads()} threads"
    sys.stdout.write(f"{len(plain)} rows, half of them copies, {options.size} px, batch {setting.batch}, {device}\n")
    for name, found in times.items():
        speed = spread([len(plain) / taken.clock for taken in found], 1)
        sys.stdout.write(f"{name:16}{speed} rows a second; of plain rows' time {ratios(found, times['plain rows'])}\n")
