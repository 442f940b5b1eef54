"""The engine's results, for the page's tests: python tests/vectors.py writes vectors.json, --check compares with it.

Pictures are made of a multiplicative generator in Python and TypeScript, so that only their results' SHA-256 is stored.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imbalkit_lite.card import INTERPOLATIONS, NEVER, RESIZES, Abstain, Card, Input, Probabilities
from imbalkit_lite.decisions import abstains, decide
from imbalkit_lite.images import ImageRule, resize
from imbalkit_lite.model import input_tensor

FILE = Path(__file__).with_name("vectors.json")
# (height, width) of the picture, of the input: smaller, larger, thin, prime, unchanged in one axis or both.
SIZES = [
    ((37, 53), (16, 16)),
    ((53, 37), (16, 24)),
    ((9, 14), (32, 32)),
    ((100, 7), (20, 20)),
    ((7, 100), (21, 13)),
    ((1, 1), (5, 3)),
    ((64, 64), (64, 40)),
    ((24, 24), (24, 24)),
    ((241, 307), (96, 96)),
    ((128, 97), (131, 89)),
]


def picture(height: int, width: int, channels: int, seed: int) -> np.ndarray:
    """uint8 [H, W, C]; even seeds give noise, odd ones noise on a ramp, which the filters do not average away."""
    count = height * width * channels
    state, values = seed + 1, np.empty(count, dtype=np.uint8)
    for index in range(count):
        state = state * 48271 % 2147483647  # Park and Miller 1993
        noise = state >> 23
        values[index] = noise if seed % 2 == 0 else (noise // 8 + index * 224 // count)
    return values.reshape(height, width, channels)


def resizes() -> list[dict[str, Any]]:
    cases = []
    for seed, ((source, size), how, filter_) in enumerate(itertools.product(SIZES, RESIZES, INTERPOLATIONS)):
        made = resize(picture(*source, 3, seed), ImageRule(size, how, filter_))
        grey = np.array(Image.fromarray(made).convert("L"))
        cases.append(
            {
                "seed": seed,
                "source": source,
                "size": size,
                "resize": how,
                "interpolation": filter_,
                "sha256": sha256(made),
                "grey": sha256(grey),
            }
        )
    return cases


def tensors() -> list[dict[str, Any]]:
    cases = []
    for layout, channels, (type_, range_) in itertools.product(
        ("NHWC", "NCHW"), (1, 3), (("float32", (0, 1)), ("float32", (0, 255)), ("uint8", (0, 255)))
    ):
        source = Input(5, 4, channels, layout, type_, range_)
        made = input_tensor(picture(5, 4, channels, 2)[None], source)
        cases.append(
            {"layout": layout, "channels": channels, "type": type_, "largest": range_[1], "sha256": sha256(made)}
        )
    return cases


def decisions() -> dict[str, Any]:
    """Each rule on the same probabilities, some of them on a limit."""
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(3), 40).astype(np.float32)
    probabilities[:3] = (0.25, 0.5, 0.25), (0.375, 0.25, 0.375), (0, 1, 0)
    costs = ((0.0, 1.0, 2.0), (5.0, 0.0, 1.0), (1.0, 1.0, 0.0))
    rules: list[dict[str, Any]] = [
        {},
        {"positive": "b", "threshold": 0.5},
        {"positive": "b", "threshold": 0.31, "abstain": {"band": (0.25, 0.5)}},
        {"positive": "a", "threshold": 0.375, "abstain": {"least_confidence": 0.5}},
        {"positive": "b", "threshold": NEVER},
        {"costs": costs},
        {"costs": costs, "abstain": {"expected_cost": 0.8}},
    ]
    cases = []
    for rule in rules:
        abstain = Abstain(**rule["abstain"]) if "abstain" in rule else None
        card = Card(
            name="a test",
            classes=("a", "b", "c"),
            input=Input(4, 4),
            probabilities=Probabilities("as in training"),
            **{**rule, "abstain": abstain},
        )
        cases.append(
            {
                "card": card.to_json(),
                "predicted": decide(probabilities, card).tolist(),
                "abstained": abstains(probabilities, card).tolist(),
            }
        )
    return {"probabilities": probabilities.tolist(), "rules": cases}


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def text() -> str:
    facts = {"resizes": resizes(), "tensors": tensors(), "decisions": decisions()}
    return json.dumps(facts, indent=1) + "\n"


def main() -> None:
    made = text()
    if sys.argv[1:] == ["--check"]:
        if FILE.read_text(encoding="utf-8") != made:
            sys.exit(f"{FILE} is not what the engine gives now: write it again with python {Path(__file__).name}")
    else:
        FILE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
