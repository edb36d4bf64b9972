"""What rendering commands open before they begin."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from maskgan.assets import shipped_weights
from maskgan.editing.face_detection import FaceDetector
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.editing.session import FaceEditor
from maskgan.errors import UserError
from maskgan.files import require_replaceable
from maskgan.images import check_picture_path
from maskgan.images.content_credentials import SIGNED_SUFFIXES, Signer, open_signer


def open_editor(weights: str | None, device: str, precision: str) -> FaceEditor:
    """An editor with the weights asked for, or those that ship."""
    path = shipped_weights("edit") if weights is None else Path(weights)
    return FaceEditor.from_weights(path, device, "bf16" if precision == "bf16" else "fp32")


def open_manifold(mask_vae: Path | None, device: str) -> MaskManifold:
    """MaskVAE with the weights asked for, or those that ship."""
    return MaskManifold.from_weights(shipped_weights("mask-vae") if mask_vae is None else mask_vae, device)


def open_detector(device: str) -> FaceDetector:
    """The face detector that ships."""
    return FaceDetector.from_weights(shipped_weights("face-detector"), device)


def open_signer_for(sign: tuple[Path, Path] | None, outputs: Sequence[Path]) -> Signer | None:
    """Who signs the outputs, from the two files of ``--sign``; ``None`` without them.

    Raises:
        UserError: as for ``open_signer``, or an output's format carries no content credentials.
    """
    if sign is None:
        return None
    for output in outputs:
        if check_picture_path(output) not in SIGNED_SUFFIXES:
            raise UserError(
                f"{output}: carries no content credentials; write .png, .jpg, .webp or .tif, or omit --sign"
            )
    return open_signer(*sign)


def require_writable(output: Path) -> None:
    """Refuse an output that could not be written, before any work is done.

    Raises:
        UserError: the folder is missing, ``output`` is a folder, or no picture format has its suffix.
    """
    require_writable_file(output)
    check_picture_path(output)


def require_writable_file(output: Path) -> None:
    """Refuse an output of any format that could not be written, before any work is done.

    Raises:
        UserError: the folder is missing or may not be written, or as for ``require_replaceable``.
    """
    if not output.parent.is_dir():
        raise UserError(f"{output.parent}: no such folder; create it or choose another output")
    require_replaceable(output)
    if not os.access(output.parent, os.W_OK):
        raise UserError(f"{output.parent}: this folder may not be written; choose another output")
