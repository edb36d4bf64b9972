"""Between 8-bit pictures and the [-1, 1] tensors of the networks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

HALF_RANGE = 127.5
"""8-bit steps per unit of a tensor in [-1, 1]."""


_LUMA = (0.299, 0.587, 0.114)  # Rec. 601
_GREY_SPREAD = 4  # 8-bit steps between the channels of a pixel that compression makes of a grey one


def is_grey(picture: NDArray[np.uint8]) -> bool:
    """Whether an H x W x 3 uint8 picture is black and white."""
    return bool((picture.max(axis=2) - picture.min(axis=2)).max(initial=0) <= _GREY_SPREAD)


def without_colour(image: Tensor) -> Tensor:
    """The luma of N x 3 x H x W, in all three channels."""
    red, green, blue = (share * image[:, i : i + 1] for i, share in enumerate(_LUMA))
    return (red + green + blue).expand_as(image)


def normalise(pixels: Tensor) -> Tensor:
    """0..255 of any shape and dtype to float32 in [-1, 1]."""
    return pixels.float() / HALF_RANGE - 1


def quantise(image: Tensor) -> Tensor:
    """Float values of any shape, clamped to [-1, 1], to uint8, rounded to nearest."""
    return ((image.clamp(-1, 1) + 1) * HALF_RANGE).round().byte()


def to_tensor(picture: NDArray[np.uint8], device: str | torch.device = "cpu") -> Tensor:
    """H x W x 3 uint8 to 1 x 3 x H x W float32 in [-1, 1] on ``device``."""
    return normalise(torch.from_numpy(picture.copy()).to(device).permute(2, 0, 1)[None])


def to_picture(image: Tensor) -> NDArray[np.uint8]:
    """3 x H x W or 1 x 3 x H x W in [-1, 1] to H x W x 3 uint8, clamped and rounded."""
    if image.ndim == 4:
        image = image.squeeze(0)
    return quantise(image).permute(1, 2, 0).cpu().numpy()
