"""What the docs show is true: code runs, recipes are accepted, commands exist, the reference is complete."""

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml

from imbalkit.catalogue import default_catalogue
from imbalkit.cli.main import COMMANDS, root
from imbalkit.decision.class_prior import SPLIT
from imbalkit.errors import RecipeError
from imbalkit.kinds import KINDS, FeatureSampler, Sampler, ScoredSampler, SolvedStage, TrainedStage
from imbalkit.recipe.class_prior import prior_ledger
from imbalkit.recipe.document import read_document
from imbalkit.recipe.prepare import prepare
from imbalkit.recipe.recipe import Recipe
from imbalkit.recipe.validation import validate
from imbalkit.studies.search.checks import check_search
from imbalkit.studies.search.file import read_search
from imbalkit.studies.sweeps.checks import check_cells
from imbalkit.studies.sweeps.file import read_sweep

TOP = Path(__file__).parents[1]
DOCS = TOP / "docs"
BASES = KINDS | {  # what a part of each kind is a subclass of
    "sampler": Sampler,
    "scored-sampler": ScoredSampler,
    "feature-sampler": FeatureSampler,
    "stage": TrainedStage,
    "solved-stage": SolvedStage,
}
PAGES = sorted([*DOCS.glob("*.md"), TOP / "README.md"])
BLOCK = re.compile(
    r"^(?P<not_run><!-- not run: .+? -->\n+)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str
    run: bool

    def __str__(self):
        return f"{self.page}:{self.line}"


def blocks_of(page):
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("text"))
        yield Block(page.name, line, match["language"], match["text"], match["not_run"] is None)


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


with pytest.MonkeyPatch.context() as patch:  # mkdocs finds its hook in the same way
    patch.syspath_prepend(DOCS)
    import generate
    from generating import contracts, recipes, sections


# --- Python -----------------------------------------------------------------------------------------------------------

PYTHON_PAGES = sorted({block.page for block in BLOCKS if block.language == "python" and block.run})


@pytest.mark.parametrize("page", PYTHON_PAGES)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "docs"}
    for block in BLOCKS:
        if block.page == page and block.language == "python" and block.run:
            # Line numbers of the page, so that a failure points there.
            exec(compile("\n" * block.line + block.text, str(DOCS / page), "exec"), names)


def test_there_is_python_to_run():
    assert {"plugins.md", "methods.md", "running.md", "data.md", "tutorial.md"} <= set(PYTHON_PAGES)


# --- recipes ----------------------------------------------------------------------------------------------------------

RECIPES = [block for block in BLOCKS if block.language == "yaml"]


