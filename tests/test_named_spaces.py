"""Colour spaces that files name without a profile: EXIF's Adobe RGB, PNG's cICP and gAMA with cHRM."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from maskgan.images import Picture, decode_source, encode_source, read_picture, read_source
from maskgan.images.named_spaces import matrix_profile
from maskgan.provenance import write_edited

SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))
PRIMARIES = {
    1: SRGB_PRIMARIES,
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290)),
    12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.3290)),
}
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290))


def colours() -> Picture:
    """Colours that lie inside sRGB in all of these spaces."""
    generator = np.random.default_rng(0)
    grey = generator.integers(60, 190, (40, 48, 1))
    return (grey + generator.integers(-25, 26, (40, 48, 3))).astype(np.uint8)


def to_xyz(primaries: tuple[tuple[float, float], ...]) -> np.ndarray:
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])


def by_hand(pixels: Picture, primaries: tuple[tuple[float, float], ...], gamma: float | None) -> np.ndarray:
    """What sRGB shows of numbers in a space of white D65 and a power, or of sRGB's curve for ``None``."""
    values = pixels / 255
    if gamma is not None:
        light = values**gamma
    else:
        light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    light = (light @ (np.linalg.inv(to_xyz(SRGB_PRIMARIES)) @ to_xyz(primaries)).T).clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def exif(space: int, index: str | None) -> bytes:
    block = Image.Exif()
    block[0x0112] = 1
    block[0x8769] = {0xA001: space} | ({0xA005: {1: index}} if index else {})
    return block.tobytes()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(path: Path, pixels: Picture, *chunks: tuple[bytes, bytes]) -> Path:
    info = PngInfo()
    for kind, body in chunks:
        info.add(kind, body)
    Image.fromarray(pixels).save(path, pnginfo=info)
    return path


def gamma_chunk(gamma: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(gamma * 100_000))


def chromaticity_chunk(primaries: tuple[tuple[float, float], ...]) -> tuple[bytes, bytes]:
    *rgb, white = primaries
    return b"cHRM", struct.pack(">8I", *(round(v * 100_000) for v in np.ravel([white, *rgb])))


@pytest.mark.parametrize(("space", "index"), [(65535, "R03"), (2, None)])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_adobe_rgb_that_exif_alone_names_is_converted(
    tmp_path: Path, space: int, index: str | None, suffix: str
) -> None:
    options = {".jpg": {"quality": 100, "subsampling": 0}, ".webp": {"lossless": True}, ".png": {}}[suffix]
    Image.fromarray(colours()).save(tmp_path / f"a{suffix}", exif=exif(space, index), **options)
    source = read_source(tmp_path / f"a{suffix}")
    assert np.abs(source.picture - by_hand(source.own, ADOBE, 563 / 256)).max() < 2.5
    assert np.abs(source.picture.astype(int) - source.own).max() > 5


@pytest.mark.parametrize(("space", "index"), [(1, "R98"), (65535, None), (65535, "R98"), (1, None)])
def test_other_marks_of_exif_mean_srgb(tmp_path: Path, space: int, index: str | None) -> None:
    Image.fromarray(colours()).save(tmp_path / "a.png", exif=exif(space, index))
    assert (read_picture(tmp_path / "a.png") == colours()).all()


