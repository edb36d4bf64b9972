"""Photographs keep what they carry: colour profiles, EXIF, IPTC, XMP, quality; hostile files are refused early."""

from __future__ import annotations

import logging
import os
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, JpegImagePlugin, TiffImagePlugin

from maskgan.errors import UserError
from maskgan.images import Picture, read_label_map, read_picture, read_source, write_label_map
from maskgan.provenance import DIGITAL_SOURCE_TYPE, write_edited

PRIMARIES = {
    # xy of red, green and blue, white point and gamma, as the standards give them.
    "adobe-rgb": ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290), 2.19921875),
    "display-p3": ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.3290), 2.2),
    "prophoto": ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585), 1.8),
}
D50 = np.array([0.9642, 1.0, 0.8249])
LOSSLESS = (".png", ".tif", ".webp")
FORMATS = {".png": "PNG", ".tif": "TIFF", ".webp": "WEBP", ".jpg": "JPEG"}


def colour_matrix(space: str) -> np.ndarray:
    """3 x 3, from linear RGB to XYZ under D50 (Bradford), as ICC profiles have it."""
    *primaries, white, _ = PRIMARIES[space]
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white_xyz = np.array([white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])
    matrix = columns * np.linalg.solve(columns, white_xyz)
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = np.diag((bradford @ D50) / (bradford @ white_xyz))
    return np.linalg.inv(bradford) @ scale @ bradford @ matrix


def profile_of(space: str) -> bytes:
    """An ICC profile (version 2, matrix and gamma) of one of ``PRIMARIES``."""

    def xyz(values: np.ndarray) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(v) * 65536) for v in values))

    matrix, gamma = colour_matrix(space), PRIMARIES[space][-1]
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = space.encode() + b"\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz(D50),
        **{name + b"XYZ": xyz(matrix[:, i]) for i, name in enumerate((b"r", b"g", b"b"))},
        **{name + b"TRC": curve for name in (b"r", b"g", b"b")},
    }
    directory, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += b"\0" * (-len(data) % 4)
        directory += name + struct.pack(">II", start + len(body), len(data))
        body += data
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(v * 65536) for v in D50))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + directory + body


def srgb_by_hand(pixels: np.ndarray, space: str) -> np.ndarray:
    """What sRGB shows of H x W x 3 numbers in a space, computed from the standards."""
    linear = (pixels / 255) ** PRIMARIES[space][-1]
    srgb = np.array(
        [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
    )
    values = (linear @ (np.linalg.inv(srgb) @ colour_matrix(space)).T).clip(0, 1)
    return 255 * np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)


def colourful(height: int = 48, width: int = 64) -> Picture:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 255 // height, columns * 255 // width, 255 - columns * 3], -1).astype(np.uint8)


def camera_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Model 7", orientation
    exif[0x0132] = "2024:05:06 07:08:09"
    exif.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0x829A: TiffImagePlugin.IFDRational(1, 125)})
    north = tuple(TiffImagePlugin.IFDRational(v, 1) for v in (52, 31, 12))
    exif.get_ifd(0x8825).update({1: "N", 2: north, 3: "E", 4: north})
    return exif


def seen_exif(path: Path) -> dict[str, object]:
    with Image.open(path) as image:
        exif = image.getexif()
        return {
            "orientation": exif.get(0x0112, 1),
            "model": exif.get(0x0110),
            "date": exif.get_ifd(0x8769).get(0x9003),
            "exposure": exif.get_ifd(0x8769).get(0x829A),
            "gps": {key: exif.get_ifd(0x8825).get(key) for key in (1, 2, 3, 4)},
        }


def xmp_of(path: Path) -> str:
    with Image.open(path) as image:
        image.load()
        packet = image.info.get("xmp") or image.info["XML:com.adobe.xmp"]
        return packet if isinstance(packet, str) else packet.decode()


def edited(picture: Picture) -> Picture:
    result = picture.copy()
    result[10:20, 10:30] = (200, 120, 90)
    return result


@pytest.mark.parametrize("space", PRIMARIES)
def test_profiles_are_shown_as_the_standards_say(tmp_path: Path, space: str) -> None:
    own = colourful()
    Image.fromarray(own).save(tmp_path / "a.png", icc_profile=profile_of(space))
    shown = srgb_by_hand(own.astype(float), space)
    read = read_picture(tmp_path / "a.png").astype(float)
    inside = ((shown > 2) & (shown < 253)).all(axis=-1)  # beyond sRGB, clipping is the engine's own
    assert inside.mean() > 0.1
    assert np.abs(read - shown)[inside].max() < 6 and np.abs(read - shown)[inside].mean() < 1.5
    assert np.abs(read - own).mean() > 3


