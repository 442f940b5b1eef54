from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from imbalkit.base.variables import variables_in
from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RecipeError
from imbalkit.recipe.document import parse, read_document, show_place
from imbalkit.recipe.validation import validate
from tests.command_line import imbalkit
from tests.properties import examples


def test_scalars_are_those_of_yaml_1_2():
    data = parse("a: no\nb: 1e-3\nc: on\nd: true\ne: 010\nf: 2020-01-01\ng: .5\nh: null\ni: 1.0", "r.yaml").data
    assert data["a"] == "no"
    assert data["b"] == 0.001
    assert data["c"] == "on"
    assert data["d"] is True
    assert data["f"] == "2020-01-01"
    assert data["g"] == 0.5
    assert data["h"] is None


def test_every_value_knows_its_line():
    document = parse("seed: 1\nsamplers:\n  - name: a\n    to: 3\n", "r.yaml")
    assert document.line(("samplers", 0, "to")) == "r.yaml:4"
    assert document.line(("samplers", 0, "missing")) == "r.yaml:3"
    assert show_place(("samplers", 0, "to")) == "samplers[0].to"


@pytest.mark.parametrize(
    "text, message",
    [
        ("a: 1\na: 2", r"r.yaml:2: a: the key stands here for the second time"),
        ("a: [1, 2", r"not valid YAML"),
        ("", "the recipe is empty"),
        ("- 1", "expected a mapping"),
        ("a: !!python/object:os.system x", "cannot be read"),
        ("a: &x [*x]", "holds itself"),
        ("{a: 1}: 2", "a key must be plain text"),
        ("a: \x00", "not valid YAML"),
    ],
)
def test_mistakes_in_the_text_are_named(text, message):
    with pytest.raises(RecipeError, match=message):
        parse(text, "r.yaml")


def test_a_recipe_changes_its_base(tmp_path):
    (tmp_path / "base.yaml").write_text(
        "loss: {name: focal, gamma: 2}\ntraining: {epochs: 3, batch_size: 8}\nsamplers: [a, b]\n"
    )
    (tmp_path / "other.yaml").write_text("base: base.yaml\nloss: {name: ce}\ntraining:\n  epochs: 5\nsamplers: [c]\n")
    document = read_document(tmp_path / "other.yaml", {})
    # another part replaces, the same settings merge, a list replaces
    assert document.data == {
        "loss": {"name": "ce"},
        "training": {"epochs": 5, "batch_size": 8},
        "samplers": ["c"],
    }
    assert document.line(("training", "epochs")) == "other.yaml:4"
    assert document.line(("training", "batch_size")) == "base.yaml:2"
    assert document.name == "other"


def test_a_base_keeps_parameters_of_the_same_part(tmp_path):
    (tmp_path / "base.yaml").write_text("loss: {name: focal, gamma: 2, x: 1}\n")
    (tmp_path / "other.yaml").write_text("base: base.yaml\nloss: {gamma: 3}\n")
    assert read_document(tmp_path / "other.yaml", {}).data["loss"] == {"name": "focal", "gamma": 3, "x": 1}


def test_values_from_python_are_on_no_line_of_their_base(tmp_path):
    (tmp_path / "base.yaml").write_text("training:\n  epochs: 3\n  batch_size: 8\npositive: a\nloss: ce\n")
    base = str(tmp_path / "base.yaml")
    found = read_document(
        {"base": base, "training": {"epochs": -1}, "positive": "b", "loss": {"name": "x", "y": 1}}, {}
    )
    for place in (("training", "epochs"), ("positive",), ("loss",), ("loss", "y")):
        assert found.line(place) == ""
    assert found.line(("training", "batch_size")) == "base.yaml:3"


def test_a_base_that_loops_is_an_error(tmp_path):
    (tmp_path / "a.yaml").write_text("base: b.yaml\n")
    (tmp_path / "b.yaml").write_text("base: a.yaml\n")
    with pytest.raises(RecipeError, match="its own base"):
        read_document(tmp_path / "a.yaml", {})


