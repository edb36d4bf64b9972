"""Files that ship with the package: weights and sample portraits."""

from __future__ import annotations

from pathlib import Path

from maskgan.errors import MaskGANError

SHIPPED_KINDS = ("dense-mapping", "mask-vae", "parser", "attributes", "identity")
"""The kinds of networks whose weights ship."""

_HERE = Path(__file__).parent


def shipped_weights(kind: str) -> Path:
    """The weights file of ``kind`` (one of ``SHIPPED_KINDS``) that ships with the package.

    Raises:
        MaskGANError: it is not there, so the installation is incomplete.
    """
    path = _HERE / "weights" / f"{kind}.safetensors"
    if not path.is_file():
        raise MaskGANError(f"{path}: the weights that ship with the package are missing; install it again")
    return path


def shipped_directions() -> Path:
    """The directions in the shipped MaskVAE's codes (see ``maskgan.editing.mask_directions``)."""
    return _HERE / "weights" / "mask-directions.safetensors"


def portrait(number: int) -> tuple[Path, Path]:
    """A rendered sample portrait (1..9) and its mask."""
    folder = _HERE / "portraits"
    return folder / f"portrait-{number}.jpg", folder / f"portrait-{number}.png"
