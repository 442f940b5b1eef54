"""The bundled recipes and sweeps on the official tables: the counts of Gilal et al. 2023, and what they leave open."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from imbalkit.catalogue import default_catalogue
from imbalkit.cli.main import root
from imbalkit.recipe.prepare import Loaded, prepare
from imbalkit.studies.sweeps.checks import check_cells
from imbalkit.studies.sweeps.file import read_sweep

TABLES = Path(__file__).parents[2] / "../shared/data/isic_tables"
pytestmark = pytest.mark.skipif(not TABLES.exists(), reason="the official ISIC tables are not here")
ALL = [name for name in default_catalogue().recipes if name.startswith("melanoma/")]
HAM = [name for name in ALL if "/ham10000/" in name]
RECIPES = [
    name for name in ALL if name not in (*HAM, "melanoma/2024")
]  # whose tables are not among the official ones here


@pytest.fixture(autouse=True)
def tables(monkeypatch, tmp_path):
    monkeypatch.setenv("ISIC_TABLES", str(TABLES.resolve()))
    monkeypatch.setenv("ISIC_IMAGES", str(tmp_path))
    monkeypatch.setenv("HAM10000", str(TABLES.resolve().with_name("ham10000")))
    monkeypatch.setenv("WEIGHTS", str(TABLES.resolve().parents[1] / "weights"))


@pytest.fixture(scope="module")
def loaded():
    return Loaded()


def counts_by_stage(prepared):
    return [stage.counts.low for stage in prepared.class_counts]


def test_the_merge_has_the_counts_of_the_paper_and_no_validation():
    result = CliRunner().invoke(root, ["plan", "melanoma/merge", "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["classes"] == ["benign", "melanoma"]
    assert facts["samples"]["counts"] == [32_542, 5_106]
    assert facts["split"]["train"]["counts"] == [26_033, 4_085]
    assert facts["split"]["test"]["counts"] == [6_509, 1_021]
    assert facts["split"]["validation"]["total"] == 0
    assert facts["split"]["train"]["balance_ratio"] == 0.1569
    merge, blur = facts["sweeps"].values()  # both sets, every round
    assert [stage["counts"] for stage in merge] == [
        [26_033, 4_085], [20_033, 4_085], [14_033, 4_085], [8_033, 4_085], [2_045, 4_073],
    ]  # fmt: skip
    assert [stage["counts"] for stage in blur] == [
        [26_033, 4_085], [52_066, 16_340], [39_733, 16_340], [27_400, 16_340], [15_066, 16_340], [5_066, 16_340],
    ]  # fmt: skip
    assert blur[1]["balance_ratio"] == 0.3138


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be_planned_and_only_the_merge_lacks_validation(name, loaded):
    prepared = prepare(name, loaded=loaded)
    has_validation = len(prepared.split.validation) > 0
    assert has_validation == (name != "melanoma/merge")
    assert prepared.recipe.description
    assert prepared.positive == 1
    if has_validation:
        validation = prepared.table.counts(prepared.split.validation)
        assert min(validation) > 50
        assert (prepared.recipe.training.monitor == "last") == (name == "melanoma/best")  # of one cycle: docs/best.md
        assert prepared.recipe.decision.threshold.name == "target_recall"


def test_recipes_on_the_merge_share_its_test_rows(loaded):
    merge = prepare("melanoma/merge", loaded=loaded)
    ours = [name for name in RECIPES if name.split("/")[1] in ("ablation", "backbone", "cleaning", "loss", "blur")]
    assert len(ours) == 12 + 5 + 9 + 9 + 1
    for name in ours:
        prepared = prepare(name, loaded=loaded)
        assert prepared.split.test.tolist() == merge.split.test.tolist()
        assert counts_by_stage(prepared)[0] == (22_779, 3_574)  # what validation leaves, before any sampler


@pytest.mark.parametrize("name", ["2020", "both_years", "best"])
def test_our_own_forms_keep_patients_and_lesions_in_one_split(name, loaded):
    prepared = prepare(f"melanoma/{name}", loaded=loaded)
    assert prepared.split.shared_groups == 0
    assert prepared.recipe.split.group


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("cleaning/merge-20033", (20_033, 3_574)), ("cleaning/merge-2045", (2_045, 3_574)),
        ("cleaning/printed", (2_045, 3_562)), ("cleaning/blur-15066", (15_066, 14_296)), ("cleaning/blur-5066", (5_066, 14_296)),
        ("blur", (45_558, 14_296)), ("ablation/bl-blur-under-rl-10", (15_066, 14_296)), ("loss/rce", (45_558, 14_296)),
    ],
)  # fmt: skip
def test_cleaning_ends_with_the_counts_in_the_names(name, last, loaded):
    assert counts_by_stage(prepare(f"melanoma/{name}", loaded=loaded))[-1] == last


def test_the_ablation_recipes_are_the_rows_of_table_2():
    names = {name.removeprefix("melanoma/ablation/") for name in RECIPES if "/ablation/" in name}
    data = {"bl", "bl-blur", "bl-under", "bl-blur-under"}
    assert names == data | {f"{name}-rl-{gamma}" for name in data for gamma in (1, 10)}
    for name in names:
        recipe = prepare(f"melanoma/ablation/{name}").recipe
        gamma = getattr(recipe.loss, "gamma", None)
        assert gamma == (int(name.rpartition("-")[2]) if "rl" in name else None)
        assert [part.name for part in recipe.samplers] == [
            *(["oversample"] if "blur" in name else []), *(["loss_rank"] if "under" in name else []),
        ]  # fmt: skip


def test_the_papers_experiments_are_144_cells_of_one_file():
    catalogue = default_catalogue()
    found = read_sweep("melanoma/paper", catalogue)
    assert len(found.cells) == 144
    prepared = check_cells(found, catalogue, runtime=False)
    last = {counts_by_stage(entry)[-1] for entry in prepared.values()}
    assert last == {
        (26_033, 4_085), (14_033, 4_085), (8_033, 4_085), (2_045, 4_073), (52_066, 16_340), (15_066, 16_340),
    }  # fmt: skip
    assert {entry.recipe.backbone.model for entry in prepared.values()} == {
        "efficientnet_b0", "efficientnet_b2", "tf_efficientnet_lite0", "tf_efficientnet_lite4",
    }  # fmt: skip
    assert len({entry.recipe.hash for entry in prepared.values()}) == 144


@pytest.mark.parametrize("name", HAM)
def test_recipes_of_ham10000_are_tested_on_the_same_rows(name, loaded):
    split, other = (
        prepare(recipe, ["split.fold=3"], loaded=loaded).split for recipe in (name, "melanoma/ham10000/small")
    )
    for part in ("train", "validation", "test"):
        assert getattr(split, part).tolist() == getattr(other, part).tolist()
