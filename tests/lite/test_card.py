"""The card: the very document that is agreed on, there and back, and every way in which one can be wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from imbalkit_lite.card import Abstain, Card, Input, Normalisation, Origin, Probabilities
from imbalkit_lite.errors import CardError, ImbalkitError

DOCUMENT = {
    "format": 1,
    "name": "moles",
    "description": "",
    "classes": ["nævus", "melanoma", "other"],
    "positive": "melanoma",
    "threshold": 0.25,
    "costs": None,
    "abstain": {"band": [0.2, 0.25]},
    "input": {
        "height": 224,
        "width": 192,
        "channels": 3,
        "layout": "NHWC",
        "type": "float32",
        "range": [0, 1],
    },
    "resize": "stretch",
    "interpolation": "bilinear",
    "exif": True,
    "normalisation": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]},
    "probabilities": {"prior": "stated: melanoma 0.02", "calibrator": None},
    "quantization": "fp16",
    "card": {"intended_use": "tests", "limits": [1, {"deep": None}]},
    "run": {"recipe_hash": "ab", "weights_sha256": "cd", "imbalkit": "0.1.0", "created": "2026-11-23T08:00:00+00:00"},
}
CARD = Card(
    name="moles",
    classes=("nævus", "melanoma", "other"),
    positive="melanoma",
    threshold=0.25,
    abstain=Abstain(band=(0.2, 0.25)),
    input=Input(224, 192),
    normalisation=Normalisation((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)),
    probabilities=Probabilities("stated: melanoma 0.02"),
    quantization="fp16",
    card={"intended_use": "tests", "limits": [1, {"deep": None}]},
    run=Origin("ab", "cd", "0.1.0", "2026-11-23T08:00:00+00:00"),
)
COSTS = [[0, 1, 2], [10, 0, 10], [1, 1, 0.5]]


def test_bits_are_written_where_they_are_fewer_than_sixteen():
    assert "bits" not in CARD.to_json()
    twelve = replace(CARD, bits=12)
    document = twelve.to_json()
    assert document == DOCUMENT | {"bits": 12}  # a reader of before refuses the key, and does not misread pictures
    assert Card.from_json(document) == twelve
    assert Card.from_json(DOCUMENT).bits == 16
    for value in (7, 17, "12", 12.0, True, None):
        with pytest.raises(CardError, match="bits: expected 8 to 16"):
            Card.from_json(DOCUMENT | {"bits": value})


def changed(document: dict, place: str, value: object) -> dict:
    """A copy with another value at a place such as "input.height"; the value `...` takes the key away."""
    copy = json.loads(json.dumps(document))
    *above, last = place.split(".")
    inside = copy
    for name in above:
        inside = inside[name]
    if value is ...:
        del inside[last]
    else:
        inside[last] = value
    return copy


def test_the_document_and_the_card_are_the_same():
    assert CARD.to_json() == DOCUMENT
    assert list(CARD.to_json()) == list(DOCUMENT)
    assert Card.from_json(DOCUMENT) == CARD
    assert json.loads(CARD.to_text()) == DOCUMENT
    assert Card.from_text(CARD.to_text()) == CARD
    assert Card.from_text(json.dumps(DOCUMENT).encode()) == CARD


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": None, "costs": COSTS},
        {"threshold": None, "costs": COSTS, "abstain": {"expected_cost": 0.3}},
        {"positive": None, "threshold": None, "abstain": {"least_confidence": 0.6}},
        {"abstain": None, "normalisation": None},
        {"input": {**DOCUMENT["input"], "type": "uint8", "range": [0, 255]}},
        {"input": {**DOCUMENT["input"], "layout": "NCHW", "range": [0, 255]}},
        {"run": dict.fromkeys(DOCUMENT["run"]), "card": {}},
        {"threshold": 1, "resize": "pad", "interpolation": "lanczos", "exif": False, "quantization": "int8"},
    ],
)
def test_every_form_comes_back(changes):
    document = DOCUMENT | changes
    assert Card.from_text(Card.from_json(document).to_text()).to_json() == document


def test_the_positive_class_has_a_place():
    assert CARD.positive_index == 1
    assert replace(CARD, positive=None, threshold=None, abstain=None).positive_index is None


def test_the_shape_follows_the_layout():
    assert Input(5, 4, 3, "NHWC").shape == (5, 4, 3)
    assert Input(5, 4, 3, "NCHW").shape == (3, 5, 4)


@pytest.mark.parametrize("key", [key for key in DOCUMENT if key != "format"])
def test_a_key_that_is_missing_is_named(key):
    with pytest.raises(CardError, match=rf"^the card: {key} not stated$"):
        Card.from_json(changed(DOCUMENT, key, ...))


@pytest.mark.parametrize("place", ["input.layout", "normalisation.std", "probabilities.calibrator", "run.created"])
def test_a_key_that_is_missing_within_is_named(place):
    with pytest.raises(CardError, match=rf"^the card: {place} not stated$"):
        Card.from_json(changed(DOCUMENT, place, ...))


@pytest.mark.parametrize(
    "place, value, message",
    [
        ("treshold", 0.5, "treshold: there is no such key; did you mean 'threshold'?"),
        ("input.hight", 4, "input.hight: there is no such key; did you mean 'height'?"),
        ("run.host", "x", "run.host: there is no such key"),
        ("name", 3, "name: expected text, got 3"),
        ("description", None, "description: expected text, got None"),
        ("classes", "ab", "classes: expected at least two names, got 'ab'"),
        ("classes", ["melanoma"], "classes: expected at least two names"),
        ("classes", ["melanoma", ""], "classes: expected at least two names"),
        ("classes", ["melanoma", 2], "classes: expected at least two names"),
        ("classes", ["melanoma", "b", "melanoma"], "classes: 'melanoma' is named twice"),
        (
            "positive",
            "melanome",
            "expected one of the classes nævus, melanoma, other, got 'melanome'; did you mean 'mel",
        ),
        ("positive", None, "positive: expected a class, as there is a threshold or a band"),
        ("threshold", 1.5, "threshold: expected a number from 0 to 1, got 1.5"),
        ("threshold", -0.1, "threshold: expected a number from 0 to 1, got -0.1"),
        ("threshold", "0.5", "threshold: expected a number, got '0.5'"),
        ("threshold", True, "threshold: expected a number, got True"),
        ("threshold", 10**400, "threshold: expected a number, got 1000"),
        ("costs", COSTS, "expected a threshold or costs, got both"),
        ("abstain", {}, "abstain: expected either band or least_confidence or expected_cost, got none of them"),
        ("abstain", {"band": [0, 1], "least_confidence": 0.5}, "got band and least_confidence"),
        ("abstain", {"bands": [0, 1]}, "abstain.bands: there is no such key; did you mean 'band'?"),
        ("abstain", [0, 1], "abstain: expected keys and values, got list"),
        ("abstain", {"band": [0.5]}, "abstain.band: expected [low, high] with low <= high, got [0.5]"),
        ("abstain", {"band": [0.5, 0.4]}, "abstain.band: expected [low, high] with low <= high, got [0.5, 0.4]"),
        ("abstain", {"band": [0.5, 1.4]}, "abstain.band[1]: expected a number from 0 to 1, got 1.4"),
        ("abstain", {"least_confidence": 2}, "abstain.least_confidence: expected a number from 0 to 1, got 2"),
        ("abstain", {"expected_cost": 2}, "costs: expected, as abstain.expected_cost is about them"),
        ("abstain", {"expected_cost": -2}, "abstain.expected_cost: expected a number from 0, got -2"),
        ("input", None, "input: expected keys and values, got NoneType"),
        ("input.height", 0, "input.height: expected a whole number of at least 1, got 0"),
        ("input.width", 2.0, "input.width: expected a whole number of at least 1, got 2.0"),
        ("input.channels", True, "input.channels: expected a whole number of at least 1, got True"),
        ("input.layout", "HWC", "input.layout: expected one of NHWC, NCHW, got 'HWC'; did you mean 'NHWC'?"),
        ("input.type", "int8", "input.type: expected one of float32, uint8, got 'int8'"),
        ("input.type", "uint8", "input.range: expected [0, 255] for uint8, got [0, 1]"),
        ("input.range", [-1, 1], "input.range: expected [0, 1] or [0, 255] for float32, got [-1, 1]"),
        ("input.range", 1, "input.range: expected [0, 1] or [0, 255] for float32, got 1"),
        ("resize", "squish", "resize: expected one of stretch, crop, pad, got 'squish'"),
        (
            "interpolation",
            ["bilinear"],
            "interpolation: expected one of nearest, bilinear, bicubic, lanczos, got ['bil",
        ),
        ("exif", 1, "exif: expected true or false, got 1"),
        ("normalisation.mean", [0.5], "normalisation.mean: expected a number for each channel (3)"),
        ("normalisation.std", [0.1, 0, 0.1], "normalisation.std[1]: expected a number above 0, got 0"),
        ("normalisation.std", 0.1, "normalisation.std: expected a list of numbers, got 0.1"),
        ("probabilities", None, "probabilities: expected keys and values, got NoneType"),
        ("probabilities.prior", None, "probabilities.prior: expected text, got None"),
        ("probabilities.calibrator", 1, "probabilities.calibrator: expected text, got 1"),
        (
            "quantization",
            "int4",
            "quantization: expected one of none, fp16, dynamic, int8, got 'int4'; did you mean 'int8'?",
        ),
        ("card", "for tests", "card: expected keys and values, got str"),
        ("run.created", 2026, "run.created: expected text, got 2026"),
    ],
)
def test_contradictions_are_refused(place, value, message):
    with pytest.raises(CardError) as caught:
        Card.from_json(changed(DOCUMENT, place, value), "model.onnx")
    assert str(caught.value).startswith("model.onnx: ")
    assert message in str(caught.value)
    assert isinstance(caught.value, ImbalkitError)


@pytest.mark.parametrize(
    "costs, message",
    [
        ([[0, 1], [1, 0]], "costs: expected a row and a column for each of the 3 classes"),
        ([[0, 1, 1], [1, 0, 1], [1, 0]], "costs: expected a row and a column for each of the 3 classes"),
        (3, "costs: expected a row and a column for each of the 3 classes"),
        ([[0, 1, 1], [1, 0, -1], [1, 1, 0]], "costs[1][2]: expected a number from 0, got -1"),
        ([[0, 1, 1], 5, [1, 1, 0]], "costs[1]: expected a list of numbers, got 5"),
    ],
)
def test_costs_are_a_square_of_numbers(costs, message):
    with pytest.raises(CardError) as caught:
        Card.from_json({**DOCUMENT, "threshold": None, "costs": costs})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "found, message",
    [
        (0, r"^f: format: expected 1, 2 or 3, got 0$"),
        ("1", r"^f: format: expected 1, 2 or 3, got '1'$"),
        (True, r"^f: format: expected 1, 2 or 3, got True$"),
        (
            2,
            r"^f: format: expected 2 for a file that takes columns, 3 for one without images, and 1 for others, got 2$",
        ),
        (4, r"^f: format: expected 1, 2 or 3, got 4; a newer imbalkit wrote it: update this one$"),
    ],
)
def test_another_format_is_refused_before_its_keys(found, message):
    with pytest.raises(CardError, match=message):
        Card.from_json({"format": found, "what": "ever"}, "f")


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "f is not JSON: Expecting value"),
        ('{"format": 1', "f is not JSON"),
        (b"\xff\xfe{}", "f is not JSON"),
        ("[" * 100_000, "f is not JSON"),
        ("[]", "f: expected keys and values, got list"),
        ("{}", "f: format: expected 1, 2 or 3, got None"),
        (json.dumps(DOCUMENT).replace("0.25", "NaN"), "f is not JSON: NaN is no number of JSON"),
        (
            json.dumps(DOCUMENT).replace('"threshold": 0.25', '"threshold": 1e999'),
            "threshold: expected a number, got inf",
        ),
    ],
)
def test_what_is_no_card_is_refused(text, message):
    with pytest.raises(CardError) as caught:
        Card.from_text(text, "f")
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [np.float32(1), {1, 2}, float("nan")])
def test_a_card_that_json_cannot_hold_is_not_written(value):
    with pytest.raises(CardError, match="the card cannot be written as JSON"):
        replace(CARD, card={"value": value}).to_text()


def test_lists_become_tuples():
    card = Card.from_json({**DOCUMENT, "threshold": None, "costs": COSTS})
    assert card.costs == tuple(map(tuple, COSTS))
    assert hash(card.input) == hash(Input(224, 192))
    assert card.abstain == Abstain(band=(0.2, 0.25))


def test_a_file_of_an_earlier_version_calls_stretch_squash():
    assert Card.from_json(DOCUMENT | {"resize": "squash"}).resize == "stretch"