def test_a_profile_comes_before_what_exif_names(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(colours()).save(tmp_path / "a.png", exif=exif(65535, "R03"), icc_profile=srgb)
    assert (read_picture(tmp_path / "a.png") == colours()).all()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_what_is_written_of_it_carries_a_profile(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(colours()).save(tmp_path / "a.jpg", exif=exif(65535, "R03"), quality=95)
    source = read_source(tmp_path / "a.jpg")
    result = source.picture.copy()
    result[:8, :8] = 128
    write_edited(tmp_path / f"b{suffix}", result, source)
    again = read_source(tmp_path / f"b{suffix}")
    assert (again.own[8:] == source.own[8:]).all() and (again.picture[8:] == source.picture[8:]).all()
    assert np.abs(again.picture[:8, :8].astype(int) - 128).max() <= 2
    assert again.metadata.icc_profile == source.metadata.icc_profile != b""


@pytest.mark.parametrize("primaries", [1, 9, 12])
@pytest.mark.parametrize(("transfer", "gamma"), [(13, None), (4, 2.2), (8, 1.0)])
def test_cicp_is_obeyed_and_kept(tmp_path: Path, primaries: int, transfer: int, gamma: float | None) -> None:
    path = png_with(tmp_path / "a.png", colours(), (b"cICP", bytes([primaries, transfer, 0, 1])), gamma_chunk(0.9))
    source = read_source(path)
    shown = by_hand(colours(), PRIMARIES[primaries], gamma)
    assert np.abs(source.picture - shown).max() < 3
    assert (source.own == colours()).all()
    write_edited(tmp_path / "b.png", source.picture, source)
    kept = decode_source(io.BytesIO(encode_source(source)), "kept")
    again = read_source(tmp_path / "b.png")
    for other in (again, kept):
        assert (other.picture == source.picture).all() and (other.own == source.own).all()
    if (primaries, transfer) != (1, 13):
        assert b"cICP" in (tmp_path / "b.png").read_bytes() and b"iCCP" not in (tmp_path / "b.png").read_bytes()
        write_edited(tmp_path / "c.tif", source.picture, source)
        assert (read_picture(tmp_path / "c.tif") == source.picture).all()


@pytest.mark.parametrize("body", [b"\x09\x10\0\1", b"\x09\x12\0\1", b"\x02\x02\0\1", b"\x0c\x0d\1\1", b"\x0c\x0d\0\0"])
def test_unknown_cicp_is_said(tmp_path: Path, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = png_with(tmp_path / "a.png", colours(), (b"cICP", body))
    assert (read_picture(path) == colours()).all()
    assert f"a.png: its colours are of a kind that is not known (cICP {body[0]}/" in caplog.text


@pytest.mark.parametrize("gamma", [1.0, 0.55, 0.35])
@pytest.mark.parametrize("primaries", [None, 12])
@pytest.mark.parametrize("grey", [False, True])
def test_gamma_and_chromaticities_are_obeyed_and_kept(
    tmp_path: Path, gamma: float, primaries: int | None, grey: bool
) -> None:
    own = colours()[..., 0] if grey else colours()
    chunks = [gamma_chunk(gamma)] + ([chromaticity_chunk(PRIMARIES[primaries])] if primaries else [])
    source = read_source(png_with(tmp_path / "a.png", own, *chunks))
    three = np.repeat(own[..., None], 3, axis=-1) if grey else own
    assert np.abs(source.picture - by_hand(three, PRIMARIES[primaries or 1], 1 / gamma)).max() < 3.5
    for suffix in (".png", ".tif", ".webp"):
        write_edited(tmp_path / f"b{suffix}", source.picture, source)
        again = read_source(tmp_path / f"b{suffix}")
        assert (again.picture == source.picture).all() and (again.own == three).all()


@pytest.mark.parametrize(
    "chunks",
    [
        [gamma_chunk(0.45455)],
        [gamma_chunk(0.45455), chromaticity_chunk(SRGB_PRIMARIES)],
        [(b"sRGB", b"\0"), gamma_chunk(1.0)],
        [chromaticity_chunk(PRIMARIES[12])],
        [gamma_chunk(0.0)],
        [gamma_chunk(1.0), chromaticity_chunk(((0.3, 0.3),) * 4)],
        [(b"cICP", bytes([1, 13, 0, 1])), gamma_chunk(1.0)],
    ],
)
def test_what_says_srgb_or_nothing_changes_nothing(tmp_path: Path, chunks: list[tuple[bytes, bytes]]) -> None:
    assert (read_picture(png_with(tmp_path / "a.png", colours(), *chunks)) == colours()).all()


def test_profiles_are_what_colour_engines_read() -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(matrix_profile(ADOBE, (563 / 256,), "Adobe RGB (1998)")))
    assert ImageCms.getProfileDescription(profile).strip() == "Adobe RGB (1998)"
    # ICC's own numbers for Adobe RGB (1998), adapted to D50.
    red, green, blue = (getattr(profile.profile, f"{name}_colorant")[0] for name in ("red", "green", "blue"))
    np.testing.assert_allclose(red, (0.60974, 0.31111, 0.01947), atol=0.0006)
    np.testing.assert_allclose(green, (0.20528, 0.62567, 0.06087), atol=0.0006)
    np.testing.assert_allclose(blue, (0.14919, 0.06322, 0.74457), atol=0.0006)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_the_size_that_exif_tells_is_the_pictures(tmp_path: Path, order: str, suffix: str) -> None:
    from dataclasses import replace

    block = Image.Exif()
    block.endian = order
    block[0x8769] = {0xA002: 4000, 0xA003: 3000, 0x9003: "2026:01:02 03:04:05"}
    Image.fromarray(colours()).save(tmp_path / "a.png", exif=block.tobytes())
    whole = read_source(tmp_path / "a.png")
    crop = replace(whole, picture=whole.picture[:20, :30], own=whole.own[:20, :30])
    for source, size in ((whole, (48, 40)), (crop, (30, 20))):
        write_edited(tmp_path / f"b{suffix}", source.picture ^ np.uint8(1), source)
        with Image.open(tmp_path / f"b{suffix}") as image:
            seen = image.getexif().get_ifd(0x8769)
        assert (seen[0xA002], seen[0xA003]) == size and seen[0x9003] == "2026:01:02 03:04:05"
