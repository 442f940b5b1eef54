"""The rules of the hooks: every breach is a clear error that names the distribution."""

import inspect
from types import ModuleType

import pytest

from imbalkit import hookspecs
from imbalkit.catalogue import HOOKS, Catalogue, Provider, _load, default_catalogue, plugins_left_out
from imbalkit.errors import PluginError
from imbalkit.hookspecs import hookimpl
from imbalkit.kinds import KINDS, Loss, Score


def plugin(name, **functions):
    module = ModuleType(name)
    for key, function in functions.items():
        function.__name__ = key
        setattr(module, key, hookimpl(function))
    return module, Provider(name, f"{name}-dist", "1.0")


class Mine(Loss):
    """A loss."""

    name = "mine"


def test_parts_are_found_by_kind_and_name():
    catalogue = Catalogue([plugin("a", register_losses=lambda: [Mine])])
    assert catalogue.names("loss") == ["mine"]
    assert catalogue.get("loss", "mine") is Mine
    assert str(catalogue.provider("loss", "mine")) == "a-dist 1.0"
    with pytest.raises(PluginError, match="there is no loss 'mien'; did you mean 'mine'"):
        catalogue.get("loss", "mien")


def test_order_of_plugins_does_not_matter():
    class Other(Loss):
        name = "another"

    plugins = [plugin("a", register_losses=lambda: [Mine]), plugin("b", register_losses=lambda: [Other])]
    assert Catalogue(plugins).names("loss") == Catalogue(plugins[::-1]).names("loss") == ["another", "mine"]


def test_two_plugins_with_one_name_are_both_named():
    with pytest.raises(PluginError, match=r"with the name 'mine'.*a-dist 1.0.*b-dist 1.0"):
        Catalogue([plugin("a", register_losses=lambda: [Mine]), plugin("b", register_losses=lambda: [Mine])])


def test_two_recipes_with_one_name():
    def recipes():
        return {"x": "x.yaml"}

    with pytest.raises(PluginError, match="two plugins register a recipe with the name 'x'"):
        Catalogue([plugin("a", register_recipes=recipes), plugin("b", register_recipes=lambda: {"x": "x.yaml"})])


def test_a_recipe_that_is_no_path():
    with pytest.raises(PluginError, match=r"register_recipes of plugin 'a' .*a path for 'x', got \{'data': 'digits'\}"):
        Catalogue([plugin("a", register_recipes=lambda: {"x": {"data": "digits"}})])


@pytest.mark.filterwarnings("ignore:Field name")  # pydantic's, which says nothing of what follows
def test_a_parameter_in_the_place_of_a_method():
    class Noted(Mine):
        name = "noted"
        notes: str = "mine"

    with pytest.raises(
        PluginError, match=r"loss 'noted' of plugin 'a' .*a parameter 'notes', which is a method .*kinds.Loss"
    ):
        Catalogue([plugin("a", register_losses=lambda: [Noted])])


def test_a_misspelled_hook_is_not_silent():
    with pytest.raises(PluginError, match=r"plugin 'a' of a-dist 1.0 has a wrong hook.*did you mean 'register_losses'"):
        Catalogue([plugin("a", register_loses=lambda: [Mine])])


def test_a_hook_with_a_wrong_argument():
    with pytest.raises(PluginError, match="plugin 'a' of a-dist 1.0 has a wrong hook"):
        Catalogue([plugin("a", register_losses=lambda context: [Mine])])


def test_a_hook_that_fails():
    def fails():
        raise RuntimeError("no licence")

    with pytest.raises(
        PluginError, match=r"register_losses of plugin 'a' \(a-dist 1.0\) failed: RuntimeError: no licence"
    ):
        Catalogue([plugin("a", register_losses=fails)])


@pytest.mark.parametrize(
    "result, message",
    [
        ([Score], r"must return subclasses of imbalkit.kinds.Loss, got <class 'imbalkit.kinds.rows.Score'>"),
        (["mine"], "must return subclasses"),
        (Mine, "must return a list of classes"),
        ([type("NoName", (Loss,), {"__module__": __name__})], "has no `name`"),
    ],
)
def test_a_hook_that_returns_something_else(result, message):
    with pytest.raises(PluginError, match=message):
        Catalogue([plugin("a", register_losses=lambda: result)])


def test_a_plugin_that_cannot_be_imported_is_named():
    class Entry:
        name = "broken"
        dist = type("Dist", (), {"name": "broken-dist", "version": "2.0"})

        def load(self):
            raise ImportError("no module named foo")

    with pytest.raises(
        PluginError,
        match=r"plugin 'broken' of broken-dist 2.0 cannot be imported.*\n.*--without broken .* IMBALKIT_WITHOUT=broken",
    ):
        _load(Entry())


def test_plugins_can_be_left_out():
    assert "mobilenetv1_075" in default_catalogue().names("backbone")
    assert "mobilenetv1_075" not in default_catalogue(("melanoma",)).names("backbone")
    with pytest.raises(PluginError, match="--without melanom: no such plugin; did you mean 'melanoma'"):
        default_catalogue(("melanom",))


def test_the_environment_leaves_plugins_out_too(monkeypatch):
    monkeypatch.setenv("IMBALKIT_WITHOUT", " melanoma, cluster,")
    found = default_catalogue(("tflite",))
    assert "mobilenetv1_075" not in found.names("backbone")
    assert "slurm" not in found.names("launcher")
    assert "tflite" not in found.names("exporter")
    monkeypatch.setenv("IMBALKIT_WITHOUT", "melanom")
    with pytest.raises(PluginError, match="IMBALKIT_WITHOUT=melanom: no such plugin; did you mean 'melanoma'"):
        default_catalogue()


def test_left_out_for_a_while():
    with plugins_left_out(("cluster",)), plugins_left_out(("tflite",)):
        assert "slurm" not in default_catalogue().names("launcher")
        assert "tflite" not in default_catalogue().names("exporter")
    assert "slurm" in default_catalogue().names("launcher")
    assert "tflite" in default_catalogue().names("exporter")


def test_every_hook_is_known_to_the_catalogue_or_called_by_the_engine():
    """Enumerates the hooks, so that none can be added without a place where it is used."""
    hooks = {
        name for name, value in inspect.getmembers(hookspecs, inspect.isfunction) if hasattr(value, "imbalkit_spec")
    }
    observers = {"plan_changed", "epoch_finished", "report_sections", "run_started", "run_finished", "run_failed"}
    observers |= {"sweep_started", "sweep_finished"}
    assert hooks == set(HOOKS.values()) | {"register_recipes", "register_sweeps"} | observers
    assert set(HOOKS) == set(KINDS)
    for name in hooks:
        assert inspect.getdoc(getattr(hookspecs, name)), f"{name} has no documentation"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_built_in_parts_through_the_public_hooks(kind):
    catalogue = default_catalogue()
    assert "imbalkit" in {catalogue.provider(kind, name).distribution for name in catalogue.names(kind)}


def test_a_part_whose_extra_is_missing_registers_and_says_what_to_install(monkeypatch, tmp_path):
    import importlib.util

    from imbalkit.errors import RecipeError
    from imbalkit.recipe.prepare import prepare

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if "litert" in name else find(name, *rest)
    )
    assert "tflite" in default_catalogue().names("exporter")
    with pytest.raises(RecipeError, match=r"export\[0\]: exporter 'tflite' needs.*pip install 'imbalkit\[tflite\]'"):
        prepare("digits", ["export=[tflite]"])
