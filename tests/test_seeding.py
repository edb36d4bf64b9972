"""Random streams: reproducible, and none is another's."""

from __future__ import annotations

import torch

from maskgan.seeding import MAX_SEED, python_stream, stream_seed, torch_stream


def test_a_stream_depends_on_each_of_its_coordinates() -> None:
    streams = {
        stream_seed(seed, purpose, rank=rank, step=step)
        for seed in (0, 1, 12, MAX_SEED)
        for purpose in ("step", "augmentation", "data order")
        for rank in range(4)
        for step in range(50)
    }
    assert len(streams) == 4 * 3 * 4 * 50
    assert all(0 <= seed <= MAX_SEED for seed in streams)
    # Neither the next process nor the next digit continues another stream.
    assert stream_seed(0, "step", rank=1, step=0) != stream_seed(0, "step", rank=0, step=1)
    assert stream_seed(1, "step", step=11) != stream_seed(11, "step", step=1)


def test_streams_are_the_same_on_every_machine() -> None:
    assert stream_seed(7, "augmentation", rank=2, step=3) == 451259786021950724
    first = torch_stream(0, "augmentation", step=5)
    assert torch.equal(torch.rand(4, generator=first), torch.rand(4, generator=torch_stream(0, "augmentation", step=5)))
    assert python_stream(0, "shard order").random() == python_stream(0, "shard order").random()


def test_draws_of_two_streams_are_not_correlated() -> None:
    draws = torch.stack([torch.rand(4000, generator=torch_stream(0, name)) for name in ("step", "augmentation")])
    assert abs(float(torch.corrcoef(draws)[0, 1])) < 0.06
