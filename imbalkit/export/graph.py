"""The network as a file holds it: images in as a camera gives them, probabilities out as the decision takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from imbalkit.errors import ImbalkitError, listing
from imbalkit.export.card import input_of
from imbalkit.export.row_graph import DeployedRows, DeployedRowsEnsemble, DeployedRowsMember
from imbalkit.export.steps import Calibration, LossMapping, MeanOfMembers
from imbalkit.functional.views import VIEWS, log_mean_probabilities, viewed
from imbalkit.kinds import Exporter
from imbalkit.runs.ensemble import RestoredEnsemble, recoded
from imbalkit.runs.restored import Restored
from imbalkit.training.classifier import Classifier
from imbalkit.training.ensemble import Recoding
from imbalkit_lite.card import Input


class Normalisation(nn.Module):
    """(images / largest - mean) / std as one product and one sum, with the channels first or last."""

    factor: torch.Tensor
    shift: torch.Tensor

    def __init__(self, mean: torch.Tensor, std: torch.Tensor, layout: str, largest: float):
        super().__init__()
        shape = (-1, 1, 1) if layout == "NCHW" else (-1,)
        mean, std = mean.detach().double().flatten(), std.detach().double().flatten()
        self.register_buffer("factor", (1 / (std * largest)).float().view(shape))
        self.register_buffer("shift", (-mean / std).float().view(shape))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.to(torch.float32) * self.factor + self.shift


class MeanOfViews(nn.Module):
    """Logits [V n, K] of all pictures' first view, then their second, ... to those of the averaged views, [n, K]."""

    def __init__(self, count: int):
        super().__init__()
        self.count = count

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return log_mean_probabilities(logits.reshape(self.count, -1, logits.shape[1])) if self.count > 1 else logits


