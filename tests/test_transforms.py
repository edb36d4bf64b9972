"""Augmentation moves pictures and labels together and exchanges left and right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from label_maps import random_label_map
from maskgan import labels
from maskgan.data.loading import BatchLoader, Samples, pair_to_tensors
from maskgan.data.pairs import FacePair
from maskgan.data.transforms import (
    NO_AUGMENTATION,
    AugmentConfig,
    augment,
    resize_batch,
    sample_augment_params,
)


def batch(side: int = 64, count: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures whose red channel tells the label, so that labels can be read back from pictures."""
    maps = torch.from_numpy(np.stack([random_label_map(i, side, side) for i in range(count)]))
    red = maps.float() / 9 - 1
    return torch.stack([red, red * 0, red * 0], dim=1), maps


def augmented(
    pictures: torch.Tensor, maps: torch.Tensor, config: AugmentConfig, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    params = sample_augment_params(len(pictures), config, torch.Generator().manual_seed(seed))
    return augment(pictures, maps, config, params)


def test_no_augmentation_changes_nothing() -> None:
    pictures, maps = batch()
    same, same_maps = augmented(pictures, maps, NO_AUGMENTATION)
    assert torch.equal(same, pictures) and torch.equal(same_maps, maps)


def test_a_certain_flip_equals_the_mirrored_label_map() -> None:
    pictures, maps = batch()
    flipped, flipped_maps = augmented(pictures, maps, replace(NO_AUGMENTATION, flip=1.0))
    assert torch.equal(flipped, pictures.flip(-1))
    for one, mirrored in zip(maps.numpy(), flipped_maps.numpy(), strict=True):
        assert (labels.mirrored(one) == mirrored).all()


def test_pictures_and_labels_move_together() -> None:
    pictures, maps = batch(side=96)
    moved = replace(NO_AUGMENTATION, rotate=15.0, zoom=0.2, shift=0.1)
    pictures, maps = augmented(pictures, maps, moved, seed=3)
    seen = ((pictures[:, 0] + 1) * 9).round()
    # Bilinear pictures differ from nearest labels at block borders alone.
    assert (seen == maps).float().mean() > 0.8
    assert set(maps.unique().tolist()) <= set(range(19))


def test_variation_follows_from_the_generator_alone() -> None:
    pictures, maps = batch()
    one, other, third = (augmented(pictures, maps, AugmentConfig(), seed) for seed in (1, 1, 2))
    assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
    assert not torch.equal(one[0], third[0])
    assert one[0].min() >= -1 and one[0].max() <= 1


def test_a_share_of_a_batch_varies_as_the_whole_does() -> None:
    pictures, maps = batch()
    params = sample_augment_params(4, AugmentConfig(), torch.Generator().manual_seed(0))
    whole = augment(pictures, maps, AugmentConfig(), params)
    for chosen in (slice(0, None, 2), slice(1, None, 2)):
        share = augment(pictures[chosen], maps[chosen], AugmentConfig(), params[chosen])
        assert torch.equal(share[0], whole[0][chosen]) and torch.equal(share[1], whole[1][chosen])


def test_resizing_batches_blends_no_label() -> None:
    pictures, maps = batch(side=64)
    for side in (16, 48, 128):
        small, small_maps = resize_batch(pictures, maps, side)
        assert small.shape[-1] == small_maps.shape[-1] == side
        assert set(small_maps.unique().tolist()) <= set(maps.unique().tolist())


class Numbered:
    """Pairs whose pictures tell their index."""

    def __init__(self, count: int) -> None:
        self.keys = [str(i) for i in range(count)]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        return FacePair(
            str(index), np.full((16, 16, 3), index, dtype=np.uint8), np.full((16, 16), index % 19, dtype=np.uint8)
        )


def indices(cache_bytes: int, first_step: int, steps: int) -> list[list[int]]:
    loader = BatchLoader(Samples(Numbered(10), pair_to_tensors, 16), 4, seed=7, cache_bytes=cache_bytes, workers=0)
    found = []
    for _, (pictures, maps, _) in zip(range(steps), loader.batches(first_step), strict=False):
        assert (pictures[:, 0, 0, 0] % 19 == maps[:, 0, 0]).all()
        found.append(pictures[:, 0, 0, 0].tolist())
    return found


def test_each_epoch_sees_every_pair_once_in_a_new_order() -> None:
    flat = [index for step in indices(10**9, 0, 10) for index in step]
    epochs = [flat[start : start + 10] for start in range(0, 40, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_order_is_the_same_cached_or_not_and_from_any_step() -> None:
    whole = indices(10**9, 0, 6)
    assert indices(0, 0, 6) == whole
    assert indices(10**9, 4, 2) == whole[4:]
