"""All decoded images on the device, where they fit: a batch is then gathered there instead of read and moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from imbalkit.data.image_store import ImageStore

_AT_A_TIME = 256 * 2**20  # bytes read and moved at once


class DeviceImages(ImageStore):
    """A store whose samples are on a device too; `take` still answers from the host."""

    def __init__(self, host: ImageStore, device: torch.device):
        self.host, self.shape, self.dtype, self.content = host, host.shape, host.dtype, host.content
        readable = np.setdiff1d(np.arange(len(host)), [image.index for image in getattr(host, "bad", ())])
        self._pixels = torch.zeros((len(host), *host.shape), dtype=torch.uint8, device=device)
        for part in np.array_split(readable, max(1, -(-size(host) // _AT_A_TIME))):
            self._pixels[torch.from_numpy(part).to(device)] = torch.from_numpy(host.take(part)).to(device)

    def __len__(self) -> int:
        return len(self.host)

    def take(self, indices: Any) -> np.ndarray:
        return self.host.take(indices)

    def gather(self, indices: np.ndarray) -> torch.Tensor:
        """Samples by table index, int [n], as uint8 [n, h, w, c] on the device."""
        index = torch.from_numpy(np.asarray(indices, dtype=np.int64))
        if self._pixels.is_cuda:  # the copy of a pinned index does not wait for what the device is doing
            index = index.pin_memory().to(self._pixels.device, non_blocking=True)
        return self._pixels[index]


def size(store: ImageStore) -> int:
    """Bytes of all samples."""
    return len(store) * int(np.prod(store.shape)) * store.dtype.itemsize


def place(
    store: ImageStore, device: torch.device, share: float, free: Callable[[torch.device], int] | None = None
) -> ImageStore:
    """The store on the device if that takes no more than a share of its free memory, else as it is.

    What stays on the host is read from memory or the mapped cache, batch by batch, through pinned memory.

    Args:
        store: decoded images
        device: where they are needed
        share: largest share of the device's free memory, 0..1
        free: gives the free bytes of a device (default: of CUDA devices; none elsewhere, where memory is shared)
    """
    room = share * (free or free_memory)(device)
    return DeviceImages(store, device) if len(store) and size(store) <= room else store


def free_memory(device: torch.device) -> int:
    """Free bytes of a CUDA device's own memory; 0 of what computes in the host's memory."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0
