"""Factors by class name, and the constant weights of a loss."""

import pytest
from pydantic import ValidationError

from imbalkit.errors import ImbalkitError
from imbalkit.kinds import ClassFactors, Loss, SomeClassFactors, param


class Weighted(Loss):
    """Has both types of parameter."""

    name = "weighted"
    weights: SomeClassFactors = param(help="weights")
    costs: ClassFactors | None = param(None, help="costs")


def test_a_vector_has_the_order_of_the_classes_and_1_for_the_others():
    part = Weighted(weights={"mel": 3, "nv": 0.5})
    assert part.weights.vector(("bcc", "nv", "mel")) == [1.0, 0.5, 3.0]
    assert part.costs is None


def test_a_class_that_the_data_lack_is_an_error():
    with pytest.raises(ImbalkitError, match=r"no class 'mle', did you mean 'mel'\?|no class 'mle'"):
        ClassFactors(mle=2.0).vector(("mel", "nv"))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({}, "at least 1 item"),
        ({"a": -1.0}, "greater than or equal to 0"),
        ({"a": "2"}, "valid number"),
        ([1.0], "valid dictionary"),
    ],
)
def test_wrong_factors_are_refused(weights, message):
    with pytest.raises(ValidationError, match=message):
        Weighted(weights=weights)


def test_the_way_into_a_recipe_and_back():
    part = Weighted(weights={"a": 2.0}, costs={})
    assert part.model_dump() == {"name": "weighted", "weights": {"a": 2.0}, "costs": {}}
    assert part.model_dump_json() == '{"name":"weighted","weights":{"a":2.0},"costs":{}}'
    schema = Weighted.model_json_schema()["properties"]["weights"]
    assert schema["minProperties"] == 1
    assert schema["additionalProperties"] == {"minimum": 0, "type": "number"}


def test_only_factors_that_leave_no_class_a_weight_are_a_problem():
    assert ClassFactors(a=0, b=0).all_zero(("a", "b"), "weights")[0][0] == "weights"
    assert ClassFactors(a=0).all_zero(("a", "b"), "weights") == []
    assert ClassFactors(a=0).all_zero((), "weights") == []
