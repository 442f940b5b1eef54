"""Rendered copies from the cache are those that rendering gives, found again wherever their row goes."""

import numpy as np
import torch

from imbalkit.plan.rendering import render
from imbalkit.training.batches import read_ahead
from imbalkit.training.rendered_cache import RenderedCache
from tests.plan.test_rendering import make

CPU = torch.device("cpu")
ROW = 12 * 12 * 3 * 4 / 2**30  # GiB


def pass_over(plan, store, order, cache):
    """Images in the plan's order, read in batches of 7; how many rows were not rendered anew."""
    images, cached = torch.empty(len(plan), 3, 12, 12), 0
    for batch in read_ahead(plan, store, np.array_split(order, 5), rendered=cache):
        cached += len(batch.cached.rows)
        images[torch.from_numpy(batch.rows)] = batch.render(CPU)[0]
    return images, cached


def test_a_second_epoch_in_another_order_has_the_pixels_of_the_first_to_the_bit():
    plan, store = make()
    cache = RenderedCache(store.shape, 20.5 * ROW)
    first, cached = pass_over(plan, store, np.arange(30), cache)
    assert (cached, len(cache)) == (0, 20)  # the ten source rows need no rendering
    torch.testing.assert_close(first, render(store, plan, np.arange(30)), atol=1e-6, rtol=0)
    second, cached = pass_over(plan, store, np.arange(30)[::-1].copy(), cache)
    assert cached == 20
    assert torch.equal(first, second)


def test_rows_beyond_the_room_are_rendered_each_time():
    plan, store = make()
    cache = RenderedCache(store.shape, 8.5 * ROW)
    for cached_before in (0, 8, 8):
        images, cached = pass_over(plan, store, np.arange(30), cache)
        assert (cached, len(cache)) == (cached_before, 8)
        torch.testing.assert_close(images, render(store, plan, np.arange(30)), atol=1e-6, rtol=0)


def test_rows_that_survive_a_resampling_are_found_and_another_plan_is_not():
    plan, store = make()
    cache = RenderedCache(store.shape, 1e-3)
    images, _ = pass_over(plan, store, np.arange(30), cache)
    survivors = np.array([3, 12, 19, 29])
    smaller = plan.select(survivors)
    cached = cache.find(smaller, np.arange(4))
    assert cached.rows.tolist() == [1, 2, 3]  # row 3 is a source row
    assert torch.equal(cached.pixels.permute(0, 3, 1, 2), images[[12, 19, 29]])
    assert not len(cache.find(type(plan)(**{**vars(plan), "seed": 8}), np.arange(30)).rows)


def test_what_changes_a_batch_later_does_not_change_the_cache():
    plan, store = make()
    cache = RenderedCache(store.shape, 1e-3)
    batch = next(read_ahead(plan, store, [np.arange(30)], rendered=cache))
    batch.render(CPU)[0].zero_()
    again = next(read_ahead(plan, store, [np.arange(30)], rendered=cache))
    again.render(CPU)[0].zero_()
    images, cached = pass_over(plan, store, np.arange(30), cache)
    assert cached == 20
    torch.testing.assert_close(images, render(store, plan, np.arange(30)), atol=1e-6, rtol=0)
