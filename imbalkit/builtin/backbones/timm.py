"""Any model of timm as a backbone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError

from imbalkit.kinds import (
    Backbone,
    BuildContext,
    DataError,
    InitialWeights,
    PathText,
    Preprocessing,
    load_weights,
    nearest,
    param,
    weights_file,
)
from imbalkit.pretrained.sources import Source, find_source, hub_has, hub_is_off, hub_unreachable, nowhere

if TYPE_CHECKING:
    from torch import nn

_NAME = re.compile(r"[\w.-]{1,100}")  # no place on a disk or hub, from which timm would take a configuration or weights
_SET_HERE = ("checkpoint_path", "cache_dir", "model_cfg", "scriptable", "num_classes", "in_chans", "features_only")


class Timm(Backbone):
    """A model of timm without its classifier, such as efficientnet_b0, efficientnet_b2, efficientnet_lite0, _lite2, _lite4."""

    name = "timm"
    has_layers = True

    model: str = param(help="timm's name of the model, such as efficientnet_b0")
    pretrained: bool = param(
        False, help="start from ImageNet weights: of an installed package (extra `weights`), else of timm's hub"
    )
    weights: PathText | None = param(None, help="safetensors file to start from, with timm's parameter names")
    drop_path: float | None = param(
        None,
        help="stochastic depth: probability of leaving out the last residual block for an image in training, rising from 0 at "
        "the first (default: the model's own, mostly none)",
        ge=0,
        lt=1,
    )
    options: dict[str, Any] = param({}, help="further arguments of the model, such as {drop_rate: 0.2}")
    mean: list[float] | None = param(None, help="mean of the normalisation, of RGB in 0..1 (default: the model's own)")
    std: list[float] | None = param(None, help="deviation of the normalisation (default: the model's own)")

    @field_validator("model")
    @classmethod
    def _no_place(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError(f"expected a name of timm's own models, such as efficientnet_b0, got {value!r:.80}")
        return value

    @field_validator("options")
    @classmethod
    def _plain(cls, value: dict[str, Any]) -> dict[str, Any]:
        for key, item in value.items():
            if key in _SET_HERE or key.startswith("pretrained_"):
                raise ValueError(
                    f"cannot set {key!r}: weights come from `weights` or `pretrained`, and the rest from the recipe"
                )
            if not _is_plain(item):
                raise ValueError(
                    f"expected {key!r} to be a number, true or false, a short name, or a list of them; got {item!r:.80}"
                )
            if key.endswith("_rate") and not (isinstance(item, int | float) and 0 <= item < 1):
                raise ValueError(f"expected {key!r}, a probability, from 0 to below 1, got {item!r:.80}")
        return value

    @model_validator(mode="after")
    def _can_normalise(self) -> Timm:
        Preprocessing(
            tuple([0.5] if self.mean is None else self.mean), tuple([0.5] if self.std is None else self.std), (1, 1)
        )
        return self

    @model_validator(mode="after")
    def _one_drop_path(self) -> Timm:
        if self.drop_path is not None and "drop_path_rate" in self.options:
            raise PydanticCustomError(
                "two_drop_paths",
                "expected `drop_path` or `options: {drop_path_rate: ...}`, got both: leave out the latter",
            )
        return self

    def preprocessing(self) -> Preprocessing:
        from timm.models import get_pretrained_cfg

        config = get_pretrained_cfg(self.model)
        if config is None:
            return Preprocessing(tuple(self.mean or [0.5] * 3), tuple(self.std or [0.5] * 3), (224, 224))
        height, width = config.input_size[-2:]
        return Preprocessing(tuple(self.mean or config.mean), tuple(self.std or config.std), (height, width))

    def problems(self) -> list[tuple[str, str]]:
        """What only timm can tell: (parameter, message)."""
        from timm import is_model, list_models

        found = []
        if not is_model(self.model):
            found.append(("model", f"timm has no model {self.model!r}{nearest(self.model, list_models())}"))
        elif self.drop_path and not self._takes_drop_path():
            found.append(("drop_path", f"timm's {self.model} has no residual block to leave out: leave out drop_path"))
        if self.weights and not Path(self.weights).expanduser().is_file():
            path = Path(self.weights).expanduser().absolute()
            found.append(("weights", f"expected a safetensors file at {path}: there is none"))
        if self.pretrained and not self.weights and not found:
            found += [("pretrained", message) for message in self._pretrained_problems()]
        return found

    def _takes_drop_path(self) -> bool:
        """Whether any block of the model can be left out. Builds it without memory for its weights."""
        import timm
        import torch

        try:
            with torch.device("meta"):
                body = timm.create_model(self.model, num_classes=0, drop_path_rate=self.drop_path)
        except TypeError:
            return False
        return any(getattr(module, "drop_prob", 0) for module in body.modules())

    def _pretrained_problems(self) -> list[str]:
        """Why the weights cannot be had, as far as this machine knows without asking the network."""
        hub = self._hub()
        try:
            if self._source() or (hub and not hub_is_off()):
                return []
        except DataError as error:
            return [str(error)]
        why = "HF_HUB_OFFLINE forbids to look there" if hub else ""
        return [] if hub and hub_has(hub) else [_with_ways_out(nowhere(self.model, hub, why))]

    def _hub(self) -> str | None:
        """The hub's name of the weights, or their address; None where timm has none of this model."""
        from timm.models import get_pretrained_cfg

        config = get_pretrained_cfg(self.model)
        return str(config.hf_hub_id or config.url or "") or None if config else None

    def _source(self) -> Source | None:
        """The pretrained weights that are on this machine. Raises DataError for a package with an unknown file."""
        from timm.models import get_pretrained_cfg

        config = get_pretrained_cfg(self.model)
        if config is None or config.custom_load or config.hf_hub_filename:  # none, or read by rules of timm's own
            return None
        return find_source(self.model, config.hf_hub_id or None)

    def initial_weights(self) -> InitialWeights | None:
        if self.weights:
            return weights_file(self.weights)
        if not self.pretrained:
            return None
        source = self._source()
        if source is None:
            self.build(BuildContext(("0", "1"), (1, 1)))  # downloads them
            source = self._source()
        return (
            InitialWeights(source.name, source.sha256) if source else InitialWeights(f"timm's hub, {self._hub()}", "")
        )

    def without_initial_weights(self) -> Timm:
        return self.model_copy(update={"pretrained": False, "weights": None})

    def build(self, context: BuildContext) -> nn.Module:
        import timm

        from imbalkit.pretrained.conversion import safetensors_of

        options = self.options if self.drop_path is None else {**self.options, "drop_path_rate": self.drop_path}
        pretrained = self.pretrained and not self.weights
        source = self._source() if pretrained else None
        hub = self._hub() if pretrained and source is None else None
        if hub and not hub_is_off() and not hub_has(hub) and (why := hub_unreachable()):
            raise DataError(_with_ways_out(nowhere(self.model, hub, why)))
        given: dict[str, Any] = {"pretrained_cfg_overlay": {"file": str(safetensors_of(source))}} if source else {}
        try:
            body = timm.create_model(
                self.model, pretrained=pretrained, num_classes=0, in_chans=context.channels, **given, **options
            )
        except TypeError as error:
            raise DataError(f"timm's {self.model} does not take these options: {options} ({error})") from error
        except Exception as error:
            if source and isinstance(error, RuntimeError):
                raise DataError(
                    f"{source.name} does not fit {self.model} with these options: {options} ({error})"
                ) from error
            if not pretrained or source:
                raise
            why = f"{type(error).__name__}: {str(error).partition('. ')[0]:.200}"
            raise DataError(_with_ways_out(nowhere(self.model, self._hub(), why))) from error
        if self.weights:
            load_weights(body, Path(self.weights).expanduser())
        body.num_features = getattr(body, "head_hidden_size", None) or body.num_features
        return body


def _with_ways_out(message: str) -> str:
    return f"{message}; a file does as well (backbone.weights), or random weights (backbone.pretrained: false)"


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return (
        _NAME.fullmatch(value) is not None if isinstance(value, str) else isinstance(value, bool | int | float | None)
    )
