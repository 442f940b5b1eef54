"""The gallery: the right rows, pixels as training renders them."""

import numpy as np
import pytest

from imbalkit.data.keeping import open_store
from imbalkit.errors import RunError
from imbalkit.plan import Plan
from imbalkit.plan.dataset import PlanDataset
from imbalkit.plots.study import gallery
from imbalkit.plots.study.records import find_runs
from imbalkit.recipe.image_rule import image_rule
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.replay import plan_of_run, replay


@pytest.fixture(scope="module")
def of_run(real_runs):
    (run,) = find_runs([real_runs / "runs" / "ce"]).runs
    prepared, plan, _ = plan_of_run(run.name, run.recipe, run.folder)
    return prepared, plan, gallery.data(prepared, plan, samples=2)


def test_rows(of_run):
    _, plan, frame = of_run
    assert frame["class"].unique().tolist() == ["common", "rare"]
    assert frame.groupby("class")["source"].nunique().tolist() == [2, 2]
    assert frame["view"].unique().tolist() == [
        "as it is",
        "vertical flip, then radial blur rho U(0.005, 0.02), four a row",
        "turn 90 clockwise, then radial blur rho U(0.005, 0.02)",
        "horizontal flip",
    ]
    for view, column in zip(frame["view"], frame["column"], strict=True):
        assert (view == "as it is") == (column == 0)  # the picture itself comes first
    assert frame.groupby("view")["column"].nunique().eq(1).all()
    rare = frame[frame["class"] == "rare"]
    assert len(rare) == 6  # each of the two samples has every view
    np.testing.assert_array_equal(plan.source[frame["position"]], frame["source"])


def test_the_samples_are_the_first_with_the_most_views(of_run):
    _, plan, frame = of_run
    for label, name in enumerate(plan.classes):
        own = plan.label == label
        views = {source: len(set(plan.view[own & (plan.source == source)])) for source in np.unique(plan.source[own])}
        most = [source for source in views if views[source] == max(views.values())]
        assert sorted(frame.loc[frame["class"] == name, "source"].unique()) == sorted(most)[:2]


def test_samples_with_few_copies_come_later(of_run):
    from imbalkit.builtin.ops import HorizontalFlip, VerticalFlip

    prepared, _, _ = of_run
    plan = Plan.from_labels(prepared.table.labels, prepared.classes)
    plan = plan.append(np.array([2, 4, 4]), [(HorizontalFlip(),), (VerticalFlip(),)], np.array([0, 0, 1]))
    shown = {samples: gallery.data(prepared, plan, samples)["source"].unique().tolist() for samples in (1, 2, 3)}
    assert shown == {1: [4], 2: [2, 4], 3: [0, 2, 4]}


def test_what_was_drawn_is_what_the_plan_draws(of_run):
    _, plan, frame = of_run
    turned = frame[frame["view"].str.startswith("turn")].iloc[0]
    rho = plan.parameters(np.array([turned["position"]]), 1, plan.views[plan.view[turned["position"]]][1])[0, 0]
    assert turned["drawn"] == f"rho = {rho:.3g}"
    assert 0.005 <= rho <= 0.02
    four = frame[frame["view"].str.startswith("vertical")].iloc[0]["drawn"].split("; ")
    assert [text.split(" = ")[0] for text in four] == ["rho expand x", "rho expand y", "rho shrink x", "rho shrink y"]
    assert (frame.loc[frame["view"] == "horizontal flip", "drawn"] == "").all()


def test_pixels_are_those_of_training(of_run):
    prepared, plan, frame = of_run
    everything = open_store(None, prepared.table.arrays, image_rule(prepared.recipe, prepared.table))
    dataset = PlanDataset(plan, everything)
    pixels = gallery.pictures(prepared, plan, frame)
    for position, picture in zip(frame["position"], pixels, strict=True):
        np.testing.assert_array_equal(picture, dataset[int(position)][0].permute(1, 2, 0).numpy())
    source = prepared.table.arrays[frame["source"].iloc[0]]
    np.testing.assert_allclose(pixels[0], source / 255, atol=1e-6)


def test_only_the_samples_shown_are_decoded(tmp_path):
    from PIL import Image

    for index in range(40):
        folder = tmp_path / "data" / ("rare" if index % 4 == 0 else "common")
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 12), (index, 0, 0)).save(folder / f"{index}.png")
    (tmp_path / "r.yaml").write_text(f"""\
data: {{name: image_folder, root: {tmp_path}/data}}
images: {{size: 8, cache: {tmp_path}/cache}}
samplers: [{{name: oversample, views: {{rare: [[horizontal_flip]]}}}}]
""")
    prepared = prepare(tmp_path / "r.yaml")
    plan, _ = replay(prepared)
    frame = gallery.data(prepared, plan, samples=2)
    assert set(frame["class"]) == {"rare"}  # the other class has no copies
    pixels = gallery.pictures(prepared, plan, frame)
    for path, picture in zip(frame["path"], pixels, strict=True):
        with Image.open(path) as image:
            np.testing.assert_allclose(picture[0, 0] * 255, image.getpixel((0, 0)), atol=1e-4)
    (cached,) = (tmp_path / "cache").glob("*/pixels.bin")
    assert cached.stat().st_size == 2 * 8 * 8 * 3


def test_a_plan_without_copies_is_refused(of_run):
    prepared, _, _ = of_run
    plan = Plan.from_labels(prepared.table.labels, prepared.classes)
    with pytest.raises(RunError, match="gallery: no sampler of the recipe makes changed copies"):
        gallery.data(prepared, plan)


def test_drawn(of_run):
    prepared, plan, frame = of_run
    pixels = gallery.pictures(prepared, plan, frame)
    figure = gallery.draw(frame, pixels, ["A note."])
    assert len(figure.axes) == 4 * 4
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == len(frame)
    captions = sorted(axes.get_xlabel().replace("\n", "; ") for axes in shown)
    assert captions == sorted(frame["drawn"])
    assert [axes.get_ylabel() for axes in figure.axes[::4]] == ["common", "common", "rare", "rare"]
    assert figure.axes[2].get_title().replace("\n", " ") == frame.set_index("column")["view"].loc[2].iloc[0]
    first = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(first, pixels[0])
    assert figure._supxlabel.get_text() == "A note."
