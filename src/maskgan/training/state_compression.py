"""A run's saved state in a quarter of its size, to travel; what it loses is less than a step of training changes.

* Networks as float16.
* A moving average as its distance from the network it averages, in 8 bits of each tensor's largest distance.
* Adam's second moments by their logarithm, in 8 bits of each tensor's range: 2 % of a step's length on average.
* Adam's first moments not at all: from zero, with betas of 0.5 and 0.9, they are back within 2 to 10 steps.

Tensors of at most 4096 numbers, and all that is no floating-point number, stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from maskgan.errors import UserError

_SMALL = 4096
_STEPS = 127  # either side of zero, of int8
_CODES = 254  # of uint8, beside zero, which stands for zero

_HALF_MAX = torch.finfo(torch.float16).max


@dataclass(frozen=True)
class CompressedState:
    """What ``compress`` makes of a state.

    Attributes:
        tensors: flat, by names such as ``networks/generator/encoder.0.weight``; their types say how they are coded.
        info: plain JSON types: ``progress``, ``groups`` (Adam's settings by optimizer) and ``ema_of`` (by moving
            average the network that it averages).
    """

    tensors: dict[str, Tensor]
    info: dict[str, Any]


def compress(state: Mapping[str, Any]) -> CompressedState:
    """Code a state as ``RunFolder.load_state`` gives it, on the CPU."""
    networks: Mapping[str, Mapping[str, Tensor]] = state["networks"]
    tensors: dict[str, Tensor] = {}
    ema_of = _find_emas(networks)
    for name, network in networks.items():
        for key, tensor in network.items():
            if name in ema_of and _is_large(tensor):
                current = _stored(networks[ema_of[name]][key]).float()
                _add_difference(tensors, f"networks/{name}/{key}", tensor - current)
            else:
                tensors[f"networks/{name}/{key}"] = _stored(tensor)
    for name, optimizer in state["optimizers"].items():
        for number, moments in optimizer["state"].items():
            tensors[f"optimizers/{name}/{number}/step"] = torch.as_tensor(moments["step"]).clone()
            _add_squares(tensors, f"optimizers/{name}/{number}/exp_avg_sq", moments["exp_avg_sq"])
    groups = {name: optimizer["param_groups"] for name, optimizer in state["optimizers"].items()}
    return CompressedState(tensors, {"progress": dict(state["progress"]), "groups": groups, "ema_of": ema_of})


def decompress(packed: CompressedState) -> dict[str, Any]:
    """The state again, ready for ``RunFolder.save_state``.

    Raises:
        UserError: it is not what ``compress`` makes.
    """
    try:
        ema_of = packed.info["ema_of"]
        networks: dict[str, dict[str, Tensor]] = {}
        optimizers: dict[str, Any] = {
            name: {"state": {}, "param_groups": groups} for name, groups in packed.info["groups"].items()
        }
        for name, tensor in packed.tensors.items():
            room, owner, key = name.split("/", 2)
            if room == "networks" and "/" not in key:
                value = _whole(tensor)
                if tensor.dtype == torch.int8:
                    value = _whole(packed.tensors[f"networks/{ema_of[owner]}/{key}"]) + (
                        value * packed.tensors[f"{name}/scale"]
                    )
                networks.setdefault(owner, {})[key] = value
            elif room == "optimizers" and key.count("/") == 1:
                number, moment = key.split("/")
                moments = optimizers[owner]["state"].setdefault(int(number), {})
                if tensor.dtype == torch.uint8:
                    tensor = _squares(tensor, packed.tensors[f"{name}/range"])
                moments[moment] = tensor
                if moment == "exp_avg_sq":
                    moments["exp_avg"] = torch.zeros_like(tensor)
        return {"progress": dict(packed.info["progress"]), "networks": networks, "optimizers": optimizers}
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise UserError(f"the packed state is damaged ({type(error).__name__}: {error})") from error


def _find_emas(networks: Mapping[str, Mapping[str, Tensor]]) -> dict[str, str]:
    """For each network that is a moving average, the one before it whose tensors have its names and shapes."""
    shapes = {
        name: {key: tensor.shape for key, tensor in network.items() if _is_large(tensor)}
        for name, network in networks.items()
    }
    ema_of: dict[str, str] = {}
    for name in networks:
        candidates = [other for other in networks if other != name and shapes[other] == shapes[name] and shapes[name]]
        if "ema" in name and candidates:
            ema_of[name] = candidates[0]
    return ema_of


def _is_large(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.numel() > _SMALL


def _stored(tensor: Tensor) -> Tensor:
    half = _is_large(tensor) and bool(tensor.abs().max() < _HALF_MAX)
    return tensor.to(torch.float16 if half else tensor.dtype, copy=True, memory_format=torch.contiguous_format)


def _whole(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.int8) else tensor


def _add_difference(tensors: dict[str, Tensor], name: str, difference: Tensor) -> None:
    scale = (difference.abs().max() / _STEPS).clamp(min=torch.finfo(torch.float32).tiny)
    tensors[name] = (difference / scale).round().to(torch.int8).contiguous()
    tensors[f"{name}/scale"] = scale.reshape(1)


def _add_squares(tensors: dict[str, Tensor], name: str, squares: Tensor) -> None:
    if not _is_large(squares) or not (squares > 0).any():
        tensors[name] = squares.contiguous()
        return
    logarithms = squares.log2()
    present = logarithms[squares > 0]
    low, high = present.min(), present.max()
    spacing = ((high - low) / (_CODES - 1)).clamp(min=torch.finfo(torch.float32).tiny)
    codes = ((logarithms - low) / spacing).round() + 1
    tensors[name] = torch.where(squares > 0, codes, 0).to(torch.uint8).contiguous()
    tensors[f"{name}/range"] = torch.stack([low, spacing])


def _squares(codes: Tensor, coding: Tensor) -> Tensor:
    low, spacing = coding
    return torch.where(codes > 0, torch.exp2(low + (codes.float() - 1) * spacing), 0.0)
