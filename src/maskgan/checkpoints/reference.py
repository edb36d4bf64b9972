"""Weights of the authors' reference code (state dicts saved by PyTorch 0.4 or later) to our networks and back.

Files are read by torch's restricted unpickler, which makes tensors and plain containers and runs no other code.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

import torch
from torch import Tensor, nn

from maskgan.checkpoints.comparison import Shape, compare, printable
from maskgan.checkpoints.reference_names import ReferenceModel, counterparts
from maskgan.checkpoints.registry import NetworkConfig, meta_network, model_type_of, model_type_of_config
from maskgan.config import preset
from maskgan.errors import UserError
from maskgan.files import require_file
from maskgan.torch_files import check_torch_file

LICENCE = "non-commercial (CelebAMask-HQ terms of the original authors)"
RESOLUTION = 512
"""Side of the pictures that the reference was trained for."""

_PAPER = preset("paper")
PAPER_CONFIGS: Mapping[ReferenceModel, NetworkConfig] = MappingProxyType(
    {"G": _PAPER.dense_mapping, "D": _PAPER.discriminator, "B": _PAPER.blender, "V": _PAPER.mask_vae}
)
"""The sizes that the reference's networks have."""

_COUNTER = ".num_batches_tracked"
_LISTED = 12


def convert_reference(
    path: Path | str, model: ReferenceModel | Literal["auto"] = "auto", config: NetworkConfig | None = None
) -> nn.Module:
    """Read a state dict of the reference into a network of ours: float32, in eval mode, without gradients.

    Args:
        path: a file of ``torch.save``, zip or legacy; the keys may all start with ``module.``.
        model: which of the reference's networks it holds, or ``auto``: told by the names of its tensors.
        config: sizes of the network; the paper's if ``None``.

    Raises:
        UserError: no such file, not a state dict, holds objects that could run code, or a tensor is missing,
            unexpected, misshapen or not finite; the message names each.
    """
    path = Path(path)
    state = read_state_dict(path)
    model = closest_model(state) if model == "auto" else model
    config = PAPER_CONFIGS[model] if config is None else config
    network = meta_network(config)
    ours = network.state_dict()
    pairs = counterparts(config)
    for pair in pairs:
        if pair.reference.endswith(_COUNTER):  # PyTorch 0.4.0 did not count batches
            state.setdefault(pair.reference, torch.zeros((), dtype=torch.int64))
    _check_shapes(path, model, {pair.reference: tuple(ours[pair.shaped_like].shape) for pair in pairs}, state)
    converted = {
        pair.ours: _checked(path, pair.reference, state[pair.reference], ours[pair.ours].dtype)
        for pair in pairs
        if pair.ours is not None
    }
    network.load_state_dict(converted, assign=True)
    return network.eval().requires_grad_(False)


def to_reference(network: nn.Module) -> dict[str, Tensor]:
    """The state dict that the reference's code would load, in its order; AdaIN's unread statistics are 0 and 1.

    Raises:
        UserError: the reference has no such network.
    """
    config = cast(NetworkConfig, network.config)
    ours = network.state_dict()
    converted = {}
    for pair in counterparts(config):
        if pair.ours is not None:
            converted[pair.reference] = ours[pair.ours].detach().clone()
        else:
            fill = 0.0 if pair.reference.endswith("running_mean") else 1.0
            converted[pair.reference] = torch.full_like(ours[pair.shaped_like], fill)
    return converted


def reference_model(network: nn.Module) -> ReferenceModel:
    """The reference's letter for a network of ours that ``convert_reference`` returned."""
    model_type = model_type_of(network)
    return next(letter for letter, config in PAPER_CONFIGS.items() if model_type_of_config(config) == model_type)


def closest_model(state: Mapping[str, Tensor]) -> ReferenceModel:
    """The reference's network whose tensor names a state dict shares most."""
    return max(
        PAPER_CONFIGS, key=lambda model: _name_overlap({c.reference for c in counterparts(PAPER_CONFIGS[model])}, state)
    )


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file of ``torch.save`` (zip or legacy), ``module.`` stripped from the names, on the CPU.

    Raises:
        UserError: no such file, not a PyTorch file, damaged, no state dict, or it holds objects that could run code.
    """
    check_torch_file(require_file(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unusual pickle protocols; what matters comes as an exception
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error) or "unrecognized function" in str(error):
            raise UserError(
                f"{path}: holds Python objects beside tensors, which could run code, so it is not read; "
                "save the network's state_dict() alone"
            ) from error
        raise UserError(f"{path}: not a PyTorch file, or damaged") from error
    except Exception as error:  # a damaged archive or pickle can fail in any way
        raise UserError(f"{path}: not a PyTorch file, or damaged ({type(error).__name__})") from error
    if not isinstance(loaded, Mapping) or not loaded:
        raise UserError(f"{path}: holds no state dict (tensors by name); save the network's state_dict() alone")
    for name, value in loaded.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise UserError(f"{path}: entry {printable(str(name))} is no tensor; save the state_dict() alone")
        plain = value.layout == torch.strided and not (value.is_nested or value.is_quantized or value.is_complex())
        if not plain or value.device.type != "cpu":
            raise UserError(f"{path}: tensor {printable(name)} is not stored as plain numbers")
    # nn.DataParallel puts the prefix before every name.
    prefix = "module." if all(name.startswith("module.") for name in loaded) else ""
    return {name.removeprefix(prefix): value for name, value in loaded.items()}


def _name_overlap(names: set[str], state: Mapping[str, Tensor]) -> float:
    return len(names & state.keys()) / len(names | state.keys())


def _check_shapes(
    path: Path, model: ReferenceModel, expected: Mapping[str, Shape], state: Mapping[str, Tensor]
) -> None:
    differences = compare(expected, {name: tuple(tensor.shape) for name, tensor in state.items()})
    if not differences:
        return
    title = f"{model} ({model_type_of_config(PAPER_CONFIGS[model])})"
    if _name_overlap(set(expected), state) >= 0.5:
        raise UserError(f"{path}: not the reference's {title}: {differences.describe()}")
    # A file of something else has hundreds of names, of which a few tell enough.
    raise UserError(
        f"{path}: not one of the reference's networks; compared with {title}: {differences.describe(_LISTED)}"
    )


def _checked(path: Path, name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    if tensor.is_floating_point() != dtype.is_floating_point:
        raise UserError(f"{path}: tensor {name} has the type {tensor.dtype}; {dtype} is needed")
    converted = tensor.detach().to(dtype, copy=True, memory_format=torch.contiguous_format)
    if not torch.isfinite(converted).all():
        raise UserError(f"{path}: tensor {name} holds values that are not finite; get the file again")
    return converted
