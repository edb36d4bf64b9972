"""Data sets as people have them: pairs in many layouts, and tar files as many tools make them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from maskgan.data.pairs import FacePair
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.labels import convert_order

PAIRS = SyntheticPairs(6, 32)
NAMES = ["00000", "my face 1", "a.b.c", "Müller, Jörg", "#5 %20", "笑顔"]


def picture_bytes(pair: FacePair, kind: str = "JPEG") -> bytes:
    """The picture's file."""
    return _bytes(pair.picture, kind)


def mask_bytes(pair: FacePair, kind: str = "PNG", order: str = "celebamask-hq") -> bytes:
    """The mask's file, grey indices in a label order."""
    return _bytes(convert_order(pair.label_map, "celebamask-hq", order), kind)


def _bytes(pixels: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def write(path: Path, content: bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def layout(folder: Path, pictures: str, masks: str, names: Iterable[str] = NAMES, order: str = "celebamask-hq") -> Path:
    """Write pairs under names such as ``images/{}.jpg`` and ``masks/{}.png``."""
    kinds = {".png": "PNG", ".bmp": "BMP", ".tif": "TIFF", ".jpg": "JPEG", ".webp": "WEBP"}
    for pair, name in zip(PAIRS, names, strict=False):
        picture, mask = pictures.format(name), masks.format(name)
        write(folder / picture, picture_bytes(pair, kinds[Path(picture).suffix.lower()]))
        write(folder / mask, mask_bytes(pair, kinds[Path(mask).suffix.lower()], order))
    return folder


def pack(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    """Write a tar file."""
    with tarfile.open(path, "w") as shard:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            shard.addfile(member, io.BytesIO(content))
    return path


def members(*indices: int, prefix: str = "") -> list[tuple[str, bytes]]:
    """The files of some of ``PAIRS``, each picture before its mask."""
    found = []
    for index in indices:
        pair = PAIRS[index]
        found += [(f"{prefix}{pair.key}.jpg", picture_bytes(pair)), (f"{prefix}{pair.key}.png", mask_bytes(pair))]
    return found
