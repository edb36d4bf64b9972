"""8-bit pictures and [-1, 1] tensors: exact values, and every one of 256 comes back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from maskgan.pixels import normalise, quantise, to_picture, to_tensor


def test_ends_and_middle_of_the_range() -> None:
    assert normalise(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist() == pytest.approx([-1, -0.6, 1])
    assert quantise(torch.tensor([-3.0, -1, 0, 0.6, 1, 2])).tolist() == [0, 0, 128, 204, 255, 255]


def test_every_value_survives_the_round_trip() -> None:
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    picture[..., 1] = picture[::-1, :, 1]
    tensor = to_tensor(picture)
    assert tensor.shape == (1, 3, 16, 16) and tensor.dtype == torch.float32
    assert (to_picture(tensor) == picture).all()
    assert (to_picture(tensor[0]) == picture).all()


def test_several_pictures_are_refused() -> None:
    with pytest.raises(RuntimeError):
        to_picture(torch.zeros(2, 3, 4, 4))
