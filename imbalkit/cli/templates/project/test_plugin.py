from imbalkit_mine import Mine

from imbalkit.catalogue import default_catalogue
from imbalkit.testing.common import check_light_import


def test_it_is_found_once_installed():
    assert default_catalogue().get(Mine.kind, "mine") is Mine
    assert default_catalogue().provider(Mine.kind, "mine").distribution == "imbalkit-mine"


def test_listing_it_imports_nothing_heavy():
    check_light_import("imbalkit_mine")


def test_the_recipe_runs(recipe_run):
    assert (recipe_run / "metrics.json").exists()
