"""Several processes that train as one: started by torchrun, joined by torch.distributed.

Without torchrun every function here is as if there were one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, Self, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from maskgan.errors import MaskGANError, UserError

ObjectT = TypeVar("ObjectT")


@contextmanager
def process_group(device: str) -> Iterator[str]:
    """Join the processes that torchrun started, if it did; gives the device of this process.

    The backend is NCCL on GPUs and Gloo elsewhere.

    Raises:
        UserError: there are more processes on this machine than GPUs.
    """
    if "WORLD_SIZE" not in os.environ:
        yield device
        return
    if device == "cuda":
        local = int(os.environ["LOCAL_RANK"])
        if local >= torch.cuda.device_count():
            raise UserError(f"--nproc-per-node: this machine has {torch.cuda.device_count()} GPUs")
        torch.cuda.set_device(local)
        device = f"cuda:{local}"
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_main_process() -> bool:
    """Whether this is process 0, the one that writes files and logs."""
    return rank() == 0


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace each gradient by its mean over the processes, so that all take the same step."""
    if world_size() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world_size()
    position = 0
    for gradient in gradients:
        gradient.copy_(flat[position : position + gradient.numel()].view_as(gradient))
        position += gradient.numel()


def all_gather(local: Tensor) -> Tensor:
    """Concatenate the tensors of all processes (equal shapes) in the order of the whole batch.

    Process ``r`` of ``w`` holds samples r, r + w, r + 2w ... of the whole batch, as ``shard`` gives them.
    """
    if world_size() == 1:
        return local
    parts = [torch.empty_like(local) for _ in range(world_size())]
    dist.all_gather(parts, local.contiguous())
    return torch.stack(parts, dim=1).flatten(0, 1)


def all_gather_objects(local: ObjectT) -> list[ObjectT]:
    """The picklable objects of all processes, by rank."""
    if world_size() == 1:
        return [local]
    gathered: list[Any] = [None] * world_size()
    dist.all_gather_object(gathered, local)
    return gathered


class Batch(Protocol):
    """Something that holds a number for each sample."""

    def __getitem__(self, chosen: slice, /) -> Self: ...


BatchT = TypeVar("BatchT", bound=Batch)


def shard(batch: BatchT) -> BatchT:
    """The samples of a whole batch that this process works on."""
    return batch[rank() :: world_size()]


def all_reduce_mean(values: Mapping[str, Tensor]) -> dict[str, float]:
    """Average named scalars over the processes, by name.

    Raises:
        MaskGANError: the processes report different names; raised in all of them.
    """
    means = {name: float(value) for name, value in values.items()}
    if world_size() == 1:
        return means
    reported = all_gather_objects(means)
    names = {name for of_rank in reported for name in of_rank}
    for name in sorted(names):
        if absent := [number for number, of_rank in enumerate(reported) if name not in of_rank]:
            raise MaskGANError(f"the loss {name!r} is missing in process {absent[0]}: all must report the same losses")
    return {name: sum(of_rank[name] for of_rank in reported) / world_size() for name in means}


def all_reduce_max(*numbers: float) -> tuple[float, ...]:
    """The maximum of each number over the processes, so that all decide alike."""
    if world_size() == 1:
        return numbers
    shared = torch.tensor(numbers, dtype=torch.float64, device=_device())
    dist.all_reduce(shared, dist.ReduceOp.MAX)
    return tuple(shared.tolist())


def barrier() -> None:
    """Wait until all processes are here."""
    if world_size() > 1:
        dist.barrier()


def _device() -> str:
    """Where the backend reduces tensors."""
    return "cuda" if dist.get_backend() == "nccl" else "cpu"
