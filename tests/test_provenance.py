"""Edited pictures carry IPTC's mark in every format that can hold one."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from maskgan.images import read_picture
from maskgan.provenance import DIGITAL_SOURCE_TYPE, encode_edited, write_edited

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 24, 3), dtype=np.uint8)


def source_type(image: Image.Image) -> str | None:
    """The mark, read as an XML parser reads the packet that Pillow finds in the file."""
    image.load()
    packet = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
    description = ElementTree.fromstring(packet).find(".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    assert description is not None
    return description.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_the_mark_is_read_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"face{suffix}"
    write_edited(path, PICTURE)
    with Image.open(path) as image:
        assert source_type(image) == DIGITAL_SOURCE_TYPE
    assert read_picture(path).shape == PICTURE.shape


def test_the_pixels_are_those_given() -> None:
    encoded = encode_edited(PICTURE, "png")
    assert np.array_equal(np.asarray(Image.open(BytesIO(encoded))), PICTURE)
    assert source_type(Image.open(BytesIO(encode_edited(PICTURE, "jpeg")))) == DIGITAL_SOURCE_TYPE


def test_bmp_is_written_without(tmp_path: Path) -> None:
    write_edited(tmp_path / "face.bmp", PICTURE)
    assert np.array_equal(read_picture(tmp_path / "face.bmp"), PICTURE)