@pytest.mark.parametrize("space", PRIMARIES)
@pytest.mark.parametrize("suffix", FORMATS)
def test_unedited_pixels_keep_their_numbers_and_their_profile(tmp_path: Path, space: str, suffix: str) -> None:
    own, path, out = colourful(), tmp_path / f"a{suffix}", tmp_path / f"out{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {"quality": 98, "subsampling": 0} if suffix == ".jpg" else {}
    Image.fromarray(own).save(path, FORMATS[suffix], icc_profile=profile_of(space), **options)
    source = read_source(path)
    for result in (source.picture, edited(source.picture)):
        write_edited(out, result, source)
        with Image.open(out) as image:
            assert image.info["icc_profile"] == profile_of(space)
            written = np.asarray(image)
        same = (result == source.picture).all(axis=-1)
        if suffix != ".jpg" or same.all():
            assert (written == source.own)[same].all()
        else:
            assert np.abs(written.astype(int) - source.own)[same].mean() < 1.5
    changed = read_picture(out)[10:20, 10:30].astype(int)
    assert np.abs(changed - edited(source.picture)[10:20, 10:30]).mean() < (4 if suffix == ".jpg" else 2)


def test_srgb_profiles_change_nothing(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(colourful()).save(tmp_path / "a.png", icc_profile=srgb)
    source = read_source(tmp_path / "a.png")
    assert source.space is None and (source.picture == colourful()).all()
    write_edited(tmp_path / "b.png", edited(source.picture), source)
    with Image.open(tmp_path / "b.png") as image:
        assert image.info["icc_profile"] == srgb


def test_a_damaged_profile_is_named_and_kept_out_of_the_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(colourful()).save(tmp_path / "a.png", icc_profile=b"no profile" * 20)
    assert (read_picture(tmp_path / "a.png") == colourful()).all()
    assert "a.png: its colour profile cannot be used" in caplog.text


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", FORMATS)
def test_orientation_is_obeyed_and_set_right(tmp_path: Path, orientation: int, suffix: str) -> None:
    path, out = tmp_path / f"a{suffix}", tmp_path / f"out{suffix}"
    lossless = (
        {"lossless": True} if suffix == ".webp" else {"quality": 95, "subsampling": 0} if suffix == ".jpg" else {}
    )
    Image.fromarray(colourful()).save(path, FORMATS[suffix], exif=camera_exif(orientation), **lossless)
    source = read_source(path)
    turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: -1, 6: -1, 7: 1, 8: 1}
    expected = np.rot90(colourful(), turns[orientation])
    if orientation in (2, 4, 5, 7):
        expected = expected[:, ::-1]
    assert np.abs(source.picture.astype(int) - expected).max() <= (8 if suffix == ".jpg" else 0)
    write_edited(out, edited(source.picture), source)
    assert read_picture(out).shape == source.picture.shape
    assert seen_exif(out) == {**seen_exif(path), "orientation": 1}
    write_edited(out, source.picture, source)
    assert (read_picture(out) == source.picture).all()


def test_masks_obey_orientation_as_photographs_do(tmp_path: Path) -> None:
    label_map = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64) % 19
    for orientation in range(1, 9):
        exif = camera_exif(orientation)
        Image.fromarray(label_map).save(tmp_path / "mask.png", exif=exif)
        Image.fromarray(label_map).convert("RGB").save(tmp_path / "photo.png", exif=exif)
        read = read_label_map(tmp_path / "mask.png", "celebamask-hq")
        assert (read == read_picture(tmp_path / "photo.png")[..., 0]).all()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_exif_travels_between_formats(tmp_path: Path, suffix: str, target: str) -> None:
    Image.fromarray(colourful()).save(tmp_path / f"a{suffix}", FORMATS[suffix], exif=camera_exif(6))
    source = read_source(tmp_path / f"a{suffix}")
    write_edited(tmp_path / f"b{target}", edited(source.picture), source)
    assert seen_exif(tmp_path / f"b{target}") == {**seen_exif(tmp_path / f"a{suffix}"), "orientation": 1}
    assert DIGITAL_SOURCE_TYPE in xmp_of(tmp_path / f"b{target}")


