"""Several processes that train as one: started by torchrun, joined by torch.distributed.

Without torchrun every function here is as if there were one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, Self, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from maskgan.errors import MaskGANError, UserError

BUCKET_NUMBERS = 2**22
"""Gradients are averaged in buckets of about this many numbers, 16 MiB."""

ObjectT = TypeVar("ObjectT")


@contextmanager
def process_group(device: str) -> Iterator[str]:
    """Join the processes that torchrun started, if it did; gives the device of this process.

    NCCL reduces tensors on GPUs, Gloo those of the CPU.

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
    # Numbers of the host go through Gloo: reduced by NCCL they would wait for the GPU in every step.
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo")
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


def backward(loss: Tensor, parameters: Sequence[Tensor], retain_graph: bool = False) -> None:
    """Fill the gradients of ``parameters`` alone, each the mean over the processes.

    As in ``DistributedDataParallel``, gradients are averaged in buckets while others are still computed. That wrapper
    wants all of a step in one ``forward`` of one module; here losses come from several networks with several entries.

    Args:
        loss: scalar. A parameter that it does not depend on in one process must be so in all.
        parameters: without gradients.
        retain_graph: whether another backward pass follows.
    """
    buckets = _GradientBuckets(parameters) if world_size() > 1 else None
    try:
        torch.autograd.backward(loss, retain_graph=retain_graph, inputs=parameters)
        if buckets is not None:
            buckets.finish()
    finally:
        if buckets is not None:
            buckets.remove_hooks()


class _GradientBuckets:
    """Sums each bucket over the processes as soon as its gradients are there, always in the same order."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._buckets: list[list[Tensor]] = []
        size = BUCKET_NUMBERS
        for parameter in reversed(parameters):  # the last layers' gradients come first
            if size >= BUCKET_NUMBERS:
                self._buckets.append([])
                size = 0
            self._buckets[-1].append(parameter)
            size += parameter.numel()
        self._missing = [len(bucket) for bucket in self._buckets]
        self._sums: list[tuple[dist.Work | None, Tensor, list[Tensor]]] = []
        self._hooks = [
            parameter.register_post_accumulate_grad_hook(partial(self._on_gradient, number))  # type: ignore[no-untyped-call]
            for number, bucket in enumerate(self._buckets)
            for parameter in bucket
        ]

    def finish(self) -> None:
        """Send what has not been sent, wait, and set the gradients to the means."""
        while len(self._sums) < len(self._buckets):
            self._send()
        for work, flat, gradients in self._sums:
            if work is not None:
                work.wait()
            parts = torch.split(flat / world_size(), [gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    def remove_hooks(self) -> None:
        """Leave the parameters as they were."""
        for hook in self._hooks:
            hook.remove()

    def _on_gradient(self, number: int, _parameter: Tensor) -> None:
        self._missing[number] -= 1
        while len(self._sums) < len(self._buckets) and not self._missing[len(self._sums)]:
            self._send()

    def _send(self) -> None:
        bucket = self._buckets[len(self._sums)]
        gradients = [parameter.grad for parameter in bucket if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients]) if gradients else torch.empty(0)
        self._sums.append((dist.all_reduce(flat, async_op=True) if gradients else None, flat, gradients))


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
    shared = torch.tensor(numbers, dtype=torch.float64)
    dist.all_reduce(shared, dist.ReduceOp.MAX)
    return tuple(shared.tolist())


def barrier() -> None:
    """Wait until all processes are here."""
    if world_size() > 1:
        dist.barrier()
