"""Errors of DataLoader workers as they were raised, and what to do when shared memory runs out.

PyTorch gives an exception of a worker the worker's traceback for a message. So a worker hands an error that has a
message for people over as a value, and the process that reads the batches raises it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch.utils.data import default_collate

from maskgan.errors import MaskGANError, UserError


@dataclass(frozen=True)
class WorkerError:
    """A failure in place of a sample or a batch."""

    message: str
    exit_code: int

    def error(self) -> MaskGANError:
        """The exception to raise."""
        return UserError(self.message) if self.exit_code == UserError.exit_code else MaskGANError(self.message)


def sample_or_error(read: Callable[[], Any]) -> Any:
    """What ``read`` returns, or the error that it raises as a value."""
    try:
        return read()
    except MaskGANError as error:
        return WorkerError(str(error), error.exit_code)


def collate(samples: Sequence[Any]) -> Any:
    """Samples as a batch, or the first error among them."""
    return next((sample for sample in samples if isinstance(sample, WorkerError)), None) or default_collate(
        list(samples)
    )


def read_batches(loader: Iterable[Any]) -> Iterator[Any]:
    """The batches of a DataLoader whose samples come from ``sample_or_error``.

    Raises:
        MaskGANError: what a worker could not read, as it was raised there; or the workers have too little shared
            memory.
    """
    try:
        for batch in loader:
            if isinstance(batch, WorkerError):
                raise batch.error()
            yield batch
    except (RuntimeError, OSError) as error:
        if not _is_out_of_shared_memory(str(error)):
            raise
        raise MaskGANError(
            "the decoding workers ran out of shared memory in /dev/shm; enlarge it (docker run --shm-size 8g), or "
            "decode in the training process with --workers 0"
        ) from error


def _is_out_of_shared_memory(message: str) -> bool:
    """Whether PyTorch says so: the worker may be killed by SIGBUS, or see that the device is full."""
    named = "shm" in message or "shared memory" in message or "/torch_" in message
    return named and any(sign in message for sign in ("Bus error", "No space left", "shared memory", "unable to"))
