"""A plan over other people's datasets: the same pixels, or a refusal at once that says what to give."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, TensorDataset
from torchvision.datasets import FakeData, ImageFolder
from torchvision.transforms import v2

from imbalkit import Plan
from imbalkit.data.dataset_store import as_store
from imbalkit.data.image_store import ArrayStore
from imbalkit.errors import DataError, PlanError

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 6, 9, 3), dtype=np.uint8)
GREY = PIXELS[..., 0].copy()
LABELS = torch.arange(10) % 2


class Items(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def channels_first(pixels=PIXELS):
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


DATASETS = {
    "array": PIXELS,
    "tensor": channels_first(),
    "array of floats": PIXELS / 255,
    "tensor of floats": channels_first().float() / 255,
    "tensor, channels last": torch.from_numpy(PIXELS),
    "store": ArrayStore(PIXELS),
    "tensors and labels": TensorDataset(channels_first(), LABELS),
    "tensors alone": TensorDataset(channels_first()),
    "floats": TensorDataset(channels_first().float() / 255, LABELS),
    "arrays": Items(list(PIXELS)),
    "channels last": Items(list(torch.from_numpy(PIXELS.repeat(2, axis=1)))),
    "pictures and labels": Items([(Image.fromarray(image), 1) for image in PIXELS]),
    "pictures with alpha": Items([Image.fromarray(image).convert("RGBA") for image in PIXELS]),
    "a list": list(PIXELS),
    "in halves": ConcatDataset([TensorDataset(channels_first(PIXELS[:4])), TensorDataset(channels_first(PIXELS[4:]))]),
    "a part": Subset(TensorDataset(channels_first(np.concatenate([PIXELS[::-1], PIXELS]))), list(range(10, 20))),
}


@pytest.mark.parametrize("name", DATASETS)
def test_the_pixels_of_any_dataset(name):
    plan = Plan.from_labels([1, 1, 1], ["a", "b"], sources=[3, 9, 4])
    expected = torch.from_numpy(PIXELS[[3, 9, 4]]).permute(0, 3, 1, 2) / 255
    if name == "channels last":
        expected = expected.repeat_interleave(2, dim=2)
    dataset = plan.to_dataset(DATASETS[name])
    torch.testing.assert_close(torch.stack([dataset[row][0] for row in range(3)]), expected)
    (images, labels) = next(iter(DataLoader(dataset, batch_size=3)))
    torch.testing.assert_close(images, expected)
    assert labels.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "images",
    [GREY, torch.from_numpy(GREY), TensorDataset(torch.from_numpy(GREY)), Items([Image.fromarray(x) for x in GREY])],
)
def test_grey_images(images):
    dataset = Plan.from_labels(LABELS.numpy()).to_dataset(images)
    assert (dataset[4][0] * 255).round().to(torch.uint8).numpy().tolist() == [GREY[4].tolist()]


def test_an_array_whose_channels_come_first_is_refused():
    pixels = np.zeros((12, 3, 8, 8), np.uint8)
    plan = Plan.from_labels([0] * 9 + [1] * 3)
    with pytest.raises(DataError, match=r"channels come last; transpose it with array.transpose\(0, 2, 3, 1\)"):
        plan.to_dataset(pixels)
    assert plan.to_dataset(pixels.transpose(0, 2, 3, 1))[0][0].shape == (3, 8, 8)
    assert plan.to_dataset(np.zeros((12, 8, 8, 7), np.uint8))[0][0].shape == (7, 8, 8)  # seven bands


def test_datasets_of_torchvision(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.fromarray(PIXELS[number + 2 * (name == "b")]).save(tmp_path / name / f"{number}.png")
    folder = ImageFolder(tmp_path)
    assert (Plan.from_labels(folder.targets).to_dataset(folder)[2][0] * 255).round().numpy().transpose(
        1, 2, 0
    ).tolist() == PIXELS[2].tolist()
    for transform in (v2.PILToTensor(), v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]), None):
        image, label = Plan.from_labels([0, 1]).to_dataset(FakeData(2, (3, 8, 8), transform=transform))[1]
        assert (image.shape, label) == ((3, 8, 8), 1)


class Endless(Dataset):
    def __getitem__(self, index):
        return PIXELS[0]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(PIXELS)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (Stream(), "Stream does not have a length"),
        (Endless(), "Endless does not have a length"),
        (iter(PIXELS), "iterator does not have items by number"),
        ("photographs", "str does not have items by number"),
        ({0: PIXELS[0]}, "dict does not have items by number"),
        (None, "NoneType does not have items by number"),
        (PIXELS.astype(np.uint16), "expected pixels uint8, or floats in 0..1, got uint16"),
        (PIXELS.astype(float)[0, 0, 0], "item 0: .* got float64"),
        (["a.png", "b.png"], "item 0: expected an image, or .image, label., got str"),
        (Items([(0, Image.fromarray(PIXELS[0]))]), "item 0: .* got int"),
        (Items([{"image": PIXELS[0]}]), "item 0: .* got dict"),
        (TensorDataset(LABELS), "item 0: .* got ndarray"),
        (TensorDataset(channels_first().float() - 100), "expected floats in 0..1, got .*leave normalisation to `transform`"),
        (TensorDataset(channels_first().int()), "expected pixels uint8, or floats in 0..1, got int32"),
        (Items([]), "Items has no items"),
    ],
)  # fmt: skip
def test_what_gives_no_images_is_refused_at_once(images, message):
    with pytest.raises(DataError, match=message) as caught:
        Plan.from_labels([0, 1]).to_dataset(images)
    assert "ArrayStore" in str(caught.value) or "no items" in str(caught.value)


def test_images_of_several_sizes():
    dataset = Plan.from_labels([0, 1]).to_dataset(Items([PIXELS[0], PIXELS[1][:4]]))
    with pytest.raises(DataError, match=r"item 1 is \[4, 9, 3\] .* the first \[6, 9, 3\]: resize"):
        dataset[1]


@pytest.mark.parametrize("images", [PIXELS[:9], ArrayStore(PIXELS[:9]), TensorDataset(channels_first(PIXELS[:9]))])
def test_fewer_images_than_the_plan_has_samples(images):
    plan = Plan.from_labels(LABELS.numpy())
    with pytest.raises(PlanError, match="made from samples 0 to 9, and there are 9 images"):
        plan.to_dataset(images)
    assert len(plan.select(np.arange(9)).to_dataset(images)) == 9  # the last sample is not needed


def test_each_image_is_asked_for_once_a_batch():
    asked = []

    class Counted(Items):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    store = as_store(Counted(list(PIXELS)))
    asked.clear()
    assert np.array_equal(store.take([4, 1, 4]), PIXELS[[4, 1, 4]])
    assert asked == [1, 4]
