"""Radial blur against a chain of OpenCV's remap and addWeighted, and against what the mathematics promises."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from torch._subclasses.fake_tensor import FakeTensorMode

from imbalkit.errors import ImbalkitError
from imbalkit.functional import radial_blur as module
from imbalkit.functional import radial_blur_runs as runs_module
from imbalkit.functional.radial_blur import radial_blur

cv2 = pytest.importorskip("cv2")
needs_opencv_5 = pytest.mark.skipif(
    int(cv2.__version__.split(".")[0]) < 5, reason="OpenCV before 5 rounds positions to 1/32 px"
)
PHOTOS = Path(__file__).parents[2].parent / "shared" / "data" / "ham10000" / "images"
BORDERS = {"reflect": cv2.BORDER_REFLECT_101, "replicate": cv2.BORDER_REPLICATE, "zero": cv2.BORDER_CONSTANT}
SIZES = [(64, 64), (65, 65), (48, 97), (130, 101), (128, 160)]  # height, width


def opencv_chain(image, rho, iterations=5, centre="middle", border="reflect"):
    """Image [H, W, C] float32; rho four numbers: expand x, expand y, shrink x, shrink y."""
    height, width = image.shape[:2]
    u, v = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    cx, cy = (width / 2, height / 2) if centre == "paper" else ((width - 1) / 2, (height - 1) / 2)
    ex, ey, sx, sy = (float(number) for number in rho)
    expand = [m.astype(np.float32) for m in np.meshgrid(u + ex * (u - cx), v + ey * (v - cy))]
    shrink = [m.astype(np.float32) for m in np.meshgrid(u - sx * (u - cx), v - sy * (v - cy))]
    for _ in range(iterations):
        halves = [
            cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=BORDERS[border], borderValue=0)
            for maps in (expand, shrink)
        ]
        image = cv2.addWeighted(halves[0], 0.5, halves[1], 0.5, 0)
    return image


def compare(images, rho, **options):
    """Largest difference from OpenCV over a batch [B, C, H, W] with rho [B, 4]."""
    ours = radial_blur(images, rho, **options).numpy()
    theirs = [
        opencv_chain(np.ascontiguousarray(image.transpose(1, 2, 0)), four, **options)
        for image, four in zip(images.numpy(), rho.numpy(), strict=True)
    ]
    return np.abs(ours - np.stack(theirs).transpose(0, 3, 1, 2)).max()


def noise(*shape, seed=0, dtype=torch.float32):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@needs_opencv_5
@pytest.mark.parametrize("border", list(BORDERS))
@pytest.mark.parametrize("centre", ["middle", "paper"])
@pytest.mark.parametrize("size", SIZES)
def test_equals_opencv_on_noise(size, centre, border):
    rho = torch.tensor([0.005, 0.0123, 0.02, 0.05])[:, None].expand(-1, 4)
    assert compare(noise(4, 3, *size), rho, centre=centre, border=border) < 5e-4


@needs_opencv_5
@pytest.mark.parametrize("border", list(BORDERS))
@pytest.mark.parametrize("centre", ["middle", "paper"])
@pytest.mark.parametrize("size", [(320, 320), (225, 300), (301, 227)])
def test_equals_opencv_on_photographs(size, centre, border):
    files = sorted(PHOTOS.glob("*.jpg"))[:3]
    if not files:
        pytest.skip("the photographs of shared/data/ham10000 are not here")
    photos = [cv2.resize(cv2.imread(str(file)), size[::-1], interpolation=cv2.INTER_AREA) for file in files]
    images = torch.from_numpy(np.stack(photos).transpose(0, 3, 1, 2).astype(np.float32) / 255)
    rho = torch.tensor([0.005, 0.01, 0.02])[:, None].expand(-1, 4)
    assert compare(images, rho, centre=centre, border=border) < 1e-4


@needs_opencv_5
@pytest.mark.parametrize("size", [(64, 49), (128, 160)])
def test_four_rho_equal_opencv(size):
    rho = torch.tensor([[0.01, 0.02, 0.03, 0.04], [0.02, 0.0, 0.0, 0.005]])
    assert compare(noise(2, 3, *size), rho, iterations=3) < 5e-4


def test_one_rho_is_four_equal_ones():
    images, rho = noise(2, 3, 40, 40), torch.tensor([0.01, 0.02])
    assert torch.equal(radial_blur(images, rho), radial_blur(images, rho[:, None].expand(2, 4)))
    assert torch.equal(radial_blur(images, 0.02), radial_blur(images, torch.tensor([0.02, 0.02])))


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("size", [(64, 65), (160, 128)])
def test_flips_commute_at_the_middle_only(size, axis):
    images, rho = noise(2, 3, *size), torch.tensor([0.005, 0.02])

    def difference(centre):
        flipped = radial_blur(images.flip(axis), rho, centre=centre).flip(axis)
        return (flipped - radial_blur(images, rho, centre=centre)).abs().max()

    assert difference("middle") < 1e-5
    assert difference("paper") > 1e-2


@pytest.mark.parametrize("border", list(BORDERS))
@pytest.mark.parametrize("size", [(5, 8), (96, 97), (128, 160)])
def test_runs_equal_gather_exactly(size, border, monkeypatch):
    images = noise(3, 3, *size)
    rho = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.02, 0.01, 0.03, 0.005], [0.08, 0.09, 0.09, 0.07]])
    assert module._runs_are_faster(images, rho)
    runs = radial_blur(images, rho, border=border)
    monkeypatch.setattr(module, "_runs_are_faster", lambda images, rho: False)
    assert (runs - radial_blur(images, rho, border=border)).abs().max() < 1e-6


@pytest.mark.parametrize("size", [(9, 7), (64, 80)])
@pytest.mark.parametrize("images_at_a_time", [1, 2, 5])
def test_neither_chunks_nor_layout_change_a_bit(size, images_at_a_time, monkeypatch):
    images = noise(7, 3, *size)
    rho = torch.tensor([0.02, 0.005, 0.09, 0.0, 0.06, 0.01, 0.03])
    rho = torch.stack([rho, rho.flip(0), rho / 2, rho], dim=1)
    together = radial_blur(images, rho)
    by_channels = radial_blur(images.contiguous(memory_format=torch.channels_last), rho)
    assert torch.equal(by_channels, together)
    assert by_channels.is_contiguous(memory_format=torch.channels_last)
    monkeypatch.setattr(runs_module, "_AT_A_TIME", images_at_a_time * images[0].numel())
    assert torch.equal(radial_blur(images, rho), together)


def composed_reference(image, rho, iterations, centre, border):
    """Image [H, W, C] float64: SciPy at the positions of each scaling, weighted as paths of a random walk."""
    height, width = image.shape[:2]
    cx, cy = (width / 2, height / 2) if centre == "paper" else ((width - 1) / 2, (height - 1) / 2)
    modes = {"reflect": "mirror", "replicate": "nearest", "zero": "grid-constant"}
    result = np.zeros_like(image)
    for path in itertools.product((True, False), repeat=iterations):
        x = np.prod([1 + rho[0] if expand else 1 - rho[2] for expand in path])
        y = np.prod([1 + rho[1] if expand else 1 - rho[3] for expand in path])
        rows, columns = np.meshgrid(cy + y * (np.arange(height) - cy), cx + x * (np.arange(width) - cx), indexing="ij")
        for channel in range(image.shape[2]):
            result[..., channel] += map_coordinates(image[..., channel], [rows, columns], order=1, mode=modes[border])
    return result / 2**iterations


@pytest.mark.parametrize("border", list(BORDERS))
@pytest.mark.parametrize("centre", ["middle", "paper"])
def test_composed_equals_the_mean_over_all_paths(centre, border):
    images = noise(2, 2, 23, 30, dtype=torch.float64)
    rho = torch.tensor([[0.02, 0.03, 0.01, 0.05], [0.2, 0.1, 0.3, 0.05]], dtype=torch.float64)
    ours = radial_blur(images, rho, 4, centre, border, "composed")
    theirs = [
        composed_reference(image.transpose(1, 2, 0), four, 4, centre, border)
        for image, four in zip(images.numpy(), rho.numpy(), strict=True)
    ]
    assert np.abs(ours.numpy() - np.stack(theirs).transpose(0, 3, 1, 2)).max() < 1e-12
    single = radial_blur(images.float(), rho.float(), 4, centre, border, "composed")
    assert (single - ours).abs().max() < 1e-5


def test_one_composed_step_is_one_iterated_step_and_more_are_not():
    images = noise(2, 3, 40, 41)
    for iterations, low, high in ((1, 0.0, 1e-6), (5, 0.05, 1.0)):
        composed = radial_blur(images, 0.02, iterations, method="composed")
        assert low <= (composed - radial_blur(images, 0.02, iterations)).abs().max() <= high


@pytest.mark.parametrize("border", list(BORDERS))
def test_gradcheck_of_composed(border):
    images = noise(2, 1, 5, 6, dtype=torch.float64).requires_grad_()
    rho = (0.05 + 0.05 * noise(2, 4, seed=1, dtype=torch.float64)).requires_grad_()
    blur = partial(radial_blur, iterations=2, border=border, method="composed")
    assert torch.autograd.gradcheck(blur, (images, rho))


def test_composed_keeps_dtype_and_waits_for_no_device():
    images = noise(2, 3, 20, 24)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        assert radial_blur(images.to(dtype), 0.02, method="composed").dtype == dtype
    # Fake tensors have no values: anything that needs one, as a copy to the host does, raises.
    with FakeTensorMode():
        fake = torch.empty(2, 3, 20, 24, device="meta")
        assert radial_blur(fake, torch.empty(2, device="meta"), method="composed").shape == images.shape


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_threads_change_neither_the_result_nor_the_callers_settings(mode):
    images, rho, threads = noise(5, 3, 100, 110), torch.linspace(0.005, 0.02, 5), torch.get_num_threads()
    expected = torch.cat([radial_blur(image[None], one[None]) for image, one in zip(images, rho, strict=True)])
    images.requires_grad_(mode is not torch.enable_grad)
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            with mode():
                blurred = radial_blur(images, rho)
            assert torch.equal(blurred, expected)
            assert not blurred.requires_grad
            assert torch.get_num_threads() == count
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(torch.get_num_threads).result() == count
    finally:
        torch.set_num_threads(threads)


def second_moments(spread, at):
    """Energy, and the variance along and across the ray from the middle, of a spread [H, W] of a dot at (y, x)."""
    height, width = spread.shape
    y, x = torch.meshgrid(torch.arange(height) - at[0], torch.arange(width) - at[1], indexing="ij")
    ray = torch.tensor([at[0] - (height - 1) / 2, at[1] - (width - 1) / 2])
    ray = ray / ray.norm()
    along, across = y * ray[0] + x * ray[1], y * ray[1] - x * ray[0]
    total = spread.sum()
    along = along - (spread * along).sum() / total
    return total, (spread * along**2).sum() / total, (spread * across**2).sum() / total


@pytest.mark.parametrize("at", [(40, 100), (100, 161), (60, 60)])
def test_white_dot_becomes_a_streak_along_its_ray(at):
    dot = torch.zeros(1, 1, 201, 201)
    dot[..., at[0], at[1]] = 1
    still, weak, strong = (radial_blur(dot, torch.tensor([rho]))[0, 0] for rho in (0.0, 0.01, 0.02))
    assert torch.equal(still, dot[0, 0])
    energies, along, across = zip(*(second_moments(spread, at) for spread in (weak, strong)), strict=True)
    assert max(abs(energy - 1) for energy in energies) < 0.15  # a lone dot meets the pixel grid unevenly
    assert along[1] > 2 * along[0]  # four times the variance, less what interpolation adds to both
    assert along[0] > 1.2 * across[0]
    assert along[1] > 3 * across[1]
    assert strong.max() < weak.max() < 1
    radius = np.hypot(at[0] - 100, at[1] - 100)
    variance = ((1 + 0.02**2) ** 5 - 1) * radius**2
    assert variance < along[1] < variance + 5 / 4 + 0.1  # interpolation adds at most 1/4 px^2 a step


def test_dot_at_the_centre_stays():
    dot = torch.zeros(1, 1, 101, 101)
    dot[..., 50, 50] = 1
    blurred = radial_blur(dot, 0.02)[0, 0]
    assert blurred[50, 50] > 0.8
    assert blurred[45:56, 45:56].sum() == pytest.approx(float(blurred.sum()))


@pytest.mark.parametrize("size", [(20, 20), (120, 120)])
def test_rim_of_a_flat_image(size):
    flat = torch.full((1, 3, *size), 0.7)
    for border in ("reflect", "replicate"):
        assert torch.equal(radial_blur(flat, 0.05, border=border), flat)
    darkened = radial_blur(flat, 0.05, border="zero")
    assert darkened[..., 0, 0].max() < 0.5
    assert torch.equal(darkened[..., size[0] // 2, size[1] // 2], flat[..., 0, 0])


@pytest.mark.parametrize("border", list(BORDERS))
@pytest.mark.parametrize("four", [False, True])
def test_gradcheck(border, four):
    images = noise(2, 1, 5, 6, dtype=torch.float64).requires_grad_()
    shape = (2, 4) if four else (2,)
    rho = (0.05 + 0.05 * noise(*shape, seed=1, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(lambda images, rho: radial_blur(images, rho, 2, border=border), (images, rho))


def test_gradients_flow_through_large_images():
    images = noise(1, 1, 128, 128).requires_grad_()
    radial_blur(images, 0.02, border="replicate").sum().backward()
    assert images.grad.abs().min() > 0


@pytest.mark.parametrize("dtype, tolerance", [(torch.float16, 1e-3), (torch.bfloat16, 8e-3), (torch.float64, 2e-6)])
@pytest.mark.parametrize("size", [(40, 50), (320, 320)])
def test_other_precisions_are_close_to_float32(size, dtype, tolerance):
    images, rho = noise(2, 3, *size).to(dtype), torch.tensor([0.01, 0.02])
    blurred = radial_blur(images, rho.to(dtype).float())
    assert blurred.dtype == dtype
    reference = radial_blur(images.float(), rho.to(dtype).float())
    assert (blurred.float() - reference).abs().max() < tolerance


@pytest.mark.parametrize("rho, runs", [(0.01, False), (0.0015, True)])
def test_positions_stay_float32_in_half_precision(rho, runs):
    # Beyond 2048 px float16 knows even pixels only.
    width = 8001
    image = noise(width).half()
    assert module._runs_are_faster(image.float().expand(1, 1, 2, width), torch.tensor(rho)) == runs
    blurred = radial_blur(image.expand(1, 1, 2, width), torch.tensor([[rho, 0.0, rho, 0.0]]))
    line, middle = image.double().numpy(), (width - 1) / 2
    for _ in range(5):
        away = [(1 + sign * rho) * (np.arange(width) - middle) for sign in (1, -1)]
        folded = [(width - 1) - np.abs((width - 1) - np.abs(middle + offset)) for offset in away]
        line = np.mean([np.interp(position, np.arange(width), line) for position in folded], axis=0)
    assert np.abs(blurred[0, 0, 1].double().numpy() - line).max() < 4e-4  # rounding the result takes 2.5e-4


@pytest.mark.parametrize("size", [(40, 40), (128, 128)])
def test_images_of_a_batch_are_independent(size):
    images, rho = noise(3, 3, *size), torch.tensor([0.005, 0.02, 0.01])
    together = radial_blur(images, rho)
    for index in range(3):
        assert torch.equal(together[index], radial_blur(images[index : index + 1], rho[index : index + 1])[0])
    other = radial_blur(images, torch.tensor([0.005, 0.1, 0.01]))
    assert torch.equal(other[0], together[0])
    assert not torch.equal(other[1], together[1])


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (3, 200)])
@pytest.mark.parametrize("border", list(BORDERS))
def test_tiny_images_and_large_rho(size, border):
    blurred = radial_blur(noise(2, 3, *size), torch.tensor([0.02, 0.9]), border=border)
    assert blurred.shape == (2, 3, *size)
    assert blurred.isfinite().all()
    assert blurred.min() >= 0
    assert blurred.max() <= 1


@pytest.mark.parametrize("size", [(40, 50), (128, 128)])
def test_autocast_changes_nothing(size):
    images = noise(2, 3, *size)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = radial_blur(images, 0.02)
    assert torch.equal(inside, radial_blur(images, 0.02))


def test_no_iterations_empty_batches_and_other_strides():
    images = noise(2, 3, 128, 128)
    same = radial_blur(images, 0.02, iterations=0)
    assert torch.equal(same, images)
    assert same.data_ptr() != images.data_ptr()
    assert radial_blur(images[:0], torch.zeros(0)).shape == (0, 3, 128, 128)
    last = images.to(memory_format=torch.channels_last)
    assert torch.equal(radial_blur(last, 0.02), radial_blur(images, 0.02))
    before = images.clone()
    radial_blur(images, 0.02)
    assert torch.equal(images, before)


WRONG = [
    ({"images": torch.zeros(3, 8, 8), "rho": 0.1}, r"expected images \[B, C, H, W\], got \[3, 8, 8\]"),
    ({"images": np.zeros((1, 3, 8, 8)), "rho": 0.1}, r"expected images \[B, C, H, W\], got ndarray"),
    ({"images": torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "rho": 0.1}, r"torch.uint8; convert with images.float\(\)"),
    ({"images": torch.zeros(2, 3, 8, 8), "rho": torch.zeros(3)}, r"expected rho \[2\] or \[2, 4\].*got \[3\]"),
    ({"images": torch.zeros(2, 3, 8, 8), "rho": torch.zeros(2, 2)}, r"got \[2, 2\]"),
    ({"images": torch.zeros(2, 3, 8, 8), "rho": 0.1, "centre": "midle"}, "centre.*did you mean 'middle'"),
    ({"images": torch.zeros(2, 3, 8, 8), "rho": 0.1, "border": "reflekt"}, "border.*did you mean 'reflect'"),
    ({"images": torch.zeros(2, 3, 8, 8), "rho": 0.1, "method": "composd"}, "method.*did you mean 'composed'"),
    ({"images": torch.zeros(2, 3, 8, 8), "rho": 0.1, "iterations": -1}, "whole number >= 0, got -1"),
]


@pytest.mark.parametrize("arguments, message", WRONG)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(ImbalkitError, match=message):
        radial_blur(**arguments)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("border", list(BORDERS))
def test_devices_agree(border):
    images, rho = noise(4, 3, 160, 128), torch.tensor([0.0, 0.005, 0.01, 0.02])
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float16, 1e-3)):
        ours = radial_blur(images.to("cuda", dtype), rho.cuda(), border=border).cpu()
        assert (ours.float() - radial_blur(images.to(dtype), rho, border=border).float()).abs().max() < tolerance


def test_against_the_sum_over_all_paths():
    # A linear ramp has no interpolation error, so the blur is the mean over all 2^5 products of (1 +- rho).
    rho, size = 0.02, 129
    offset = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    products = [np.prod([1 + sign * rho for sign in signs]) for signs in itertools.product((1, -1), repeat=5)]
    expected = torch.stack([offset * product for product in products]).mean(0)
    ramp = offset[None, None, None, :].expand(1, 1, size, -1)
    inner = slice(10, -10)
    assert torch.allclose(radial_blur(ramp, rho)[0, 0, 64, inner], expected[inner], atol=1e-9)
