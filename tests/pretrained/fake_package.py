"""A package of weights that is none of the index's: a module on the path and a pin for it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from imbalkit.base.files import sha256_of
from imbalkit.pretrained import packages

MODEL = "tf_efficientnet_lite0"
DEPTHS = (1, 2, 2, 3, 3, 4, 1)


def efficientnet_pytorch_names(depths=DEPTHS) -> list[str]:
    """Every name of a state dict of efficientnet_pytorch's without squeeze and excitation, as its classes make them."""
    norms = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")

    def norm(name):
        return [f"{name}.{value}" for value in norms]

    names = ["_conv_stem.weight", *norm("_bn0")]
    for block in range(sum(depths)):
        start = f"_blocks.{block}."
        if block >= depths[0]:
            names += [f"{start}_expand_conv.weight", *norm(f"{start}_bn0")]
        names += [f"{start}_depthwise_conv.weight", *norm(f"{start}_bn1")]
        names += [f"{start}_project_conv.weight", *norm(f"{start}_bn2")]
    return [*names, "_conv_head.weight", *norm("_bn1"), "_fc.weight", "_fc.bias"]


def install(folder: Path, monkeypatch, state, model: str = MODEL, pin: str | None = None) -> packages.Package:
    """Lay `state` as the installed package of `model`; `pin` is the checksum that is expected (default: its own)."""
    file = folder / "fake_weights" / "models" / "fake.pth"
    file.parent.mkdir(parents=True, exist_ok=True)
    (folder / "fake_weights" / "__init__.py").write_text("raise AssertionError('the package was run')\n")
    torch.save(state, file)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("IMBALKIT_CACHE", str(folder / "cache"))
    package = replace(
        packages.PACKAGES[model],
        distribution="fake-weights",
        file="fake_weights/models/fake.pth",
        sha256=pin or sha256_of(file),
    )
    monkeypatch.setitem(packages.PACKAGES, model, package)
    sys.modules.pop("fake_weights", None)
    return package


def uninstall(monkeypatch, model: str = MODEL) -> packages.Package:
    """Let the package of `model` be one that nobody has."""
    package = replace(packages.PACKAGES[model], file="no_such_weights/fake.pth")
    monkeypatch.setitem(packages.PACKAGES, model, package)
    return package
