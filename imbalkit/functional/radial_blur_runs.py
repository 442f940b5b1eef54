"""The iterated radial blur of many images on the CPU, several times as fast as gathering pixel by pixel.

Neighbouring pixels mostly share their whole offset, also between images of like rho: an axis falls into a few runs, each
a lerp of two shifted slices of several images at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from imbalkit.functional.borders import fold

Map = tuple[Tensor, Tensor]  # offsets of rows float [B, H] and of columns [B, W], px
_AT_A_TIME = 2**19  # numbers of a chunk of images: few enough for the processor's cache, enough to be worth a call
_ROWS, _COLUMNS = 2, 3  # axes


@torch.no_grad()
def blur_by_runs(images: Tensor, maps: Sequence[Map], iterations: int, border: str) -> Tensor:
    """Blur images float [B, C, H, W] by the mean of two maps, `iterations` times; without gradients.

    What comes out for an image does not depend on the others: each pixel is the same lerp however runs are cut.
    """
    # Planes [B, P, H, W S] of S numbers a pixel: S is the channels where they lie side by side in memory, else 1.
    beside = not images.is_contiguous() and images.is_contiguous(memory_format=torch.channels_last)
    step = images.shape[1] if beside else 1
    planes = images.permute(0, 2, 3, 1).flatten(2)[:, None] if beside else images.contiguous()
    blurred = _blur(planes, maps, iterations, border, step)
    return blurred.reshape(*blurred.shape[:3], -1, step)[:, 0].permute(0, 3, 1, 2) if beside else blurred


def _blur(planes: Tensor, maps: Sequence[Map], iterations: int, border: str, step: int) -> Tensor:
    at_a_time = max(1, _AT_A_TIME // planes[0].numel())
    # Images of like rho together: their runs begin and end at nearly the same pixels.
    order = maps[0][1][:, -1].argsort()
    down, across = ([_runs(offsets[order], at_a_time) for offsets in axis] for axis in zip(*maps, strict=True))
    # One set of buffers serves all chunks: fresh memory for each would cost more than the arithmetic.
    tall = _Margins(planes[:at_a_time], _ROWS, 1, down, border)  # a chunk, with rows added above and below
    wide = _Margins(planes[:at_a_time], _COLUMNS, step, across, border)  # half-way, with columns added left and right
    half = torch.empty_like(planes[:at_a_time])  # of the first map; the second's is written over what it was taken from
    result = torch.empty_like(planes)
    for number, chunk in enumerate(torch.split(order, at_a_time)):
        images, n = chunk.tolist(), len(chunk)  # the last chunk may be smaller
        one, other = half[:n], tall.inside[:n]
        steps = [
            (tall.steps(rows[number], wide.inside[:n]), wide.steps(columns[number], target))
            for rows, columns, target in zip(down, across, (one, other), strict=True)
        ]
        for place, image in enumerate(images):
            tall.inside[place] = planes[image]
        for iteration in range(iterations):
            tall.fill()
            for row_steps, column_steps in steps:
                _take(row_steps)
                wide.fill()
                _take(column_steps)
            # At last straight to where it belongs, if that is one place.
            straight = iteration == iterations - 1 and n == 1
            torch.lerp(one, other, 0.5, out=result[images[0]][None] if straight else other)
        if n > 1:
            for place, image in enumerate(images):
                result[image] = tall.inside[place]
    return result


@dataclass(frozen=True)
class _Run:
    """Neighbouring pixels whose whole offsets, in a chunk's images, are those from `shift` to `shift + len(beyond)`."""

    first: int
    length: int
    shift: int  # px
    beyond: Sequence[Tensor]  # whether the whole offset is at least shift + 1, + 2, ...: bool [n, length] each
    weight: Tensor  # of the farther pixel, float [n, length]