@pytest.mark.parametrize("block", RECIPES, ids=str)
def test_recipes_are_accepted(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if block.page == "data.md" and block.run:
        import numpy as np

        labels = np.repeat(["common", "rare"], [90, 30])
        np.savez("mine.npz", x=np.zeros((120, 16, 16, 3), np.uint8), y=labels, patient=np.arange(120) // 3)
    if "axes" in yaml.safe_load(block.text):
        catalogue = default_catalogue()
        Path("sweep.yaml").write_text(block.text, encoding="utf-8")
        check_cells(read_sweep("sweep.yaml", catalogue), catalogue)
        return
    if "search" in yaml.safe_load(block.text):
        catalogue = default_catalogue()
        Path("search.yaml").write_text(block.text, encoding="utf-8")
        check_search(read_search("search.yaml", catalogue), catalogue)
        return
    if "data" in yaml.safe_load(block.text) or "base" in yaml.safe_load(block.text):
        text = block.text
    else:
        text = "base: digits\n" + block.text
    Path("recipe.yaml").write_text(text, encoding="utf-8")
    if block.run:
        prepare("recipe.yaml")
    else:
        # Its data are not here; everything else is checked all the same.
        catalogue = default_catalogue()
        validate(read_document("recipe.yaml", catalogue.recipes), catalogue)


def test_a_wrong_recipe_would_be_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("recipe.yaml").write_text("base: digits\nsamplers: [random_ovr]\n")
    with pytest.raises(RecipeError, match="random_over"):
        prepare("recipe.yaml")


# --- commands ---------------------------------------------------------------------------------------------------------


def command_lines():
    for block in BLOCKS:
        if block.language in ("console", "bash", "sh", "shell"):
            for line in block.text.replace("\\\n", " ").splitlines():
                for part in line.removeprefix("$ ").split("&&"):
                    words = shlex.split(part, comments=True)
                    module = "-m" in words and words[words.index("-m") + 1] == "imbalkit"  # python -m, torchrun -m
                    if module or words[:1] == ["imbalkit"]:
                        yield pytest.param(words[words.index("imbalkit") + 1 :], id=f"{block}:{part.strip()}")


def parse(words):
    """Parse as click would, without running anything."""
    if ">" in words:
        words = words[: words.index(">")]
    context = click.Context(root, info_name="imbalkit")
    if words[:1] in (["--help"], ["--version"]):
        return
    name, command, arguments = root.resolve_command(context, list(words))
    if "--help" not in arguments:
        command.make_context(name, arguments, parent=context)


@pytest.mark.parametrize("words", list(command_lines()))
def test_command_lines_parse(words):
    parse(words)


def test_wrong_command_lines_would_be_found():
    with pytest.raises(click.UsageError, match="no command 'pln'"):
        parse(["pln", "recipe.yaml"])
    with pytest.raises(click.UsageError, match="--sets"):
        parse(["run", "recipe.yaml", "--sets", "a=1"])


# --- the reference ----------------------------------------------------------------------------------------------------


def filled(page):
    return generate.fill((DOCS / page).read_text(encoding="utf-8"))


def test_every_hook_is_documented():
    text, hooks = filled("plugins.md"), contracts.hook_functions()
    assert len(hooks) == 27
    for name, function in hooks.items():
        assert f"{{ #hook-{name} }}" in text, name
        assert f"def {name}(" in text, name
        assert (function.__doc__ or "no docstring").splitlines()[0] in text, name


def test_every_kind_is_documented():
    text = filled("plugins.md")
    for kind, base in BASES.items():
        assert f"{{ #kind-{kind} }}" in text, kind
        assert f"`{base.__name__}`" in text, kind


def test_every_kind_has_its_duties_and_an_example():
    text = filled("plugins.md")
    for kind, base in BASES.items():
        assert f"| [{kind.replace('-', ' ')}](#kind-{kind}) | `{base.__name__}` | `name`" in text
        section = text[text.index(f"{{ #kind-{kind} }}") :].split("\n### ")[0]
        assert re.search(rf"\nclass Mine\(\w*{base.__name__}\):", section), kind
    assert "| `name`, `resample()`, `preview()` |" in text


def test_every_built_in_part_and_parameter_is_documented():
    text, catalogue, seen = filled("recipes.md"), default_catalogue(), 0
    for kind in KINDS:
        for name in recipes.built_in(catalogue, kind):
            start = text.index(f"{{ #{kind}-{name} }}")
            section = re.split(r"\n#{2,4} ", text[start:], maxsplit=1)[0]
            for parameter, info in catalogue.get(kind, name).model_fields.items():
                assert f"| `{parameter}` |" in section, f"{kind} {name}: {parameter}"
                assert info.description, f"{kind} {name}: {parameter} has no help"
            seen += 1
    assert seen >= 40


def test_every_key_of_the_recipe_is_documented():
    text = filled("recipes.md")
    models = [Recipe, *sections.sections()]
    assert len(models) >= 10
    for model in models:
        for name, info in model.model_fields.items():
            assert f"| `{name}` |" in text, f"{model.__name__}.{name}"
            assert info.description, f"{model.__name__}.{name} has no help"


def test_every_command_is_documented():
    text = filled("running.md")
    for name in COMMANDS:
        assert f"Usage: imbalkit {name}" in text, name


def test_an_unknown_placeholder_stops_the_build():
    with pytest.raises(ValueError, match="no generator"):
        generate.fill("<!-- generated: nothing -->")


def test_no_table_shows_a_value_of_unknown_type():
    for page in ("recipes.md", "plugins.md"):
        assert "any value" not in filled(page), page


# --- the table of methods -------------------------------------------------------------------------------------------

METHOD_KINDS = ("loss", "order", "mixer", "head", "stage", "sampler", "threshold")


def method_rows():
    """Cells of each row of the table of all methods."""
    text = (DOCS / "methods.md").read_text(encoding="utf-8")
    section = text.split("\n## All methods\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("kind", METHOD_KINDS)
def test_every_built_in_method_has_a_row(kind):
    methods = " ".join(row[1] for row in method_rows())
    missing = [
        name for name in recipes.built_in(default_catalogue(), kind) if f"(recipes.md#{kind}-{name})" not in methods
    ]
    assert not missing, f"docs/methods.md, 'All methods', has no row for {kind} {missing}"


@pytest.mark.parametrize("row", method_rows(), ids=lambda row: row[1].split("]")[0].strip("[`"))
def test_a_methods_recipe_is_accepted_and_its_prior_is_the_ledgers(row, tmp_path, monkeypatch):
    assert len(row) == 8
    monkeypatch.chdir(tmp_path)
    snippet = yaml.safe_load(row[1].split("`")[1])
    recipe = {"data": {"name": "digits", "imbalance": 20, "minority": 8}, "split": {"column": "split"}, **snippet}
    recipe["training"] = {"epochs": 20, **snippet.get("training", {})}
    Path("recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    entries = [entry for entry in prior_ledger(prepare("recipe.yaml")).entries if entry.stage != SPLIT]
    mapped = any(entry.shift.map is not None for entry in entries)
    expected = "no" if not all(entry.shift.exact for entry in entries) else "yes, with a map" if mapped else "yes"
    assert row[4].split(" (")[0] == expected, [(entry.stage, entry.shift.why) for entry in entries]


# --- the site ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_site_builds_strictly(tmp_path):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed")
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    shutil.copy(TOP / ".mkdocs.yml", tmp_path)
    shutil.copytree(DOCS, tmp_path / "docs")
    # Never with --quiet: it silences the warnings before --strict counts them.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", ".mkdocs.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {page.name: page.read_text(encoding="utf-8") for page in (tmp_path / "site").glob("*.html")}
    assert {page.with_suffix(".html").name for page in DOCS.glob("*.md")} <= set(pages)
    for name, text in pages.items():
        assert "<!-- generated" not in text, name
        loaded = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"?(https?:[^\" >]+)", text)
        assert not [address for address in loaded if "canonical" not in address], f"{name} loads {loaded}"
