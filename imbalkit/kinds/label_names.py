"""Names that a data set's parameters give: YAML may have read them as numbers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from imbalkit.base.parameters import as_text


def _keys_as_text(value: Any) -> Any:
    # A recipe from Python may have numbers as keys; labels are text.
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else value


Text = Annotated[str, BeforeValidator(as_text)]
"""A name that YAML may have read as a number."""

LabelNames = Annotated[dict[str, Text], BeforeValidator(_keys_as_text)]
"""Raw label -> class name, such as {0: other, 1: melanoma}."""