def test_the_thumbnail_of_the_unedited_face_is_removed(tmp_path: Path) -> None:
    exif = camera_exif()
    exif.get_ifd(1).update({0x0103: 6, 0x0201: 0, 0x0202: 0})
    thumbnail = BytesIO()
    Image.fromarray(colourful()).resize((32, 24)).save(thumbnail, "JPEG")
    block = exif.tobytes()
    start = block.find(b"Exif\0\0") + 6
    data = bytearray(block[start:] + thumbnail.getvalue())
    order = "<" if data[:2] == b"II" else ">"
    first = struct.unpack_from(order + "I", data, 4)[0]
    link = first + 2 + 12 * struct.unpack_from(order + "H", data, first)[0]
    second = len(data)
    struct.pack_into(order + "I", data, link, second)
    place = len(data) - len(thumbnail.getvalue())
    entries = [(0x0201, place), (0x0202, len(thumbnail.getvalue()))]
    data += struct.pack(order + "H", 2) + b"".join(struct.pack(order + "HHII", t, 4, 1, v) for t, v in entries)
    data += bytes(4)
    Image.fromarray(colourful()).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + bytes(data))
    assert thumbnail.getvalue() in (tmp_path / "a.jpg").read_bytes()
    source = read_source(tmp_path / "a.jpg")
    write_edited(tmp_path / "b.jpg", edited(source.picture), source)
    assert thumbnail.getvalue()[:200] not in (tmp_path / "b.jpg").read_bytes()
    assert seen_exif(tmp_path / "b.jpg") == seen_exif(tmp_path / "a.jpg")


IPTC = b"\x1c\x02\x50\x00\x09A. Author" + b"\x1c\x02\x78\x00\x07Caption"


@pytest.mark.parametrize("target", [".jpg", ".png", ".tif"])
def test_iptc_survives(tmp_path: Path, target: str) -> None:
    segment = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0" * (len(IPTC) % 2)
    extra = b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment
    Image.fromarray(colourful()).save(tmp_path / "a.jpg", extra=extra)
    source = read_source(tmp_path / "a.jpg")
    assert source.metadata.iptc == IPTC
    out = tmp_path / f"b{target}"
    write_edited(out, edited(source.picture), source)
    assert read_source(out).metadata.iptc == IPTC


def test_own_xmp_survives_beside_the_mark(tmp_path: Path) -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<r:Description r:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        'xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" e:DigitalSourceType="http://old" tiff:Orientation="6" '
        'dc:format="image/jpeg"/></r:RDF></x:xmpmeta>'
    )
    Image.fromarray(colourful()).save(tmp_path / "a.jpg", xmp=packet.encode())
    source = read_source(tmp_path / "a.jpg")
    assert source.picture.shape == (64, 48, 3)  # turned as its XMP says
    for out in (tmp_path / "b.jpg", tmp_path / "b.png", tmp_path / "b.webp", tmp_path / "b.tif"):
        write_edited(out, edited(source.picture), source)
        text = xmp_of(out)
        assert DIGITAL_SOURCE_TYPE in text and "http://old" not in text
        assert 'dc:format="image/jpeg"' in text and 'tiff:Orientation="1"' in text
        assert read_picture(out).shape == source.picture.shape
    write_edited(tmp_path / "c.jpg", source.picture, source)
    assert (read_picture(tmp_path / "c.jpg") == source.picture).all()


@pytest.mark.parametrize(("quality", "subsampling"), [(30, 2), (75, 2), (85, 1), (98, 0)])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpegs_keep_their_quality(tmp_path: Path, quality: int, subsampling: int, progressive: bool) -> None:
    options = {"quality": quality, "subsampling": subsampling, "progressive": progressive}
    Image.fromarray(colourful()).save(tmp_path / "a.jpg", **options)
    source = read_source(tmp_path / "a.jpg")
    write_edited(tmp_path / "b.jpg", edited(source.picture), source)
    with Image.open(tmp_path / "a.jpg") as a, Image.open(tmp_path / "b.jpg") as b:
        assert a.quantization == b.quantization
        assert JpegImagePlugin.get_sampling(a) == JpegImagePlugin.get_sampling(b) == subsampling
        assert bool(b.info.get("progressive")) == progressive


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".bmp", ".jpg", ".gif"])
def test_nothing_edited_gives_the_same_pixels(tmp_path: Path, mode: str, suffix: str) -> None:
    path, out = tmp_path / f"a{suffix}", tmp_path / f"b{'.png' if suffix == '.gif' else suffix}"
    image = Image.fromarray(colourful())
    if mode in ("RGBA", "LA"):
        image = image.convert("RGBA")
        image.putalpha(Image.fromarray(colourful()[..., 1]))
    try:
        deep = Image.fromarray(colourful()[..., 0].astype(np.uint16) * 257)
        image = deep if mode == "I;16" else image.convert(mode)
        image.save(path, **({"lossless": True, "exact": True} if suffix == ".webp" else {}))
    except (OSError, KeyError, ValueError):
        pytest.skip(f"{suffix} files have no {mode}")
    source = read_source(path)
    write_edited(out, source.picture, source)
    assert (read_picture(out) == source.picture).all()
    if mode == "RGBA" and suffix in (".png", ".tif", ".webp"):
        with Image.open(out) as written:
            assert (np.asarray(written) == np.asarray(image)).all()


