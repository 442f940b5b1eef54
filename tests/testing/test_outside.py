"""The rules of datasets and exporters catch what they say, one broken part each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.testing.parts import Names, Tiny, broken, check


def _leaves_another(self, model, path):
    (path.parent / "extra").touch()
    Names().write(model, path)


def _trains(self, model, path):
    Names().write(model, path)
    model.network.head.bias.data += 1


def _together(self, inputs):
    return Names().answer(inputs) + 1e-7 * len(inputs) ** 3 - 1e-7 * 8**3


def _not_twice(self):
    table = Tiny().load()
    return replace(table, frame=table.frame.assign(noise=np.random.random(4)))


def _left_out(columns):
    return lambda self: replace(Tiny().load(), removed=pd.DataFrame(columns))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(Tiny, "must return an imbalkit.kinds.Table, got list", load=lambda self: []),
        broken(Tiny, "loaded twice, the tables differ", load=_not_twice),
        broken(Tiny, "are not among the classes", load=lambda self: replace(Tiny().load(), classes=("a", "c"))),
        broken(
            Tiny,
            r"arrays must be \[4, H, W, C\]",
            load=lambda self: replace(Tiny().load(), arrays=np.zeros((3, 8, 8, 3))),
        ),
        broken(
            Tiny,
            "arrays must be uint8, got float64",
            load=lambda self: replace(Tiny().load(), arrays=np.zeros((4, 8, 8, 3))),
        ),
        broken(Tiny, "needs a column 'path'", load=lambda self: replace(Tiny().load(), arrays=None)),
        broken(Tiny, r"`removed` has no column \['reason'\]", load=_left_out({"label": ["a"]})),
        broken(Tiny, "must be None where nothing was left out", load=_left_out({"label": [], "reason": []})),
        broken(Tiny, "needs a label and a reason", load=_left_out({"label": ["a"], "reason": [None]})),
        broken(Tiny, r"`problems` must be texts, got \(1,\)", load=lambda self: replace(Tiny().load(), problems=(1,))),
        broken(Names, "`suffix` must be such as '.onnx', got 'bin'", suffix="bin"),
        broken(Names, "`layout` must be one of .*, got 'HWC'", layout="HWC"),
        broken(Names, r"`quantizations` may hold .*, got \['int4'\] besides", quantizations=("none", "int4")),
        broken(Names, r"did not write the path it was given \(model.temporary\)", write=lambda self, model, path: None),
        broken(Names, r"left \['extra'\] beside the file", write=_leaves_another),
        broken(Names, "changed the network's 'head.bias'", write=_trains),
        broken(
            Names,
            r"itself: expected probabilities \(8, 2\), got \(2, 8\)",
            answer=lambda self, inputs: Names().answer(inputs).T,
        ),
        broken(
            Names,
            "itself: the probabilities differ from the network's by",
            answer=lambda self, x: Names().answer(x * 0.9),
        ),
        broken(Names, "itself: a row's probabilities depend on the rows beside it", answer=_together),
        broken(
            Names,
            "itself: the softmax of its logits differs from the probabilities by",
            logits=lambda self, inputs: 2 * np.log(Names().answer(inputs)),
        ),
        broken(Names, "`facts` must be a mapping of plain values", facts=lambda self, path: {"path": path}),
    ],
)
def test_outside(part, message):
    check(part, message)
