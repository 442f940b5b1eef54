"""Heads: the cosine head against its formula, and how a recipe names a head."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import yaml

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Cosine, Linear
from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RecipeError
from imbalkit.functional.cosine import CosineClassifier, cosine_logits
from imbalkit.kinds import BuildContext
from imbalkit.recipe.prepare import prepare
from imbalkit.recipe.schema import recipe_schema
from imbalkit.training.classifier import build_model

CONTEXT = BuildContext(("a", "b", "c"), (5, 5, 5))


@pytest.fixture
def features():
    return torch.randn(7, 12, generator=torch.Generator().manual_seed(0))


class TestCosine:
    @pytest.mark.parametrize("scale", [1.0, 16.0, 30.0])
    def test_is_the_scaled_cosine(self, features, scale):
        head = Cosine(scale=scale).build(CONTEXT, 12)
        h, w = features.double().numpy(), head.weight.detach().double().numpy()
        expected = scale * h @ w.T / np.outer(np.linalg.norm(h, axis=1), np.linalg.norm(w, axis=1))
        np.testing.assert_allclose(head(features).detach().numpy(), expected, atol=1e-6 * scale)
        exact = cosine_logits(features.double(), head.weight, scale)
        assert exact.dtype == torch.float64
        np.testing.assert_allclose(exact.detach().numpy(), expected, atol=1e-12 * scale)

    def test_lengths_do_not_count(self, features):
        head = CosineClassifier(12, 3)
        before = head(features)
        with torch.no_grad():
            head.weight *= torch.tensor([[0.1], [1.0], [50.0]])
        torch.testing.assert_close(head(features * 1e3), before, atol=1e-4, rtol=0)
        assert before.abs().max() <= 30.001

    def test_features_of_length_0_give_logits_of_0_and_a_finite_gradient(self):
        features = torch.zeros(2, 12, requires_grad=True)
        logits = CosineClassifier(12, 3)(features)
        assert not logits.any()
        logits.sum().backward()
        assert torch.isfinite(features.grad).all()

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_does_not_overflow(self, features, dtype):
        large = (features * 200).to(dtype)  # squares are past 65,504
        head = CosineClassifier(12, 3)
        found = head(large)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, head(large.float()))

    def test_has_no_bias_and_starts_on_the_sphere(self):
        head = Cosine().build(CONTEXT, 12)
        assert {name: tuple(value.shape) for name, value in head.state_dict().items()} == {"weight": (3, 12)}
        torch.testing.assert_close(head.weight.norm(dim=1), torch.ones(3))
        assert (Cosine(scale=12.0).logit_scale, Linear().logit_scale) == (12.0, 1.0)

    def test_answers_of_an_onnx_file_are_those_of_the_network(self, tmp_path):
        pytest.importorskip("onnx")
        runtime = pytest.importorskip("onnxruntime")
        context = BuildContext(("a", "b", "c"), (5, 5, 5), image_size=(16, 16))
        model = build_model(SmallCNN(width=8), Cosine(), context).eval()
        images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))
        file = tmp_path / "model.onnx"
        torch.onnx.export(model, (images,), file, input_names=["images"], dynamo=False)
        session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {"images": images.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(found, model(images).numpy(), atol=1e-3)


class TestWithoutAName:
    """`head: {dropout: 0.1}` was valid before heads had names."""

    def test_in_a_recipe(self):
        head = prepare({"data": "digits", "head": {"dropout": 0.1}}).recipe.head
        assert isinstance(head, Linear)
        assert head.dropout == 0.1

    def test_in_overrides(self):
        head = prepare({"data": "digits"}, ["head.dropout=0.1"]).recipe.head
        assert (head.name, head.dropout) == ("linear", 0.1)
        head = prepare({"data": "digits", "head": "cosine"}, ["head.scale=12", "head.dropout=0"]).recipe.head
        assert (head.name, head.scale, head.dropout) == ("cosine", 12, 0)

    def test_in_a_recipe_that_this_one_changes(self, tmp_path):
        (tmp_path / "base.yaml").write_text(yaml.safe_dump({"data": "digits", "head": {"dropout": 0.1}}))
        (tmp_path / "new.yaml").write_text(yaml.safe_dump({"base": "base.yaml", "seed": 3}))
        assert prepare(tmp_path / "new.yaml").recipe.head.dropout == 0.1

    def test_in_the_schema(self):
        jsonschema = pytest.importorskip("jsonschema")
        schema = recipe_schema(default_catalogue())
        json.dumps(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for head in ({"dropout": 0.1}, "cosine", {"name": "cosine", "scale": 16}, {"name": "linear", "dropout": 0.0}):
            assert validator.is_valid({"data": "digits", "head": head}), head
        for head in ({"dropuot": 0.1}, {"scale": 16}, "cosin", {"dropout": 2}):
            assert not validator.is_valid({"data": "digits", "head": head}), head

    @pytest.mark.parametrize("head, words", [({"scale": 16}, "scale"), ("cosin", "did you mean 'cosine'")])
    def test_what_is_wrong_is_said(self, head, words):
        with pytest.raises(RecipeError, match=words):
            prepare({"data": "digits", "head": head})
