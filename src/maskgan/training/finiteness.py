"""Finding numbers that are not finite before they are saved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn


def non_finite_loss(losses: Mapping[str, Tensor]) -> str:
    """A loss that is NaN or infinite, in words; empty if all are finite."""
    for name, loss in losses.items():
        if not math.isfinite(value := float(loss)):
            return f"the {name} loss is {value}"
    return ""


def non_finite_tensor(networks: Mapping[str, nn.Module], optimizers: Mapping[str, torch.optim.Optimizer]) -> str:
    """A tensor of a state that holds NaN or infinite numbers, in words; empty if all are finite."""
    names, finite = [], []
    for name, tensor in _tensors(networks, optimizers):
        if tensor.is_floating_point():
            names.append(name)
            finite.append(torch.isfinite(tensor).all().reshape(1))
    if not finite:
        return ""
    # One transfer from the device for all tensors.
    device = finite[0].device
    for name, good in zip(names, torch.cat([flag.to(device) for flag in finite]).tolist(), strict=True):
        if not good:
            return f"{name} holds numbers that are not finite"
    return ""


def _tensors(
    networks: Mapping[str, nn.Module], optimizers: Mapping[str, torch.optim.Optimizer]
) -> Iterator[tuple[str, Tensor]]:
    for owner, network in networks.items():
        for name, tensor in network.state_dict().items():
            yield f"{owner}.{name}", tensor
    for owner, optimizer in optimizers.items():
        states: Any = optimizer.state
        for of_parameter in states.values():
            for name, value in of_parameter.items():
                if isinstance(value, Tensor):
                    yield f"the {name} of the {owner} optimizer", value
