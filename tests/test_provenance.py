"""Edited pictures carry IPTC's mark in every format that can hold one."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from maskgan.images import SourceImage, read_picture, read_source, write_picture
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


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_what_was_not_changed_gets_no_mark(tmp_path: Path, suffix: str) -> None:
    path, own, other = (tmp_path / f"{name}{suffix}" for name in ("plain", "own", "again"))
    write_edited(tmp_path / "bare.png", PICTURE, SourceImage.plain(PICTURE), changed=False)
    assert "XML:com.adobe.xmp" not in Image.open(tmp_path / "bare.png").info
    write_picture(path, PICTURE)
    source = read_source(path)
    write_edited(own, source.picture, source, changed=False)
    assert b"DigitalSourceType" not in own.read_bytes()
    assert suffix != ".jpg" or own.read_bytes() == path.read_bytes()
    # The mark that a source has stays.
    write_edited(own, source.picture, source)
    marked = read_source(own)
    write_edited(other, marked.picture, marked, changed=False)
    assert DIGITAL_SOURCE_TYPE.encode() in other.read_bytes()
    np.testing.assert_array_equal(read_picture(other), source.picture)
