"""Damaged metadata costs itself at most: never the picture, never a warning of a library."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskgan.images.exif as exif_blocks
from maskgan.images import Picture, decode_source, encode_source, read_picture, read_source
from maskgan.provenance import write_edited

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def picture() -> Picture:
    return np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)


def exif() -> bytes:
    """An EXIF block with orientation 1, text, fractions and a directory within."""
    block = Image.Exif()
    block[0x0112], block[0x010F] = 1, "Maker"
    block[0x8769] = {0x9003: "2026:01:02 03:04:05", 0xA002: 40, 0x829A: 0.005}
    block[0x8825] = {1: "N", 2: (1.0, 2.0, 3.0)}
    return block.tobytes().removeprefix(b"Exif\0\0")


def save(path: Path, block: bytes) -> Path:
    Image.fromarray(picture()).save(path, exif=b"Exif\0\0" + block)
    return path


def damaged(block: bytes, seed: int) -> bytes:
    generator = np.random.default_rng(seed)
    data = bytearray(block)
    for _ in range(int(generator.integers(1, 4))):
        data[int(generator.integers(8, len(data)))] = int(generator.integers(256))
    return bytes(data[: len(data) - int(generator.integers(0, 30))])


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg", ".webp"])
def test_damaged_exif_never_costs_the_picture(tmp_path: Path, suffix: str) -> None:
    edited = picture() ^ np.uint8(8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(150):
            source = read_source(save(tmp_path / "a.png", damaged(exif(), seed)))
            if source.picture.shape != edited.shape:  # turned, as the damaged block says
                continue
            write_edited(tmp_path / f"b{suffix}", edited, source)
            if suffix != ".jpg":
                assert (read_picture(tmp_path / f"b{suffix}") == edited).all()


def test_fields_that_a_tiff_cannot_hold_are_left_out_and_said_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Unwritable(dict[int, object]):
        def load(self, _: bytes) -> None:
            raise TypeError("The fill character must be a unicode character, not bytes")

    source = read_source(save(tmp_path / "a.png", exif()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("maskgan.images.metadata.Image.Exif", Unwritable)
        write_edited(tmp_path / "b.tif", picture(), source)
    assert "b.tif: a TIFF cannot hold its damaged EXIF fields; they are left out" in caplog.text
    assert (read_picture(tmp_path / "b.tif") == picture()).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_xmp_alone_is_obeyed_once(tmp_path: Path, orientation: int) -> None:
    Image.fromarray(picture()).save(tmp_path / "a.png", exif=exif())
    Image.fromarray(picture()).save(tmp_path / "b.jpg", xmp=XMP % orientation, quality=100, subsampling=0)
    source = read_source(tmp_path / "b.jpg")
    assert source.picture.shape[:2] == ((40, 24) if orientation > 4 else (24, 40))
    kept = decode_source(io.BytesIO(encode_source(source)), "kept")
    assert (kept.picture == source.picture).all()
    for suffix in (".png", ".tif", ".webp"):
        write_edited(tmp_path / f"c{suffix}", source.picture ^ np.uint8(1), source)
        assert (read_picture(tmp_path / f"c{suffix}") == source.picture ^ np.uint8(1)).all()
    write_edited(tmp_path / "same.jpg", source.picture, source)
    assert (read_picture(tmp_path / "same.jpg") == source.picture).all()


@pytest.mark.parametrize("cut", range(1, 30, 4))
def test_only_the_first_picture_of_a_gif_is_needed(tmp_path: Path, cut: int) -> None:
    frames = [Image.fromarray(picture() // np.uint8(8 * n + 8)).quantize(16) for n in range(2)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    data = buffer.getvalue()
    second = data.rfind(b"\x2c\0\0\0\0")  # the second picture's header
    (tmp_path / "a.gif").write_bytes(data[: second + cut])
    (tmp_path / "b.gif").write_bytes(data)
    assert (read_picture(tmp_path / "a.gif") == read_picture(tmp_path / "b.gif")).all()


ENTRIES = 3000
SIZES = struct.pack("<HHIIHHII", 0xA002, 4, 1, 40, 0xA003, 4, 1, 24)


def many_pointers(kind: str) -> bytes:
    """An EXIF block whose first directory, of orientation 6, points thousands of times."""
    inner = {"one directory": SIZES, "places side by side": b"\xff" * 5000}.get(kind, b"")
    first = 10 + len(inner) + 4
    sizes = b"" if inner else SIZES
    number = ENTRIES + len(sizes) // 12
    end = first + 2 + 12 * (number + 1)  # where the link stands
    targets = {
        "itself": [first] * ENTRIES,
        "one directory": [8] * ENTRIES,
        "places side by side": [10 + i for i in range(ENTRIES)],
        "all entries": [first + 2 + 12 * i for i in range(ENTRIES)],
    }[kind]
    pointers = b"".join(struct.pack("<HHII", 0x8769, 4, 1, target) for target in targets)
    block = struct.pack("<I", first) + struct.pack("<H", len(inner) // 12) + inner + bytes(4)
    block += struct.pack("<HHHIHH", number + 1, 0x112, 3, 1, 6, 0) + pointers + sizes
    assert len(block) + 4 == end
    return b"II*\0" + block + struct.pack("<I", first)


@pytest.mark.parametrize("kind", ["itself", "one directory", "places side by side", "all entries"])
def test_pointers_of_exif_are_followed_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    class Counted(exif_blocks._Entry):
        def __new__(cls, *values: int) -> Counted:
            nonlocal read
            read += 1
            return super().__new__(cls, *values)

    monkeypatch.setattr(exif_blocks, "_Entry", Counted)
    monkeypatch.setattr(exif_blocks, "_MAX_ENTRIES", bound := 4 * ENTRIES)
    block = many_pointers(kind)
    straight = exif_blocks.upright_exif(block, turned=True)
    assert 0 < read <= bound + ENTRIES + 3  # the link leads to the first directory again
    assert struct.unpack_from("<HHIHH", straight, straight.index(struct.pack("<HHI", 0x112, 3, 1)))[3] == 1
    assert straight[-4:] == bytes(4)
    if kind == "one directory":
        assert straight[10:34] == struct.pack("<HHIIHHII", 0xA002, 4, 1, 24, 0xA003, 4, 1, 40)  # exchanged once
    read = 0
    sized = exif_blocks.sized_exif(block, 17, 19)
    assert 0 < read <= bound
    if kind == "one directory":
        assert sized[10:34] == struct.pack("<HHIIHHII", 0xA002, 4, 1, 17, 0xA003, 4, 1, 19)


THUMBNAIL = b"\xff\xd8 before the edit \xff\xd9"


def with_thumbnail(target: int, pointers: int = 1) -> bytes:
    """An EXIF block of orientation 6 whose pointers lead to ``target``, with a thumbnail behind its last directory."""
    second = 8 + 2 + 12 * (1 + pointers) + 4
    start = second + 2 + 24 + 4
    block = b"II*\0" + struct.pack("<IHHHIHH", 8, 1 + pointers, 0x112, 3, 1, 6, 0)
    block += struct.pack("<HHII", 0x8769, 4, 1, target) * pointers + struct.pack("<I", second)
    block += struct.pack("<HHHIIHHIII", 2, 0x201, 4, 1, start, 0x202, 4, 1, len(THUMBNAIL), 0)
    return block + THUMBNAIL


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("target", "pointers"),
    [(10**6, 1), (8 + 2 + 24 + 4, 1), (8, 50)],
    ids=["outside", "thumbnail's directory", "more entries than are read"],
)
def test_no_thumbnail_stays(target: int, pointers: int, turned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exif_blocks, "_MAX_ENTRIES", 20)
    block = with_thumbnail(target, pointers)
    assert THUMBNAIL in block
    straight = exif_blocks.upright_exif(block, turned)
    link = 10 + 12 * (1 + pointers)
    assert straight[link : link + 4] == bytes(4)
    assert straight[-len(THUMBNAIL) :] == bytes(len(THUMBNAIL))
    assert struct.unpack_from("<HHIH", straight, 10) == (0x112, 3, 1, 1)
    assert len(straight) == len(block)


def test_a_file_of_many_exif_pointers_is_read_and_written(tmp_path: Path) -> None:
    source = read_source(save(tmp_path / "a.png", many_pointers("itself")))
    assert source.picture.shape == (40, 24, 3)
    for suffix in (".png", ".tif", ".webp"):
        write_edited(tmp_path / f"b{suffix}", source.picture ^ np.uint8(1), source)
        assert (read_picture(tmp_path / f"b{suffix}") == source.picture ^ np.uint8(1)).all()
