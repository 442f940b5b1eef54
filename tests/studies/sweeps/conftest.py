"""A folder with photographs, a recipe and a sweep file of four cells."""

import numpy as np
import pytest
from PIL import Image

RECIPE = """\
data: {name: image_folder, root: photographs}
positive: rare
images: {size: 16}
split: {validation: 0.25, test: 0.25}
backbone: {name: small_cnn, width: 8}
training: {epochs: 2, batch_size: 16, optimizer: {lr: 0.01}, threads: 1}
"""
GRID = """\
base: base.yaml
axes:
  samplers:
    none: {samplers: []}
    ranked: {samplers: [{name: loss_rank, drop: 5, which: highest, warm_start: true, rounds: 2, epochs: 1}]}
  loss: [ce, inverse_ce]
tables:
  overview: {}
  strict: {at: one_half, counts: false, metrics: [recall], minimum: {accuracy: 2.0}}
"""


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for index in range(60):
        name = "rare" if index % 4 == 0 else "common"
        pixels = random.integers(0, 160, (16, 16, 3), dtype=np.uint8)
        pixels[..., 0 if name == "rare" else 2] += 80
        (tmp_path / "photographs" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "photographs" / name / f"{index:03}.png")
    (tmp_path / "base.yaml").write_text(RECIPE)
    (tmp_path / "grid.yaml").write_text(GRID)
    return tmp_path
