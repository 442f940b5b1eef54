"""A row alone decides its pixels; batches use every row once."""

import threading

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from imbalkit.builtin.ops.horizontal_flip import HorizontalFlip
from imbalkit.builtin.ops.radial_blur import RadialBlur
from imbalkit.builtin.ops.rotate90 import Rotate90
from imbalkit.data.image_store import ArrayStore
from imbalkit.errors import PlanError
from imbalkit.plan import Plan
from imbalkit.plan.dataset import PlanDataset
from imbalkit.plan.rendering import render
from imbalkit.training.batches import partition, read_ahead


def make(size=(12, 12), samples=10):
    random = np.random.default_rng(0)
    store = ArrayStore(random.integers(0, 256, (samples, *size, 3), dtype=np.uint8))
    plan = Plan.from_labels(np.arange(samples) % 2, seed=7)
    views = [(HorizontalFlip(), RadialBlur(rho=(0.01, 0.05)))]
    views += [(Rotate90(degrees=90), RadialBlur(rho=(0.01, 0.05)))] if size[0] == size[1] else []
    rows = np.repeat(np.arange(samples), len(views))
    return plan.append(rows, views, np.tile(np.arange(len(views)), samples)), store


def test_rows_without_operations_are_the_pixels_themselves():
    plan, store = make()
    pixels = store.take(np.arange(10)).transpose(0, 3, 1, 2) / 255
    np.testing.assert_allclose(render(store, plan, np.arange(10)).numpy(), pixels, atol=1e-7)


def test_a_row_renders_the_same_alone_in_any_batch_and_twice():
    plan, store = make()
    together = render(store, plan, np.arange(len(plan)))
    backwards = render(store, plan, np.arange(len(plan))[::-1].copy()).flip(0)
    alone = torch.cat([render(store, plan, [row]) for row in range(len(plan))])
    assert torch.equal(together, render(store, plan, np.arange(len(plan))))
    torch.testing.assert_close(together, backwards, atol=1e-6, rtol=0)
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


def test_a_row_keeps_its_pixels_when_others_are_dropped():
    plan, store = make()
    kept = plan.select(np.arange(0, len(plan), 3))
    torch.testing.assert_close(
        render(store, kept, np.arange(len(kept))), render(store, plan, np.arange(0, len(plan), 3)), atol=1e-6, rtol=0
    )


def test_copies_differ_from_their_source_and_from_each_other():
    plan, store = make()
    images = render(store, plan, [0, 10, 11])
    assert (images[0] - images[1]).abs().max() > 0.05
    assert (images[1] - images[2]).abs().max() > 0.05
    other_seed = Plan(**{**vars(plan), "seed": 8})
    assert (render(store, other_seed, [10]) - images[1]).abs().max() > 1e-3


def test_operations_are_applied_in_order():
    store = ArrayStore(np.arange(9 * 9 * 3, dtype=np.uint8).reshape(1, 9, 9, 3))
    plan = Plan.from_labels([0]).append(np.array([0]), [(Rotate90(degrees=90), HorizontalFlip())])
    expected = np.fliplr(np.rot90(store.take([0])[0], k=-1)).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(render(store, plan, [1])[0].numpy(), expected, atol=1e-7)


def test_quarter_turns_of_images_that_are_not_square_are_refused():
    store = ArrayStore(np.zeros((1, 6, 9, 3), np.uint8))
    plan = Plan.from_labels([0]).append(np.array([0]), [(Rotate90(degrees=90),)])
    with pytest.raises(PlanError, match="needs square images, got 6 x 9 px"):
        render(store, plan, [1])


def test_a_plan_is_an_ordinary_torch_dataset():
    plan, store = make()
    dataset = plan.to_dataset(store)
    assert isinstance(dataset, PlanDataset)
    image, label = dataset[12]
    assert image.shape == (3, 12, 12)
    assert label == plan.label[12]
    images = torch.cat([images for images, _ in DataLoader(dataset, batch_size=7)])
    torch.testing.assert_close(images, render(store, plan, np.arange(len(plan))), atol=1e-6, rtol=0)
    torch.testing.assert_close(dataset[-1][0], dataset[len(plan) - 1][0])
    with pytest.raises(IndexError, match="the plan has 30 rows"):
        dataset[30]
    assert (plan.to_dataset(store, transform=lambda image: image * 0)[3][0] == 0).all()


def test_a_plan_in_a_plain_loop_with_workers():
    plan, store = make()
    loader = DataLoader(plan.to_dataset(store), batch_size=8, num_workers=1, shuffle=True)
    assert sum(len(labels) for _, labels in loader) == len(plan)


@pytest.mark.parametrize("rows, most", [(10, 3), (1, 8), (128, 128), (129, 128), (1000, 128)])
def test_batches_hold_every_row_once_and_differ_by_one_row(rows, most):
    parts = partition(np.arange(rows), most)
    assert np.array_equal(np.concatenate(parts), np.arange(rows))
    sizes = [len(part) for part in parts]
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) == -(-rows // most)


def test_reading_ahead_keeps_the_order_and_hands_errors_over():
    plan, store = make()
    parts = partition(np.arange(len(plan)), 4)
    read = list(read_ahead(plan, store, parts))
    assert np.array_equal(np.concatenate([batch.rows for batch in read]), np.arange(len(plan)))
    images, labels = read[3].render(torch.device("cpu"))
    torch.testing.assert_close(images, render(store, plan, parts[3]))
    assert labels.tolist() == plan.label[parts[3]].tolist()

    class Broken(ArrayStore):
        def take(self, indices):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(read_ahead(plan, Broken(np.zeros((10, 4, 4, 3), np.uint8)), parts))


def test_a_slow_disk_is_asked_for_several_batches_at_once():
    plan, store = make()
    meeting = threading.Barrier(4)

    class Slow(ArrayStore):
        def take(self, indices):
            meeting.wait(timeout=30)  # broken unless four readers come
            return super().take(indices)

    batches = np.array_split(np.arange(len(plan)), 8)
    read = list(read_ahead(plan, Slow(store.take(np.arange(10))), batches))
    assert np.array_equal(np.concatenate([batch.rows for batch in read]), np.arange(len(plan)))


def test_a_reader_that_is_left_early_ends_its_thread():
    plan, store = make()
    reader = read_ahead(plan, store, partition(np.arange(len(plan)), 1), depth=1)
    next(reader)
    reader.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("imbalkit-read-ahead")]
