"""The optimiser that is built without timm, against timm's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from timm.optim import create_optimizer_v2
from torch import nn

from imbalkit.recipe.recipe import OptimizerSettings
from imbalkit.training.optimization import build_optimizer


def network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2))
    model[0].weight.requires_grad_(False)
    return model


@pytest.mark.parametrize("weight_decay", [0.01, 0.0])
def test_adamw_takes_timm_s_steps(weight_decay):
    own, theirs = network(), network()
    optimizers = [
        build_optimizer(own, OptimizerSettings(lr=0.01, weight_decay=weight_decay)),
        create_optimizer_v2(theirs, "adamw", lr=0.01, weight_decay=weight_decay),
    ]
    assert type(optimizers[0]) is type(optimizers[1])
    states = [optimizer.state_dict() for optimizer in optimizers]
    assert states[0] == states[1]  # groups, their order and every setting: checkpoints fit both
    images = torch.rand(5, 3, 8, 8)
    for _ in range(3):
        for model, optimizer in zip((own, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            model(images).square().sum().backward()
            optimizer.step()
    for first, second in zip(own.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(first, second)


@pytest.mark.slow
def test_a_small_run_imports_neither_timm_nor_scikit_learn(tmp_path):
    code = (
        "import sys; from imbalkit import run\n"
        "run('digits', ['training.epochs=1', 'training.accelerator=cpu'], folder=sys.argv[1])\n"
        "assert not {'timm', 'torchvision', 'sklearn', 'scipy.stats', 'kornia'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