def _runs(offsets: Tensor, at_a_time: int) -> list[list[_Run]]:
    """Offsets [B, size], px, as runs along `size`, for each chunk of the images."""
    whole = offsets.floor()
    wholes, weights = torch.split(whole, at_a_time), torch.split(offsets - whole, at_a_time)
    bounds = torch.stack([torch.stack([part.amin(0), part.amax(0)]) for part in wholes], dim=1)  # [2, chunks, size]
    changed = (bounds.diff() != 0).any(0)
    starts = pad(changed, (1, 0), value=True).nonzero().T  # chunk and first pixel of each run
    lows, highs = bounds[:, starts[0], starts[1]].int().tolist()
    chunks, firsts = starts.tolist()
    ends = [first or offsets.shape[1] for first in [*firsts[1:], 0]]  # at a chunk's last run, the next starts at 0
    found: list[list[_Run]] = [[] for _ in wholes]
    for chunk, first, end, low, high in zip(chunks, firsts, ends, lows, highs, strict=True):
        beyond = [wholes[chunk][:, first:end] >= shift for shift in range(low + 1, high + 1)]
        found[chunk].append(_Run(first, end - first, low, beyond, weights[chunk][:, first:end]))
    return found


@dataclass(frozen=True)
class _Step:
    """A run as views: what it takes and where that goes."""

    pixels: Sequence[Tensor]  # shifted by the run's shift, by one more, ...: one more than there are whole offsets
    beyond: Sequence[Tensor]
    weight: Tensor
    target: Tensor


def _take(steps: Sequence[_Step]) -> None:
    for step in steps:
        near, far = step.pixels[:2]
        for beyond, nearer, farther in zip(step.beyond, step.pixels[1:-1], step.pixels[2:], strict=True):
            near, far = torch.where(beyond, nearer, near), torch.where(beyond, farther, far)
        torch.lerp(near, far, step.weight, out=step.target)


class _Margins:
    """A buffer for planes [n, P, H, W S] with room on both sides of an axis for the pixels that runs reach outside."""

    def __init__(self, planes: Tensor, axis: int, step: int, chunks: Sequence[Sequence[list[_Run]]], border: str):
        self.axis, self.step = axis, step
        size = planes.shape[axis] // step
        runs = [run for maps in chunks for runs in maps for run in runs]
        self.before = max(0, *(-(run.first + run.shift) for run in runs))
        after = max(0, *(run.first + run.length + run.shift + len(run.beyond) + 1 - size for run in runs))
        shape = list(planes.shape)
        shape[axis] += (self.before + after) * step
        self.whole = planes.new_zeros(shape) if border == "zero" else planes.new_empty(shape)
        self.inside = self._pixels(self.whole, self.before, size)
        outside = [*range(-self.before, 0), *range(size, size + after)]
        sources = fold(torch.tensor(outside, dtype=torch.int64), size, border).tolist() if border != "zero" else []
        self._copies = [
            (self._pixels(self.whole, self.before + pixel, 1), self._pixels(self.inside, source, 1))
            for pixel, source in zip(outside, sources, strict=False)  # none for a zero border
        ]

    def fill(self) -> None:
        """Renew the margins from the inside."""
        for target, source in self._copies:
            target.copy_(source)

    def steps(self, runs: Sequence[_Run], target: Tensor) -> list[_Step]:
        """The lerps that resample the buffer's first images along its axis into `target`, as many."""
        whole = self.whole[: len(target)]
        found = []
        for run in runs:
            low = self.before + run.first + run.shift
            pixels = [self._pixels(whole, low + k, run.length) for k in range(len(run.beyond) + 2)]
            beyond = [self._along(mask) for mask in run.beyond]
            found.append(_Step(pixels, beyond, self._along(run.weight), self._pixels(target, run.first, run.length)))
        return found

    def _pixels(self, planes: Tensor, first: int, length: int) -> Tensor:
        return planes.narrow(self.axis, first * self.step, length * self.step)

    def _along(self, values: Tensor) -> Tensor:
        """Values of pixels [n, length] in the shape that meets planes."""
        if self.axis == _ROWS:
            return values[:, None, :, None]
        values = values if self.step == 1 else values.repeat_interleave(self.step, dim=1)
        return values[:, None, None]
