"""Errors of DataLoader workers reach the person as one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from maskgan.cli.main import main
from maskgan.data.loading import BatchLoader, Samples, pair_to_tensors
from maskgan.data.pairs import FacePair
from maskgan.data.workers import WorkerError, collate, read_batches, sample_or_error
from maskgan.errors import MaskGANError, UserError
from tiny_runs import PAIRS


class Unreadable:
    """Faces of which only the first can be read."""

    def __init__(self) -> None:
        self.keys = PAIRS.keys

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        if index:
            raise UserError(f"{self.keys[index]}.jpg: damaged or cut off")
        return PAIRS[0]


@pytest.mark.slow
def test_an_error_in_a_worker_process_is_the_error_that_was_raised_there() -> None:
    loader = BatchLoader(Samples(Unreadable(), pair_to_tensors, 64), 6, seed=0, cache_bytes=0, workers=1)
    with pytest.raises(UserError, match=r"^0000\d\.jpg: damaged or cut off; more than 0 pairs") as raised:
        next(loader.batches(0))
    assert "Traceback" not in str(raised.value) and "worker" not in str(raised.value)


def test_errors_travel_as_values() -> None:
    def fail() -> Any:
        raise MaskGANError("ours")

    failure = sample_or_error(fail)
    assert failure == WorkerError("ours", 1) and type(failure.error()) is MaskGANError
    assert type(WorkerError("theirs", 2).error()) is UserError
    assert collate([torch.zeros(2), failure]) is failure
    assert torch.equal(collate([torch.zeros(2), torch.ones(2)]), torch.tensor([[0.0, 0.0], [1.0, 1.0]]))
    with pytest.raises(ValueError, match="bug"):
        sample_or_error(lambda: (_ for _ in ()).throw(ValueError("bug")).__next__())


@pytest.mark.parametrize(
    "message",
    [
        "DataLoader worker (pid 4242) is killed by signal: Bus error. It is possible that dataloader's workers are out "
        "of shared memory. Please try to raise your shared memory limit.",
        "Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n"
        "RuntimeError: unable to write to file </torch_17_3_0>: No space left on device (28)",
        "unable to open shared memory object </torch_17_3_0> in read-write mode: Too many open files (24)",
    ],
)
def test_too_little_shared_memory_says_what_to_do(message: str) -> None:
    def dying() -> Iterator[Any]:
        yield 1
        raise RuntimeError(message)

    batches = read_batches(dying())
    assert next(batches) == 1
    with pytest.raises(MaskGANError, match=r"/dev/shm; .*--workers 0"):
        next(batches)


def test_other_failures_are_left_as_they_are() -> None:
    def dying() -> Iterator[Any]:
        raise RuntimeError("CUDA error: out of memory")
        yield

    with pytest.raises(RuntimeError, match="CUDA error"):
        next(read_batches(dying()))


def test_messages_are_one_line_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "show", "a\x1b[31m\nb.safetensors"]) == 2
    error = capsys.readouterr().err
    assert error == "maskgan: error: a\\x1b[31m b.safetensors: no such file\n"
