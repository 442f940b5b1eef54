"""Images on the device where they fit; the memory of a device is made up here."""

import numpy as np
import pytest
import torch
from PIL import Image

from imbalkit.data.cache import Cache
from imbalkit.data.image_store import ArrayStore
from imbalkit.training.batches import read_ahead
from imbalkit.training.device_images import DeviceImages, free_memory, place
from imbalkit_lite.images import ImageRule
from tests.plan.test_rendering import make

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "free, share, resident",
    [(8640, 0.5, True), (8639, 0.5, False), (4320, 0.9, False), (10**9, 0.0, False), (4800, 0.9, True)],
)
def test_images_move_to_the_device_where_they_take_no_more_than_their_share(free, share, resident):
    store = ArrayStore(np.zeros((10, 12, 12, 3), np.uint8))  # 4,320 bytes
    assert isinstance(place(store, CPU, share, lambda device: free), DeviceImages) is resident


def test_what_computes_in_the_hosts_memory_needs_no_second_copy():
    store = ArrayStore(np.zeros((10, 12, 12, 3), np.uint8))
    assert free_memory(CPU) == 0
    assert place(store, CPU, 0.5) is store
    empty = ArrayStore(np.zeros((0, 12, 12, 3), np.uint8))
    assert place(empty, CPU, 0.5, lambda device: 100) is empty


def test_batches_of_resident_images_are_those_of_the_store():
    plan, store = make()
    resident = DeviceImages(store, CPU)
    batches = np.array_split(np.random.default_rng(0).permutation(30), 4)
    pairs = zip(read_ahead(plan, store, batches), read_ahead(plan, resident, batches), strict=True)
    for ours, theirs in pairs:
        assert torch.equal(ours.pixels, theirs.pixels)
        assert torch.equal(ours.render(CPU)[0], theirs.render(CPU)[0])
    assert np.array_equal(resident.take([3, 3]), store.take([3, 3]))


def test_large_sets_move_in_parts_and_bad_images_stay_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("imbalkit.training.device_images._AT_A_TIME", 1000)
    paths = [tmp_path / f"{index}.png" for index in range(5)]
    for index, path in enumerate(paths):
        Image.new("RGB", (8, 8), (40 * index, 7, 9)).save(path)
    paths[2].write_bytes(b"no picture")
    store = Cache(tmp_path / "cache", ImageRule((8, 8))).fill(paths, on_bad_image="skip")
    resident = DeviceImages(store, CPU)
    assert resident.gather(np.array([4, 0, 1]))[:, 0, 0, 0].tolist() == [160, 0, 40]
    assert np.array_equal(resident.gather(np.array([3])).numpy(), store.take([3]))
