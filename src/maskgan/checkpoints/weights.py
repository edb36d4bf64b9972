"""The package's own weights: safetensors with JSON metadata, read strictly.

A file is checked by its header alone before any memory is taken for its tensors, so a hostile file costs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from maskgan.checkpoints.comparison import Shape, compare
from maskgan.checkpoints.metadata import METADATA_KEY, WeightsInfo, info_to_json, parse_info
from maskgan.checkpoints.registry import meta_network, model_type_of
from maskgan.errors import MaskGANError, UserError
from maskgan.files import atomic_path, require_file

_STORED_DTYPES = {torch.float32: ("F32", "F16"), torch.int64: ("I64",)}
_TORCH_SUFFIXES = {".pth", ".pt"}
_TORCH_STARTS = {b"PK\x03\x04", b"\x80\x02\x8a\n"}  # zip, and the pickled magic number of legacy files
_MAX_HEADER_BYTES = 4 << 20  # of a network with 1000 tensors it has 0.1 MB; parsing takes seconds per 10 MB
_LISTED = 12


def save_weights(path: Path | str, network: nn.Module, info: WeightsInfo, dtype: torch.dtype = torch.float32) -> None:
    """Write the weights of ``network``; its floating-point tensors as ``dtype``, float32 or float16.

    Raises:
        UserError: the suffix is not .safetensors, the file cannot be written, or a value is too large for float16.
        MaskGANError: a value is not finite. Nothing is left half-written in either case.
        ValueError: ``info`` describes another network, or ``dtype`` is neither float32 nor float16.
    """
    path = require_suffix(Path(path))
    if dtype not in (torch.float32, torch.float16):
        raise ValueError(f"weights are stored as float32 or float16, not {dtype}")
    if model_type_of(network) != info.model_type or network.config != info.config:
        raise ValueError(f"the info describes another network than this {type(network).__name__}")
    tensors = {name: _stored(path, name, tensor, dtype) for name, tensor in network.state_dict().items()}
    with atomic_path(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={METADATA_KEY: info_to_json(info)})
        except SafetensorError as error:
            raise UserError(f"{path}: cannot be written: {_first_line(error)}") from error


def load_weights(path: Path | str, model_type: str | Sequence[str] | None = None) -> tuple[nn.Module, WeightsInfo]:
    """Read a network: float32, in eval mode, without gradients, on the CPU.

    Args:
        path: a file written by ``save_weights``.
        model_type: the type of network that is needed, or several that will do, or ``None`` for any.

    Raises:
        UserError: no such file, not our format or a newer version of it, truncated, another type than ``model_type``, a
            tensor missing, unexpected, misshapen, of a wrong type or not finite.
    """
    path = Path(path)
    with _open(path) as stored:
        info = parse_info(path, stored.metadata())
        wanted = (model_type,) if isinstance(model_type, str) else model_type
        if wanted is not None and info.model_type not in wanted:
            names = " or ".join(f"'{name}'" for name in wanted)
            raise UserError(f"{path}: holds weights of model type '{info.model_type}'; {names} is needed here")
        try:
            network = meta_network(info.config)
        except ValueError as error:
            raise UserError(f"{path}: its config is wrong: {error}") from error
        needed = network.state_dict()
        _check_header(path, stored, needed)
        try:
            state = {name: _loaded(path, name, stored.get_tensor(name)) for name in needed}
        except (SafetensorError, OSError) as error:
            raise UserError(f"{path}: cannot be read: {_first_line(error)}") from error
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False), info


def interpolate_weights(
    first: tuple[nn.Module, WeightsInfo], second: tuple[nn.Module, WeightsInfo], alpha: float
) -> tuple[nn.Module, WeightsInfo]:
    """The network whose every number lies ``alpha`` of the way from the first's to the second's.

    Where training has gone on from the first to the second, one between them can have what was learnt last without all
    that it cost (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).

    Raises:
        UserError: they are of different model types or sizes, or ``alpha`` is not within 0..1.
    """
    if not 0 <= alpha <= 1:
        raise UserError(f"--alpha must be between 0 and 1, is {alpha}")
    (network, info), (other, other_info) = first, second
    start, end = network.state_dict(), other.state_dict()
    if info.model_type != other_info.model_type or _shapes(start) != _shapes(end):
        raise UserError("the two networks differ; only weights of one model type and size can be interpolated")
    mixed = meta_network(other_info.config)
    mixed.load_state_dict(
        {n: torch.lerp(start[n], t, alpha) if t.is_floating_point() else t for n, t in end.items()}, assign=True
    )
    origin = f"{alpha:g} of the way from weights of {info.step} pictures to those of {other_info.provenance}"
    licence = "; ".join(dict.fromkeys((info.licence, other_info.licence)))
    return mixed.eval().requires_grad_(False), replace(other_info, provenance=origin, licence=licence)


def read_info(path: Path | str) -> WeightsInfo:
    """What the file says about itself; only its header is read.

    Raises:
        UserError: no such file, not our format, truncated, or a newer version of the format.
    """
    path = Path(path)
    with _open(path) as stored:
        return parse_info(path, stored.metadata())


def sha256(path: Path | str) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits.

    Raises:
        UserError: it cannot be read.
    """
    with open(require_file(Path(path)), "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint(path: Path | str) -> str:
    """The first 12 digits of ``sha256``, as shown to people."""
    return sha256(path)[:12]


def require_suffix(path: Path) -> Path:
    """Return ``path`` if it names a safetensors file.

    Raises:
        UserError: it has another suffix.
    """
    if path.suffix.lower() != ".safetensors":
        raise UserError(f"{path}: weights are written as .safetensors")
    return path


def _stored(path: Path, name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    tensor = tensor.detach().cpu()
    if not tensor.is_floating_point():
        return tensor.clone()
    if not torch.isfinite(tensor).all():
        raise MaskGANError(f"{path}: not written: tensor {name} holds values that are not finite")
    converted = tensor.to(dtype)
    if not torch.isfinite(converted).all():
        largest = float(tensor.abs().max())
        raise UserError(f"{path}: not written: tensor {name} holds {largest:.3g}, too large for {dtype}; use float32")
    return converted.clone(memory_format=torch.contiguous_format)


def _loaded(path: Path, name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.clone()
    # A copy: the file's own pages would fail under the network if another program cut the file short.
    converted = tensor.to(torch.float32, copy=True)
    if not torch.isfinite(converted).all():
        raise UserError(f"{path}: tensor {name} holds values that are not finite; get the file again")
    return converted


def _open(path: Path) -> AbstractContextManager[Any]:
    require_file(path)
    with open(path, "rb") as stream:
        start = stream.read(8)
    if path.suffix.lower() in _TORCH_SUFFIXES or start[:4] in _TORCH_STARTS:
        raise UserError(
            f"{path}: is a PyTorch file; convert the reference's weights first with "
            "'maskgan import-reference IN.pth OUT.safetensors'"
        )
    header_bytes = int.from_bytes(start, "little")
    if _MAX_HEADER_BYTES < header_bytes < path.stat().st_size:
        raise UserError(f"{path}: has a header of {header_bytes / 1e6:.0f} MB; at most {_MAX_HEADER_BYTES >> 20} MiB")
    try:
        opened: AbstractContextManager[Any] = safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a safetensors file, or damaged ({_first_line(error)})") from error
    return opened


def _check_header(path: Path, stored: Any, needed: Mapping[str, Tensor]) -> None:
    names: list[str] = stored.keys()
    headers = {name: stored.get_slice(name) for name in names}
    found: dict[str, Shape] = {name: tuple(header.get_shape()) for name, header in headers.items()}
    if differences := compare({name: tuple(tensor.shape) for name, tensor in needed.items()}, found):
        raise UserError(f"{path}: does not fit its own config: {differences.describe(_LISTED)}")
    for name, header in headers.items():
        if header.get_dtype() not in _STORED_DTYPES[needed[name].dtype]:
            wanted = "float32 or float16" if needed[name].is_floating_point() else "int64"
            raise UserError(f"{path}: tensor {name} has the type {header.get_dtype()}; {wanted} is needed")


def _shapes(state: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
