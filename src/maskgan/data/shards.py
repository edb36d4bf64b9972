"""Writing pairs into tar shards, WebDataset's way: picture and mask of one name follow each other."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from maskgan.files import atomic_path
from maskgan.images import Picture, encode_label_map
from maskgan.labels import LabelMap, check_labels

JPEG_QUALITY = 95


@dataclass(frozen=True)
class EncodedPair:
    """A pair as the bytes of its two files.

    Attributes:
        key: its name in the collection.
        suffix: of the picture's file, with the dot; not ``.png``, which is the mask's.
        picture: the picture's file.
        label_map: the mask's PNG file.
    """

    key: str
    suffix: str
    picture: bytes
    label_map: bytes


def encode_pair(key: str, picture: Picture, label_map: LabelMap) -> EncodedPair:
    """Encode a pair as JPEG (quality 95, full colour resolution) and palette PNG.

    Raises:
        UserError: a label is over 18.
    """
    check_labels(label_map, key)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return EncodedPair(key, ".jpg", buffer.getvalue(), encode_label_map(label_map))


def write_shard(path: Path, pairs: Iterable[EncodedPair]) -> None:
    """Write a tar file; the same pairs give the same bytes, at any time and for any user.

    Raises:
        UserError: it cannot be written; nothing is left half-written.
    """
    with atomic_path(path) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as shard:
        for pair in pairs:
            for suffix, content in ((pair.suffix, pair.picture), (".png", pair.label_map)):
                # A fresh TarInfo carries time 0, user 0 and mode 644.
                member = tarfile.TarInfo(f"{pair.key}{suffix}")
                member.size = len(content)
                shard.addfile(member, io.BytesIO(content))


def shard_path(folder: Path, number: int) -> Path:
    """``folder/faces-00000.tar`` and so on."""
    return folder / f"faces-{number:05d}.tar"
