"""Directions in MaskVAE's codes along which one property of a face's shape changes and the others stay.

Codes are regressed linearly on ``metrics.face_geometry.FaceShape`` over labelled masks: the coefficients of a property
are the direction in which it alone changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from maskgan.checkpoints.weights import read_info, require_suffix, sha256
from maskgan.errors import UserError
from maskgan.files import atomic_path, require_file
from maskgan.metrics.face_geometry import FaceShape

DIRECTIONS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "smile": {"lift": 2.0, "mouth_width": 2.0, "opening": 2.0},
        "open mouth": {"opening": 2.0},
        "narrower face": {"face_width": -2.0},
        "more hair": {"hair": 2.0},
    }
)
"""For each direction, by how many standard deviations its longest sensible step moves which properties."""

_METADATA_KEY = "maskgan-directions"


def find_directions(codes: NDArray[np.float64], shapes: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The directions of ``DIRECTIONS``.

    Args:
        codes: N x latent_size.
        shapes: N x len(FaceShape), the properties of the same masks.

    Raises:
        UserError: there are fewer masks than are needed to tell the properties apart, or one never varies.
    """
    if len(codes) < 10 * shapes.shape[1]:
        raise UserError(
            f"{len(codes)} faces are too few to find directions; at least {10 * shapes.shape[1]} are needed"
        )
    spread = shapes.std(axis=0)
    if still := [name for name, value in zip(FaceShape._fields, spread, strict=True) if value == 0]:
        raise UserError(f"all these faces have the same {still[0]}, so its direction cannot be found")
    standard = (shapes - shapes.mean(axis=0)) / spread
    design = np.column_stack([standard, np.ones(len(standard))])
    coefficients, *_ = np.linalg.lstsq(design, codes, rcond=None)
    by_name = dict(zip(FaceShape._fields, coefficients, strict=False))
    return {
        direction: np.sum([weight * by_name[name] for name, weight in parts.items()], axis=0)
        for direction, parts in DIRECTIONS.items()
    }


def save_directions(path: Path | str, directions: Mapping[str, NDArray[np.float64]], mask_vae: Path) -> None:
    """Write directions (latent_size each) as safetensors that name the MaskVAE file they were found in.

    Raises:
        UserError: the suffix is not .safetensors, or a file cannot be written or read.
    """
    path = require_suffix(Path(path))
    tensors = {name: torch.from_numpy(vector).float().contiguous() for name, vector in directions.items()}
    metadata = json.dumps(
        {"mask_vae": sha256(mask_vae), "order": list(directions), "licence": read_info(mask_vae).licence}
    )
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={_METADATA_KEY: metadata})


def load_directions(path: Path | str, mask_vae: Path) -> dict[str, Tensor]:
    """Read directions, latent_size float32 each.

    Raises:
        UserError: no such file, damaged, or found in another MaskVAE than ``mask_vae``.
    """
    path = require_file(Path(path))
    try:
        with safe_open(path, framework="pt", device="cpu") as stored:
            metadata = json.loads((stored.metadata() or {})[_METADATA_KEY])
            directions = {str(name): stored.get_tensor(name).float().clone() for name in metadata["order"]}
            found_in = metadata["mask_vae"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: no file of mask directions, or damaged; make it again with find-directions"
        ) from error
    if found_in != sha256(mask_vae):
        raise UserError(f"{path}: its directions belong to another MaskVAE than {mask_vae}; find them anew")
    size = getattr(read_info(mask_vae).config, "latent_size", None)
    if any(vector.shape != (size,) or not torch.isfinite(vector).all() for vector in directions.values()):
        raise UserError(f"{path}: a direction does not fit {mask_vae}; make it again with find-directions")
    return directions