class Beside(nn.Module):
    """Features of images [V n, F], those of their columns [n, W] beside them, the same for each of V views: [V n, F + G]."""

    def __init__(self, branch: nn.Module, views: int):
        super().__init__()
        self.branch, self.count = branch, views

    def forward(self, features: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        own = self.branch(columns)
        return torch.cat([features, torch.cat([own] * self.count) if self.count > 1 else own], dim=1)


class Deployed(nn.Module):
    """A classifier with the decision's steps, from the input that a card states to probabilities [n, classes].

    Those are the mean over views, the map of the loss, if there is one, and an affine step. Exporters find the float parts by the
    attributes' names: normalisation, beside, head, averaging, mapping and calibration stay float32 in quantised files, because
    they cost nothing and a coarse one would tie scores. All views are one batch: one after another the body would be in the graph
    as often. A network that takes columns is called with them, too, float32 [n, W]; those of an ensemble become a member's by
    `recoding`.
    """

    def __init__(
        self,
        model: Classifier,
        affine: tuple[np.ndarray, np.ndarray],
        source: Input,
        loss_map: nn.Module | None = None,
        views: str = "none",
        recoding: Recoding | None = None,
    ):
        super().__init__()
        self.normalisation = Normalisation(model.mean, model.std, source.layout, source.range[1])
        # With channels last in memory, as in training, the exported graph would copy activations about.
        self.body, self.head = model.body.to(memory_format=torch.contiguous_format), model.head
        self.views = VIEWS[views]
        branch = model.columns if recoding is None or model.columns is None else nn.Sequential(recoding, model.columns)
        self.beside = None if branch is None else Beside(branch, len(self.views))
        self.averaging = MeanOfViews(len(self.views))
        self.mapping = LossMapping(loss_map)
        self.calibration = Calibration(*affine)
        self.channels_last = source.layout == "NHWC"

    def forward(self, images: torch.Tensor, columns: torch.Tensor | None = None) -> torch.Tensor:
        return self.logits(images, columns).softmax(dim=1)

    def logits(self, images: torch.Tensor, columns: torch.Tensor | None = None) -> torch.Tensor:
        """What the softmax is given, [n, classes]."""
        images = self.normalisation(images)  # before the axes turn, which a converter can then leave out
        if len(self.views) > 1:
            axes = (1, 2) if self.channels_last else (2, 3)
            images = torch.cat([viewed(images, view, axes) for view in self.views])
        if self.channels_last:
            images = images.permute(0, 3, 1, 2)
        features = self.body(images)
        if self.beside is not None:
            features = self.beside(features, columns)
        return self.calibration(self.mapping(self.averaging(self.head(features))))


class DeployedMember(Deployed):
    """A member of an ensemble, which gives the logarithms of its restored probabilities, [n, classes]."""

    def forward(self, images: torch.Tensor, columns: torch.Tensor | None = None) -> torch.Tensor:
        logits = self.logits(images, columns)
        return logits - logits.logsumexp(dim=1, keepdim=True)  # log_softmax, of operations that a phone's GPU has


class DeployedEnsemble(nn.Module):
    """Members, each with its own normalisation, views, map and calibration, on one input, and the ensemble's affine step."""

    def __init__(self, members: Sequence[DeployedMember], affine: tuple[np.ndarray, np.ndarray]):
        super().__init__()
        self.members = nn.ModuleList(members)
        self.averaging = MeanOfMembers()
        self.calibration = Calibration(*affine)

    def forward(self, images: torch.Tensor, columns: torch.Tensor | None = None) -> torch.Tensor:
        logs = self.averaging(torch.stack([member(images, columns) for member in self.members]))
        return self.calibration(logs).softmax(dim=1)


def views_in_file(restored: Restored, exporter: Exporter) -> str:
    """The views that an exporter's file averages, by name."""
    return restored.views if exporter.views else "none"


def deployed(restored: Restored, exporter: Exporter) -> tuple[nn.Module, Input | None]:
    """The network as an exporter's file holds it, and what that file takes.

    Raises ImbalkitError for a calibrator without a graph, and for an exporter of images alone where the network takes columns.
    """
    if restored.encoding is not None and not exporter.takes_columns:
        raise ImbalkitError(
            f"the exporter {exporter.name!r} writes networks on images alone, and this one takes "
            f"{listing(restored.encoding.names)} beside them: use onnx or tflite, or train without `inputs`"
        )
    source = input_of(restored, exporter)
    if source is None:
        return _of_rows(restored).eval(), None
    if isinstance(restored, RestoredEnsemble):
        members = [
            _deployed(member, exporter, source, DeployedMember, recoded(restored.encoding, member.encoding))
            for member in restored.members
        ]
        return DeployedEnsemble(members, _affine(restored)).eval(), source
    return _deployed(restored, exporter, source, Deployed), source


def _of_rows(restored: Restored) -> nn.Module:
    """The network of a run without images."""
    columns = restored.encoding
    assert columns is not None
    if isinstance(restored, RestoredEnsemble):
        members = [
            DeployedRowsMember(*_of_model(member), columns, _loss_map(member), recoded(columns, member.encoding))
            for member in restored.members
        ]
        return DeployedRowsEnsemble(members, _affine(restored))
    return DeployedRows(*_of_model(restored), columns, _loss_map(restored))


def _of_model(restored: Restored) -> tuple[Classifier, tuple[np.ndarray, np.ndarray]]:
    assert isinstance(restored.model, Classifier)
    return restored.model, _affine(restored)


def _loss_map(restored: Restored) -> nn.Module | None:
    return None if restored.decision.map is None else restored.decision.map.module()


_Deployed = TypeVar("_Deployed", bound=Deployed)


def _deployed(
    restored: Restored, exporter: Exporter, source: Input, kind: type[_Deployed], recoding: Recoding | None = None
) -> _Deployed:
    views = views_in_file(restored, exporter)
    return kind(*_of_model(restored), source, _loss_map(restored), views, recoding).eval()


def _affine(restored: Restored) -> tuple[np.ndarray, np.ndarray]:
    affine = restored.decision.affine
    if affine is None:
        raise ImbalkitError(
            f"the calibrator {restored.decision.calibrator!r} cannot be put into a model file: train with "
            "decision.calibrator temperature or vector, or none"
        )
    return affine


# Layers by the class names that torch and timm give them, for which int8 is known to cost accuracy: a swish has a tail below
# zero that 8 bits cut off, and the gates of squeeze-excite multiply whatever error there is into every channel
# (the EfficientNet-Lite variants exist because of it).
HARD_FOR_INT8 = {
    "swish (SiLU)": ("SiLU", "Swish", "SwishMe"),
    "squeeze-excite": ("SqueezeExcite", "SqueezeExcitation", "SEModule", "EffectiveSEModule"),
}


def hard_for_int8(network: nn.Module) -> list[str]:
    """Names of the layers in a network that int8 is known to harm."""
    found = {type(module).__name__ for module in network.modules()}
    return [name for name, classes in HARD_FOR_INT8.items() if found & set(classes)]
