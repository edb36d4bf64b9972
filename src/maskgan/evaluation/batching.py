"""Batches of faces, and their tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from maskgan.images import Picture, resize_picture
from maskgan.pixels import normalise, quantise

T = TypeVar("T")


def batched(items: Iterable[T], size: int, title: str, total: int | None = None) -> Iterator[list[T]]:
    """Lists of ``size`` items, the last one shorter, with a progress bar where stderr is a terminal.

    Args:
        items: read no further than the batch at hand.
        size: of a batch, at least 1.
        title: of the bar.
        total: number of items, if known.
    """
    iterator = iter(items)
    with tqdm(desc=title, total=total, disable=None, leave=False) as bar:
        while batch := list(islice(iterator, size)):
            yield batch
            bar.update(len(batch))


def to_images(pictures: Sequence[Picture], side: int, device: str) -> Tensor:
    """H x W x 3 uint8 images of any sizes, resized, as N x 3 x side x side float32 in [-1, 1]."""
    resized = np.stack([resize_picture(picture, (side, side)) for picture in pictures])
    return normalise(torch.from_numpy(resized).to(device).permute(0, 3, 1, 2))


def to_pictures(images: Tensor) -> list[Picture]:
    """N x 3 x H x W in [-1, 1] to H x W x 3 uint8 arrays, rounded."""
    return list(quantise(images).permute(0, 2, 3, 1).cpu().numpy())