def test_registered_names_and_near_misses(tmp_path):
    (tmp_path / "base.yaml").write_text("seed: 3\n")
    named = {"mine/base": tmp_path / "base.yaml"}
    assert read_document("mine/base", named).data == {"seed": 3}
    assert read_document("mine/base", named).name == "mine-base"
    with pytest.raises(RecipeError, match="did you mean 'mine/base'"):
        read_document("mine/bas", named)
    with pytest.raises(RecipeError, match="is a folder"):
        read_document(tmp_path, {})


def test_overrides_reach_everywhere(tmp_path):
    (tmp_path / "r.yaml").write_text("seed: 1\nloss: ce\nsamplers:\n  - {name: random_over, to: 5}\n")
    document = read_document(
        tmp_path / "r.yaml",
        {},
        ["seed=4", "loss.smoothing=0.1", "samplers.0.to=[1, 2]", "training.optimizer.lr=1e-3", "positive=no"],
    )
    assert document.data == {
        "seed": 4,
        "loss": {"name": "ce", "smoothing": 0.1},
        "samplers": [{"name": "random_over", "to": [1, 2]}],
        "training": {"optimizer": {"lr": 0.001}},
        "positive": "no",
    }
    assert document.line(("seed",)) == "--set seed=4"


def test_a_bare_name_becomes_a_mapping_when_a_parameter_is_set(tmp_path):
    (tmp_path / "r.yaml").write_text("samplers: [random_over]\n")
    document = read_document(tmp_path / "r.yaml", {}, ["samplers.0.to=50"])
    assert document.data == {"samplers": [{"name": "random_over", "to": 50}]}


def test_naming_another_part_drops_the_old_parameters(tmp_path):
    (tmp_path / "r.yaml").write_text("loss: {name: focal, gamma: 2}\n")
    assert read_document(tmp_path / "r.yaml", {}, ["loss.name=ce"]).data == {"loss": {"name": "ce"}}


@pytest.mark.parametrize(
    "override, message",
    [
        ("seed", "expected a.b=value"),
        ("samplers.3.to=1", "expected a position in a list of 1"),
        ("seed.x=1", "cannot be set: seed is 1"),
        ("seed=[1", "not valid YAML"),
        ("samplers.\u00b2.to=1", "expected a position in a list of 1"),
        ("seed=" + "[" * 3000, "not valid YAML|nested too deeply"),
    ],
)
def test_overrides_that_cannot_be_applied(tmp_path, override, message):
    (tmp_path / "r.yaml").write_text("seed: 1\nsamplers: [{name: a}]\n")
    with pytest.raises(RecipeError, match=message):
        read_document(tmp_path / "r.yaml", {}, [override])


def test_all_overrides_are_checked_and_the_root_is_never_cleared(tmp_path):
    (tmp_path / "r.yaml").write_text("seed: 1\n")
    with pytest.raises(RecipeError) as caught:
        read_document(tmp_path / "r.yaml", {}, ["seed.x=1", "seed.y=2", "a"])
    assert len(caught.value.problems) == 3
    assert read_document(tmp_path / "r.yaml", {}, ["name=x"]).data == {"seed": 1, "name": "x"}


def test_aliases_of_aliases_do_not_fill_the_memory():
    text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    text += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(RecipeError, match="more than 100,000 values"):
        parse(text, "r.yaml")


