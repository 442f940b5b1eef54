"""Dense layers over the columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from imbalkit.kinds import Backbone, BuildContext, DataError, Preprocessing, param

if TYPE_CHECKING:
    from torch import nn


Units = Annotated[int, Field(ge=1, le=65_536)]


class MLP(Backbone):
    """Dense layers over encoded columns, each with a normalisation, an activation and dropout (`data: {name: features}`).

    Numbers are standardised and categories one-hot (docs/columns.md). Weights of "missing" and "other" begin at zero, so that
    one that training never meets changes nothing at work. Of the plain networks for tables that Gorishniy et al. 2021
    ("Revisiting deep learning models for tabular data", section 3.1) compare, it is their MLP, with an optional normalisation.
    """

    name = "mlp"
    reads: ClassVar[Literal["images", "columns"]] = "columns"

    hidden: list[Units] = param([128, 64], help="units of each layer, in order", min_length=1, max_length=32)
    activation: Literal["relu", "gelu", "silu"] = param("relu", help="after each layer")
    norm: Literal["none", "batch", "layer"] = param("none", help="before each activation")
    dropout: float = param(0.1, help="share of units set to zero in training, after each activation", ge=0, lt=1)

    def preprocessing(self) -> Preprocessing:
        return Preprocessing((0.0,), (1.0,), (1, 1))

    def build(self, context: BuildContext) -> nn.Module:
        import torch
        from torch import nn

        if context.columns is None:
            raise DataError(
                "the backbone 'mlp' takes columns of a table, and these data have none: `data: {name: features}`"
            )
        activations = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}
        norms = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
        layers: list[nn.Module] = []
        width = context.columns.width
        for units in self.hidden:
            layers.append(nn.Linear(width, units))
            if self.norm != "none":
                layers.append(norms[self.norm](units))
            layers.append(activations[self.activation]())
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
            width = units
        with torch.no_grad():
            layers[0].weight[:, context.columns.unlearnt] = 0  # type: ignore[operator]  # the first is dense
        body = nn.Sequential(*layers)
        body.num_features = width  # type: ignore[assignment]  # a module takes any attribute
        return body
