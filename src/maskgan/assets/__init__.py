"""Files that ship with the package: weights and sample portraits; and the folder that can take the weights' place."""

from __future__ import annotations

import os
from pathlib import Path

from maskgan.errors import MaskGANError, UserError

SHIPPED_MODELS = ("edit", "mask-vae", "parser", "attributes", "identity", "face-detector")
"""Model types whose weights ship."""

WEIGHTS_VARIABLE = "MASKGAN_WEIGHTS"
"""The environment variable that names a folder of other weights, as ``edit.safetensors`` and so on."""

_HERE = Path(__file__).parent


def weights_folder() -> Path:
    """The folder of the weights that ship, and of the manifest of their hashes."""
    return _HERE / "weights"


def shipped_weights(model_type: str) -> Path:
    """The weights file of ``model_type`` (one of ``SHIPPED_MODELS``): that of the user's folder, or the one that ships.

    Raises:
        UserError: ``MASKGAN_WEIGHTS`` names no folder, or one without weights.
        MaskGANError: the file is not there, so the installation is incomplete.
    """
    own = _own_folder()
    if own is not None and (path := own / _file_name(model_type)).is_file():
        return path
    path = weights_folder() / _file_name(model_type)
    if not path.is_file():
        raise MaskGANError(f"{path}: the weights that ship with the package are missing; install it again")
    return path


def shipped_directions() -> Path:
    """The directions in the MaskVAE's codes (see ``maskgan.editing.mask_directions``).

    Those that ship belong to the MaskVAE that ships: with another one, the file may not be there.

    Raises:
        UserError: as for ``shipped_weights``.
    """
    return shipped_weights("mask-vae").parent / "mask-directions.safetensors"


def portrait(number: int) -> tuple[Path, Path]:
    """A rendered sample portrait (1..9) and its mask."""
    folder = _HERE / "portraits"
    return folder / f"portrait-{number}.jpg", folder / f"portrait-{number}.png"


def _own_folder() -> Path | None:
    named = os.environ.get(WEIGHTS_VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise UserError(f"{WEIGHTS_VARIABLE}={named}: no such folder; unset it to use the weights that ship")
    if not any((folder / _file_name(model_type)).is_file() for model_type in SHIPPED_MODELS):
        names = ", ".join(_file_name(model_type) for model_type in SHIPPED_MODELS)
        raise UserError(f"{WEIGHTS_VARIABLE}={named}: holds no weights; their files are named {names}")
    return folder


def _file_name(model_type: str) -> str:
    return f"{model_type}.safetensors"
