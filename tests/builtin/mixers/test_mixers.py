"""Mixers against formulas, torchvision and published rules."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import imbalkit
from imbalkit.builtin.mixers import CMO, BalancedMixup, CutMix, Mixup, Remix
from imbalkit.functional.boxes import box_share, boxes, mean_box_area
from imbalkit.functional.mixing import pasted, remix_share
from imbalkit.kinds import BuildContext, ImbalkitError

CONTEXT = BuildContext(("a", "b", "c"), (900, 90, 10))
ALL = [Mixup(), CutMix(), Remix(), BalancedMixup(), CMO(probability=1.0)]


def batch(rows, seed=0):
    random = np.random.default_rng(seed)
    images, partners = (torch.from_numpy(random.random((rows, 3, 12, 16))) for _ in range(2))
    labels, others = (torch.from_numpy(random.integers(0, 3, rows)) for _ in range(2))
    return images, labels, partners, others


def mixed(part, rows=40, seed=0):
    images, labels, partners, others = batch(rows)
    return (
        images,
        labels,
        partners,
        others,
        *part.build(CONTEXT)(images, labels, partners, others, np.random.default_rng(seed)),
    )


@pytest.mark.parametrize("part", [CutMix(), CMO(probability=1.0)], ids=lambda part: part.name)
def test_every_pixel_is_of_one_image_and_the_share_is_its_count(part):
    images, _, partners, _, made, share = mixed(part)
    own, other = ((made == source).all(dim=1) for source in (images, partners))
    assert (own ^ other).all()
    assert torch.equal((1 - other.double().mean(dim=(1, 2))).float(), share)
    assert 0 < share.min() < share.max() <= 1


def test_boxes_are_those_of_torchvision(monkeypatch):
    """The peer is handed the same share and centre."""
    from torchvision.transforms.v2 import CutMix as Reference

    height, width, rng = 12, 16, np.random.default_rng(0)
    images, _, partners, _ = batch(1)
    for seed, lam in enumerate(rng.beta(1, 1, 50)):
        edges = boxes(np.array([lam]), height, width, np.random.default_rng(seed))
        same = np.random.default_rng(seed)
        centres = {length: torch.from_numpy(same.integers(0, length, 1)) for length in (height, width)}
        peer = Reference(num_classes=3)
        peer._dist = SimpleNamespace(sample=lambda shape, lam=lam: torch.tensor(lam))
        with monkeypatch.context() as patch:
            patch.setattr(torch, "randint", lambda high, size, centres=centres: centres[high])
            found = peer.make_params([images])
        left, top, right, bottom = (int(edge) for edge in found["box"])
        assert edges[0].tolist() == [top, bottom, left, right]
        assert box_share(edges, height, width)[0] == pytest.approx(found["lam_adjusted"])
        made = images.clone()
        made[..., top:bottom, left:right] = partners[..., top:bottom, left:right]
        assert torch.equal(pasted(images, partners, torch.from_numpy(edges)), made)


def test_remix_goes_by_each_row_and_not_by_the_batch():
    share = torch.tensor([0.4, 0.6, 0.4, 0.4, 0.6, 0.9])
    own = torch.tensor([900.0, 900, 10, 30, 10, 100])
    other = torch.tensor([10.0, 10, 900, 20, 900, 100])
    # large with small, lam below tau: the small one's label; above: mixup. Small with large, 1 - lam below tau: its own.
    assert remix_share(share, own, other, 3.0, 0.5).tolist() == pytest.approx([0, 0.6, 0.4, 0.4, 1, 0.9])


def test_remix_blends_pixels_as_mixup_and_labels_by_its_rule():
    images, labels, partners, others, made, share = mixed(Remix(), rows=200)
    lam = torch.from_numpy(np.random.default_rng(0).beta(1, 1, 200).astype("float32"))
    torch.testing.assert_close(
        made, lam.double().view(-1, 1, 1, 1) * images + (1 - lam.double().view(-1, 1, 1, 1)) * partners
    )
    same = labels == others
    torch.testing.assert_close(share[same], lam[same])
    heads = (labels == 0) & (others == 2)
    assert (share[heads & (lam < 0.5)] == 0).all()
    assert (heads & (lam < 0.5)).any()


def test_balanced_mixup_takes_the_share_of_labels_that_it_says():
    module, shares = BalancedMixup(alpha=0.3).build(CONTEXT), []
    images, labels, partners, others = batch(2)
    rng = np.random.default_rng(0)
    for _ in range(4000):
        _, share = module(images, labels, partners, others, rng)
        assert share[0] == share[1]  # one for a batch
        shares.append(float(share[0]))
    assert np.mean(shares) == pytest.approx(1 - 0.3 / 1.3, abs=0.01)
    factors = np.array(BalancedMixup(alpha=0.3).prior_shift(CONTEXT).factors)
    prior = np.array(CONTEXT.counts) / 1000 * factors
    assert prior == pytest.approx((1 - 0.3 / 1.3) * np.array([0.9, 0.09, 0.01]) + 0.3 / 1.3 / 3)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_the_mean_area_of_a_box_is_that_of_the_boxes_drawn(alpha):
    rng = np.random.default_rng(0)
    kept = box_share(boxes(rng.beta(alpha, alpha, 200_000), 512, 512, rng), 512, 512)
    assert mean_box_area(alpha) == pytest.approx(
        1 - kept.mean(), abs=0.003
    )  # 0.001 more, sides rounded down to even px
    assert mean_box_area(1.0) == pytest.approx(0.5 - 0.2 + 1 / 48)


@pytest.mark.parametrize(
    "order, shares", [("balanced", [1, 1, 1]), ({"name": "power", "q": -1.0}, [1 / 900, 1 / 90, 0.1])]
)
def test_cmo_takes_the_share_of_labels_that_it_says(order, shares):
    part = CMO(probability=0.5, order=order)
    taken, shares = 0.5 * mean_box_area(1.0), np.array(shares) / np.sum(shares)
    prior = np.array(CONTEXT.counts) / 1000 * part.prior_shift(CONTEXT).factors
    assert prior == pytest.approx((1 - taken) * np.array([0.9, 0.09, 0.01]) + taken * shares)
    module, rng = part.build(CONTEXT), np.random.default_rng(0)
    images, labels = torch.zeros(100, 1, 128, 128), torch.zeros(100, dtype=torch.int64)
    kept = [float(module(images, labels, images, labels, rng)[1].mean()) for _ in range(400)]
    # More by a sixtieth of each side of a box, which is rounded down to even px; 0.008 is one standard error.
    assert np.mean(kept) == pytest.approx(1 - taken, abs=0.02)


def test_cmo_mixes_a_share_of_the_batches():
    module, rng = CMO(probability=0.25).build(CONTEXT), np.random.default_rng(0)
    images, labels, partners, others = batch(8)
    plain = [bool((module(images, labels, partners, others, rng)[0] == images).all()) for _ in range(800)]
    assert np.mean(plain) == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("part", ALL, ids=lambda part: part.name)
def test_no_value_is_read_on_the_host(part):
    """Tensors without values: whatever would wait for a GPU raises."""
    module = part.build(CONTEXT)
    with FakeTensorMode(allow_non_fake_inputs=True):
        images, labels = torch.empty(6, 3, 12, 16), torch.zeros(6, dtype=torch.int64)
        made, share = module(images, labels, torch.empty(6, 3, 12, 16), labels, np.random.default_rng(0))
    assert made.shape == images.shape
    assert list(share.shape) == [6]


SETTINGS = ["training.epochs=3", "training.batch_size=64", "training.threads=1"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "mixer", ["cutmix", "remix", "balanced_mixup", "{name: cmo, first_epochs_off: 1, last_epochs_off: 1}"]
)
def test_it_trains(mixer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = imbalkit.run("digits", [*SETTINGS, f"mixer={mixer}", "training.micro_batches=2"], runs="runs")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert any(entry["stage"].startswith("mixer ") and not entry["exact"] for entry in metrics["prior"]["entries"])


def test_it_is_refused_with_a_loss_that_counts_a_batch():
    with pytest.raises(ImbalkitError, match="'rce' compares the rows of a batch"):
        imbalkit.prepare("digits", ["loss=rce", "mixer=balanced_mixup"])


def test_a_mixer_that_is_never_on_says_what_to_lower():
    with pytest.raises(
        ImbalkitError, match=r"none of 6 epochs: lower `first_epochs_off` \(3\) or `last_epochs_off` \(3\)"
    ):
        imbalkit.prepare("digits", ["mixer=cmo", "training.epochs=6"])
    assert imbalkit.prepare("digits", ["mixer=cmo", "training.epochs=7"]).recipe.mixer.mixes(3, 7)
