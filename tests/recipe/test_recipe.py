"""A recipe is checked before anything runs: every mistake at once, with its place, line, and the nearest right name."""

import copy
import json

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imbalkit.base.yaml_text import Dumper
from imbalkit.catalogue import default_catalogue
from imbalkit.errors import ImbalkitError, RecipeError
from imbalkit.recipe.document import Document, parse
from imbalkit.recipe.prepare import prepare, prepare_document
from imbalkit.recipe.schema import recipe_schema
from tests.properties import examples

RECIPE = """\
seed: 1
data: {{name: arrays, file: {file}}}
images: {{size: 8}}
split: {{seed: 0, validation: 0.2, test: 0.2}}
samplers:
  - name: oversample
    views:
      "1": [[{{name: rotate90, degrees: 90}}, {{name: radial_blur, rho: [0.005, 0.02]}}], [horizontal_flip]]
  - {{name: loss_rank, drop: 4, which: highest, warm_start: false, rounds: 2, epochs: 1}}
  - {{name: random_under, to: {{"0": 20}}}}
augment: [{{name: kornia, transform: RandomHorizontalFlip, options: {{p: 0.5}}}}]
backbone: {{name: small_cnn, width: 8}}
head: {{dropout: 0.1}}
loss: {{name: gamma_rce, costs: {{"1": 10}}}}
training:
  epochs: 1
  batch_size: 16
  optimizer: {{name: adamw, lr: 1e-3}}
  early_stopping: {{patience: 2}}
decision: {{threshold: {{name: target_recall, recall: 0.9}}}}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    random = np.random.default_rng(0)
    np.savez(path, x=random.integers(0, 255, (90, 8, 8), dtype=np.uint8), y=(np.arange(90) % 3 == 0).astype(int))
    return path


def check(text, overrides=()):
    return prepare_document(parse(text, "recipe.yaml"), default_catalogue())


def test_the_recipe_is_fine_as_it_stands(file):
    prepared = check(RECIPE.format(file=file))
    assert prepared.classes == ("0", "1")
    assert prepared.positive == 1
    assert [stage.counts.low for stage in prepared.class_counts] == [
        (36, 18),
        (36, 54),
        (36, 50),
        (36, 46),
        (20, 46),
    ] or prepared.class_counts


def test_every_mistake_is_reported_at_once_with_place_and_line(file):
    text = RECIPE.format(file=file)
    text = text.replace("seed: 1", "sed: 1").replace("epochs: 1\n", 'epochs: "4"\n').replace("width: 8", "widht: 8")
    text = text.replace("lr: 1e-3", "lr: -1").replace('"1": 10', "melanoma: 10").replace("gamma_rce", "gama_rce")
    with pytest.raises(RecipeError) as caught:
        check(text)
    found = {problem.where: str(problem) for problem in caught.value.problems}
    assert "did you mean 'seed'" in found["sed"]
    assert found["training.epochs"] == "recipe.yaml:16: training.epochs: expected a whole number, got '4' (text)"
    assert "did you mean 'width'" in found["backbone.widht"]
    assert "recipe.yaml:18" in found["training.optimizer.lr"]
    assert "greater than 0, got -1" in found["training.optimizer.lr"]
    assert "did you mean 'gamma_rce'" in found["loss"]
    assert len(found) == 5


def test_classes_are_checked_against_the_data(file):
    text = (
        RECIPE.format(file=file)
        .replace('costs: {"1": 10}', "costs: {melanoma: 10}")
        .replace('to: {"0": 20}', "to: {2: 20}")
    )
    with pytest.raises(RecipeError, match="the data have no class 'melanoma'") as caught:
        check(text)
    assert {problem.where.split(".")[0] for problem in caught.value.problems} == {"loss", "samplers[2]"}
    assert "(classes: 0, 1)" in str(caught.value)


def test_class_names_may_be_numbers_in_yaml(file):
    check(RECIPE.format(file=file).replace('"0": 20', "0: 20").replace('"1": 10', "1: 10"))


def test_a_missing_file_and_other_mistakes_come_together(file):
    text = RECIPE.format(file="nowhere.npz").replace("dropout: 0.1", "dropout: 1.5")
    with pytest.raises(RecipeError) as caught:
        check(text)
    found = {problem.where: str(problem) for problem in caught.value.problems}
    assert "nowhere.npz" in found["data"]
    assert "less than 1" in found["head.dropout"]


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("drop: 4", "drop: 4000", r"samplers\[1\].*4,?000"),
        (
            "images: {size: 8}",
            "images: {size: [8, 10]}",
            r"turn 90 clockwise needs square images, the images are \[8, 10\]",
        ),
        ("size: 8}", "size: 0}", "expected sides from 1 to 4096 px"),
        ("seed: 1", "seed: 1\npositive: 2", "the data have no class '2'"),
        ("which: highest, ", "", r"samplers\[1\].which: this key is required and missing"),
        ("[horizontal_flip]", "[horizontal_flop]", "there is no op 'horizontal_flop'; did you mean 'horizontal_flip'"),
        ("name: arrays, ", "", r"data: expected a dataset: its name"),
        ("rho: [0.005, 0.02]", "rho: [0.02, 0.005]", "rho"),
        (
            "epochs: 1\n  batch",
            "epochs: 1\n  monitor: acuracy\n  batch",
            "training.monitor: there is no metric 'acuracy'.*'accuracy'",
        ),
        (
            "epochs: 1\n  batch",
            "epochs: 1\n  monitor: predictive_values\n  batch",
            "training.monitor: 'predictive_values' has values of several scales",
        ),
        (
            "epochs: 1\n  batch",
            "epochs: 1\n  monitor: last\n  batch",
            "training.early_stopping: never stops with `monitor: last`",
        ),
        ("validation: 0.2, test: 0.2", "validation: 0.6, test: 0.6", "split"),
        (
            "seed: 1",
            "seed: 1\nevaluation: {subgroups: [sex]}",
            r"recipe.yaml:2: evaluation.subgroups: the data have no column 'sex' \(columns: none\)",
        ),
    ],
)
def test_single_mistakes(file, old, new, message):
    text = RECIPE.format(file=file)
    assert old in text
    with pytest.raises(RecipeError, match=message):
        check(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "override, message",
    [
        ("loss={name: gamma_rce, gamma: 3}", r"loss.gamma: is the cost of the positive class of two; the data have 10"),
        (
            "decision.threshold=youden",
            r"decision.threshold: 'youden' needs a positive class; the data have 10 classes: name one in `positive`",
        ),
        ("evaluation.prevalences=[0.02]", "evaluation.prevalences: are of a positive class; the data have 10 classes"),
        ("decision.abstain={band: [0.2, 0.4]}", r"decision.abstain.band: needs a positive class; the data have 10"),
    ],
)
def test_what_needs_a_positive_class_is_refused_without_one(override, message):
    with pytest.raises(RecipeError, match=message):
        prepare("digits", [override])


def test_a_positive_class_of_many():
    prepared = prepare("digits", ["positive=3", "decision.threshold=youden", "decision.abstain={band: [0.2, 0.4]}"])
    assert (prepared.positive, prepared.classes[3]) == (3, "3")
    assert prepare("digits", ["decision.threshold={name: cost, costs: {3: {8: 5}}}"]).positive is None


@pytest.mark.parametrize(
    "override, message",
    [
        ("decision.prior={3: 0.2, 12: 0.1}", "the data have no class '12'"),
        ("decision.prior={3: 0.2, 8: 0.9}", "sum to 1 at most, got 1.1"),
        ("decision.prior={3: 0.2, 8: 0.8}", "decision.prior: leaves nothing for the classes that it does not name"),
        (
            "decision.prior={" + ", ".join(f"{digit}: 0.09" for digit in range(10)) + "}",
            "decision.prior: prevalences of all 10 classes must sum to 1, got 0.9",
        ),
        ("decision.threshold={name: cost, costs: {3: {12: 5}}}", "the data have no class '12'"),
        (
            "decision.threshold={name: cost, costs: {3: {3: 5}}}",
            "predicting '0' for '3' must cost more than being right",
        ),
        (
            "decision.threshold={name: target_recall, recall: 0.9, confidence: 0.95}",
            r"decision.threshold: target_recall: .* takes 29 independent positive validation rows .*; there are 20",
        ),
    ],
)
def test_decisions_that_cannot_be(override, message):
    with pytest.raises(RecipeError, match=message):
        prepare("digits", ["positive=3", override])


def test_a_calibrator_that_is_no_scale_and_bias_is_refused_for_an_export():
    with pytest.raises(
        RecipeError, match="decision.calibrator: 'isotonic' cannot be put into a model file; use temperature"
    ):
        prepare("digits", ["decision.calibrator=isotonic", "export=[onnx]"])
    prepare("digits", ["decision.calibrator=vector", "export=[onnx]"])


def test_prevalences_need_the_metric_that_they_are_of():
    stated = ["positive=3", "evaluation.prevalences=[0.02]"]
    with pytest.raises(RecipeError, match="evaluation.prevalences: are of the metric 'predictive_values'"):
        prepare("digits", [*stated, "metrics=[roc_auc]", "training.monitor=roc_auc"])
    prepare("digits", [*stated, "metrics=[predictive_values, roc_auc]", "training.monitor=roc_auc"])


def test_early_stopping_needs_validation_rows():
    with pytest.raises(RecipeError, match="training.early_stopping: never stops without validation rows"):
        prepare("digits", ["split={column: null, validation: 0, test: 0.2}", "training.early_stopping={}"])


def test_groups_count_for_the_rows_that_a_recall_needs(tmp_path):
    import pandas as pd

    rows = 400
    frame = pd.DataFrame({"path": [f"{n}.png" for n in range(rows)], "label": ["a", "b"] * (rows // 2)})
    frame["patient"] = [f"p{n // 8}" for n in range(rows)]
    frame.to_csv(tmp_path / "t.csv", index=False)
    for name in frame["path"]:
        (tmp_path / name).touch()  # a plan reads no image
    wanted = "decision: {threshold: {name: target_recall, recall: 0.9, confidence: 0.95}}\nsplit: {validation: 0.4}\n"
    for column, fails in (("", False), ("group_column: patient, ", True)):
        text = f"data: {{name: table, file: t.csv, {column}path_column: path, label_column: label}}\n{wanted}"
        (tmp_path / "r.yaml").write_text(text)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            if not fails:
                prepare("r.yaml")
                continue
            with pytest.raises(RecipeError, match="there are 20"):
                prepare("r.yaml")


def test_a_resolved_recipe_is_the_same_recipe(file, tmp_path):
    first = check(RECIPE.format(file=file)).recipe
    (tmp_path / "again.yaml").write_text(first.to_yaml())
    second = prepare(tmp_path / "again.yaml").recipe
    assert second == first
    assert second.hash == first.hash
    assert check(RECIPE.format(file=file).replace("seed: 1", "seed: 2")).recipe.hash != first.hash


def test_the_schema_accepts_the_recipe_and_refuses_mistakes(file):
    schema = recipe_schema(default_catalogue())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = parse(RECIPE.format(file=file), "r").data
    assert not list(validator.iter_errors(good))
    assert not list(validator.iter_errors({"base": "digits", "loss": "ce"}))
    for change in ({"sed": 1}, {"loss": "gama"}, {"loss": {"name": "ce", "x": 1}}, {"training": {"epochs": 0}}):
        assert list(validator.iter_errors(good | change)), change
    assert list(validator.iter_errors({"seed": 1}))
    json.dumps(schema)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**9),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from(["", "ce", "no", "majority", "1", "x" * 300, "\u2603", "../..", "${NOT_THERE}", "[", "None"]),
    st.lists(st.integers(-1, 3), max_size=3),
    st.dictionaries(
        st.sampled_from(["name", "0", "1", "to", "epochs", "zz"]), st.integers(-1, 5) | st.text(max_size=3), max_size=3
    ),
)


def places(value, place=()):
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*place, key))


@pytest.fixture(scope="module")
def document(file):
    return parse(RECIPE.format(file=file), "r.yaml")


@pytest.fixture(scope="module")
def catalogue():
    return default_catalogue()


def mutated(data, draw):
    """A copy with one to three values replaced, deleted or put under another key."""
    result = copy.deepcopy(data)
    for _ in range(draw(st.integers(1, 3))):
        spots = [place for place in places(result) if place]
        if not spots:
            break
        *parents, last = draw(st.sampled_from(spots))
        target = result
        for step in parents:
            target = target[step]
        action = draw(st.sampled_from(["replace", "delete", "rename"]))
        if action == "delete":
            del target[last]
        elif action == "rename" and isinstance(target, dict):
            target[str(last) + draw(st.sampled_from(["", "x", "s"]))] = target.pop(last)
        else:
            target[last] = draw(JUNK)
    return result


# Without the way through YAML text, which would take most of the time and is checked below.
@examples(2000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_mutated_recipes_give_clear_errors_or_valid_plans(document, catalogue, data):
    """Thousands of wrong recipes: an ImbalkitError that says where, or counts by stage; never another exception."""
    wrong = Document(mutated(document.data, data.draw), document.lines, document.name)
    try:
        prepared = prepare_document(wrong, catalogue)
    except RecipeError as error:
        assert error.problems
        assert all(problem.message.strip() for problem in error.problems)
        assert "Traceback" not in str(error)
        assert "pydantic" not in str(error)
    except ImbalkitError as error:
        raise AssertionError(f"only RecipeError says where; got {error!r}") from error
    else:
        assert len(prepared.class_counts) == 1 + sum(
            getattr(sampler, "rounds", 1) if sampler.kind == "sampler" and hasattr(sampler, "score") else 1
            for sampler in prepared.recipe.samplers
        )
        assert all(min(stage.counts.low) >= 0 for stage in prepared.class_counts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_mutated_recipes_are_read_as_they_were_written(document, data):
    wrong = mutated(document.data, data.draw)
    assert parse(yaml.dump(wrong, Dumper=Dumper, allow_unicode=True), "r.yaml").data == wrong