def test_edited_pixels_become_opaque(tmp_path: Path) -> None:
    image = Image.fromarray(colourful()).convert("RGBA")
    image.putalpha(100)
    image.save(tmp_path / "a.png")
    source = read_source(tmp_path / "a.png")
    write_edited(tmp_path / "b.png", edited(source.picture), source)
    with Image.open(tmp_path / "b.png") as written:
        alpha = np.asarray(written)[..., 3]
    assert (alpha[10:20, 10:30] == 255).all() and alpha[0, 0] == 100
    assert (read_picture(tmp_path / "b.png") == edited(source.picture)).all()


def deep_png(tmp_path: Path) -> Path:
    rows = b"".join(b"\0" + np.arange(32 * 3, dtype=">u2").tobytes() for _ in range(32))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 32, 32, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return tmp_path / "deep.png"


def test_deep_colours_are_said_to_become_eight_bits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read_picture(deep_png(tmp_path))
    assert "deep.png: has 16 bits a channel; 8 are kept" in caplog.text


@pytest.mark.parametrize("suffix", [".heic", ".avif"])
def test_phone_formats_are_read_with_what_they_carry(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    exif = camera_exif(6)
    Image.fromarray(colourful()).save(path, exif=exif.tobytes(), icc_profile=profile_of("display-p3"), quality=95)
    source = read_source(path)
    assert source.picture.shape == (64, 48, 3) and source.space is not None
    write_edited(tmp_path / "b.png", source.picture, source)
    seen = seen_exif(tmp_path / "b.png")
    assert seen["model"] == "Model 7" and seen["orientation"] == 1 and seen["gps"][1] == "N"
    assert (read_picture(tmp_path / "b.png") == source.picture).all()


def test_heic_without_its_library_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.heic").write_bytes(struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + bytes(64))
    monkeypatch.setattr("maskgan.images.formats._supported", lambda _: ("PNG", "JPEG"))
    with pytest.raises(
        UserError, match=r"a\.heic: a HEIC picture, which needs pillow-heif: pip install 'maskgan\[heif\]'"
    ):
        read_picture(tmp_path / "a.heic")


@pytest.mark.parametrize("suffix", [".avif", ".jpg", ".png", ".webp", ".tif", ".heic"])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, suffix: str) -> None:
    if suffix == ".heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    whole, random = tmp_path / f"whole{suffix}", np.random.default_rng(0)
    Image.fromarray(colourful()).save(whole)
    data = whole.read_bytes()
    for case in range(60):
        spoilt = bytearray(data[: random.integers(8, len(data))] if case % 2 else data)
        for place in random.integers(0, len(spoilt), 8):
            spoilt[place] = random.integers(0, 256)
        (tmp_path / f"a{suffix}").write_bytes(spoilt)
        try:
            read_source(tmp_path / f"a{suffix}")
        except UserError as error:
            assert f"a{suffix}: " in str(error) and "\n" not in str(error)


def test_only_the_formats_that_are_meant_are_tried(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n{ } loop\n")
    with pytest.raises(UserError, match=r"a\.jpg: not a picture that can be read"):
        read_picture(tmp_path / "a.jpg")
    opened = [
        path
        for path in (Path(__file__).parent.parent / "src").rglob("*.py")
        if "Image.open(" in path.read_text(encoding="utf-8")
    ]
    assert [path.name for path in opened] == ["formats.py"]


def test_jpegs_of_many_scans_are_refused_before_decoding(tmp_path: Path) -> None:
    Image.fromarray(colourful()).save(tmp_path / "a.jpg", progressive=True)
    data = (tmp_path / "a.jpg").read_bytes()
    assert read_picture(tmp_path / "a.jpg").shape == (48, 64, 3)
    start = data.rfind(b"\xff\xda")
    (tmp_path / "b.jpg").write_bytes(data[:start] + data[start:-2] * 3000 + data[-2:])
    with pytest.raises(UserError, match=r"b\.jpg: a JPEG of 30\d\d scans takes too long"):
        read_picture(tmp_path / "b.jpg")


def test_special_files_are_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    for read in (read_picture, read_source, read_label_map):
        with pytest.raises(UserError, match=r"a\.jpg: is a named pipe, not a file"):
            read(tmp_path / "a.jpg")


def test_an_edit_without_a_source_is_written_as_before(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="maskgan"):
        for suffix in (".png", ".tif", ".webp", ".bmp"):
            write_edited(tmp_path / f"a{suffix}", colourful())
            assert (read_picture(tmp_path / f"a{suffix}") == colourful()).all()
    write_label_map(tmp_path / "m.png", np.zeros((20, 20), dtype=np.uint8))
    assert caplog.text == ""
