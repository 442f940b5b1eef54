"""Images of two rows made one."""

from __future__ import annotations

from torch import Tensor


def blend(images: Tensor, partners: Tensor, share: Tensor) -> Tensor:
    """share x + (1 - share) x_partner of each row. Zhang et al. 2018 (mixup), eq. 1.

    Args:
        images, partners: float [n, ...]
        share: [n]
    """
    share = share.to(images.dtype).view(-1, *[1] * (images.ndim - 1))
    return share * images + (1 - share) * partners