def test_variables(tmp_path, monkeypatch):
    (tmp_path / "photos" / "a").mkdir(parents=True)
    text = "data: {name: image_folder, root: '${PHOTOS:-nowhere}/x'}\ncard: {users: '${SECRET_TOKEN}'}\nbase: ${BASE}.yaml\n"
    (tmp_path / "r.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text("seed: 3\nbackbone: {name: timm, model: resnet10t, weights: '${WEIGHTS}'}\n")
    with pytest.raises(RecipeError, match="r.yaml:3: base: the environment variable BASE is not set; set it, or give"):
        read_document(tmp_path / "r.yaml", {})
    monkeypatch.setenv("BASE", "b")
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    catalogue = default_catalogue()
    document = read_document(tmp_path / "r.yaml", {})
    with pytest.raises(RecipeError, match="b.yaml:2: backbone.weights: the environment variable WEIGHTS is not set"):
        validate(document, catalogue)
    monkeypatch.setenv("WEIGHTS", "/w.safetensors")
    recipe = validate(document, catalogue)
    assert recipe.data.root == "nowhere/x"
    assert recipe.backbone.weights == "/w.safetensors"
    assert (
        recipe.card.users == "${SECRET_TOKEN}"
    )  # nothing but a path: a third party's recipe cannot read secrets into a report
    assert "hunter2" not in recipe.to_yaml()
    assert set(variables_in(document.data)) == {"PHOTOS", "WEIGHTS", "SECRET_TOKEN"}


# --- any bytes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, message",
    [
        (b'data: digits\ndescription: "\\UFFFFFFFF"\n', "not valid YAML"),
        (b'data: digits\ndescription: "\\U00110000"\n', "not valid YAML"),
        (b"%YAML " + b"9" * 5000 + b".1\n---\ndata: digits\n", "not valid YAML"),
        (b'data: {name: table, file: "\\udcff.csv"}\n', "there is no table at"),
        (b'data: {name: image_folder, root: "\\ud800\\0"}\n', "there is no image folder at"),
        ("data: digits\n".encode("utf-16"), "r.yaml cannot be read"),
        (b"data: digits\0\n", "not valid YAML: unacceptable character"),
        (b"- " * 3000 + b"1\n", "nested too deeply"),
        (b'data: digits\n? "' + b"k" * 100_000 + b'"\n: 1\n', ": kkk"),
        (b"data: " + b"v" * 100_000, "r.yaml:1: data: there is no dataset"),
        (b"data: &a [*a]\n", "an alias refers to a value that holds itself"),
    ],
)
def test_files_that_are_no_recipe(text, message, tmp_path):
    (tmp_path / "r.yaml").write_bytes(text)
    done = imbalkit("plan", "r.yaml", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr) < 3000


@pytest.mark.parametrize(
    "begin, end", [(b"\xef\xbb\xbf", b"\n"), (b"", b"\r\n"), (b"", b"\r"), (b"%YAML 1.2\n---\n", b"\n")]
)
def test_files_as_other_systems_write_them(begin, end, tmp_path):
    (tmp_path / "r.yaml").write_bytes(begin + end.join([b"data: digits", b"seed: 3", b""]))
    assert read_document(tmp_path / "r.yaml", {}).data == {"data": "digits", "seed": 3}


WORDS = [
    "data",
    "seed",
    "digits",
    "base",
    "loss",
    "name",
    "samplers",
    "<<",
    "~",
    "1",
    "-1e3",
    ".nan",
    "0x",
    "'",
    '"',
    "{",
    "}",
    "[",
    "]",
    "?",
    "-",
    ":",
    ",",
    ":",
    "&a",
    "*a",
    "!!int",
    "!!set",
    "!x",
    "!!binary",
    "!%ff",
]
BYTES = [
    *(word.encode() + end for word in WORDS for end in (b"", b" ", b": ", b"\n")),
    *(
        b"!<tag:yaml.org,2002:float> ",
        b"|\n",
        b">9-\n",
        b"%YAML ",
        b"%TAG ! x\n",
        b"---\n",
        b"...\n",
        b"\n  ",
        b"# ",
        b"${",
    ),
    *(b"\\U", b"\\ud800", b"\\x", b"FFFF", b"\t", b"\r", b"\0", b"\x1b", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8"),
    *(b"[" * 60, b"- " * 60, b"{a: " * 60, b"9" * 4400, b"k" * 2000),
]
PIECES = st.sampled_from(BYTES)


@examples(250, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=14), st.sampled_from([b"", b"data: digits\n", b"data: digits\ndescription: "]))
def test_any_bytes_are_a_plan_or_a_message(pieces, begin):
    """Through the command: a RecipeError, or a plan; an exception that a user would see as a traceback fails the test."""
    with TemporaryDirectory() as folder:
        Path(folder, "r.yaml").write_bytes(begin + b"".join(pieces))
        done = imbalkit("plan", "r.yaml", cwd=Path(folder), check=False)
    assert done.returncode in (0, 1)
    assert (done.returncode == 1) == done.stderr.startswith("error: ")
    done.stderr.encode()
