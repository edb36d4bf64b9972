"""Reading and writing pictures and label maps."""

from __future__ import annotations

import logging
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from label_maps import random_label_map
from maskgan import labels
from maskgan.assets import portrait
from maskgan.errors import UserError
from maskgan.images import (
    read_label_map,
    read_picture,
    reading,
    resize_label_map,
    resize_picture,
    write_label_map,
    write_picture,
)
from maskgan.images.named_spaces import NamedSpace


def gradient(height: int = 40, width: int = 60) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], -1).astype(np.uint8)


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    picture = gradient()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned a quarter clockwise
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    assert (read_picture(tmp_path / "a.png") == np.rot90(picture, -1)).all()


def test_alpha_lies_over_white(tmp_path: Path) -> None:
    rgba = np.dstack([gradient(), np.zeros((40, 60), dtype=np.uint8)])
    rgba[:20, :, 3] = 255
    Image.fromarray(rgba).save(tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png")
    assert (read[:20] == gradient()[:20]).all() and (read[20:] == 255).all()


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "LA", "1"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    Image.fromarray(gradient()).convert(mode).save(path)
    read = read_picture(path)
    assert read.shape == (40, 60, 3) and read.dtype == np.uint8


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    deep = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png")
    assert np.abs(read[..., 0].astype(float) - deep / 257.0).max() <= 0.51
    assert (read[..., 0] == read[..., 2]).all()


@pytest.mark.parametrize("form", ["grey", "palette", "sixteen", "rgb indices", "colours", "quantised colours"])
def test_labels_survive_every_form_of_mask(tmp_path: Path, form: str) -> None:
    label_map = random_label_map(0, 48, 64)
    path = tmp_path / "mask.png"
    image = Image.fromarray(label_map)
    if form == "palette":
        image.putpalette(bytes(reversed(range(256))) * 3)  # colours that mean nothing
    elif form == "sixteen":
        image = Image.fromarray(label_map.astype(np.uint16))
    elif form == "rgb indices":
        image = image.convert("RGB")
    elif form == "colours":
        image = Image.fromarray(labels.colourise(label_map))
    elif form == "quantised colours":
        image = Image.fromarray(labels.colourise(label_map)).quantize(256)
        # Palettes of painting programs have an order of their own.
        shifted = (np.asarray(image).astype(int) + 40) % 256
        palette = np.roll(np.array(image.getpalette() + [0] * 768)[:768].reshape(256, 3), 40, axis=0)
        image = Image.fromarray(shifted.astype(np.uint8))
        image.putpalette(palette.astype(np.uint8).tobytes())
    image.save(path)
    assert (read_label_map(path, "celebamask-hq") == label_map).all()


def test_written_label_maps_read_back_and_show_their_colours(tmp_path: Path) -> None:
    label_map = random_label_map(1, 48, 64)
    write_label_map(tmp_path / "mask.png", label_map)
    assert (read_label_map(tmp_path / "mask.png", "celebamask-hq") == label_map).all()
    with Image.open(tmp_path / "mask.png") as image:
        assert (np.asarray(image.convert("RGB")) == labels.colourise(label_map)).all()


def test_another_label_order_is_warned_of_and_converted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    right = read_label_map(portrait(7)[1])
    write_label_map(tmp_path / "mask.png", labels.convert_order(right, "celebamask-hq", "face-parsing"))
    with caplog.at_level(logging.WARNING, logger="maskgan"):
        taken = read_label_map(tmp_path / "mask.png")
    assert "mask.png" in caplog.text and "face-parsing" in caplog.text
    assert (taken != right).any()  # warned of, not changed behind the person's back
    assert (read_label_map(tmp_path / "mask.png", "face-parsing") == right).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(16, 90), st.integers(16, 90), st.integers(1, 120), st.integers(1, 120))
def test_resizing_never_makes_a_new_label(height: int, width: int, to_height: int, to_width: int) -> None:
    label_map = random_label_map(height * width, height, width)
    resized = resize_label_map(label_map, (to_height, to_width))
    assert resized.shape == (to_height, to_width)
    assert set(np.unique(resized)) <= set(np.unique(label_map))


def test_pictures_and_labels_resize_to_the_same_place() -> None:
    label_map = np.zeros((64, 64), dtype=np.uint8)
    label_map[16:32, 40:56] = 13
    picture = np.repeat((label_map == 13)[..., None] * np.uint8(255), 3, axis=2)
    for size in ((32, 32), (128, 96)):
        small, small_map = resize_picture(picture, size), resize_label_map(label_map, size)
        assert ((small[..., 0] > 127) == (small_map == 13)).mean() > 0.99


def test_nothing_stays_when_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write"):
        write_picture(tmp_path / "a.txt", gradient())
    with pytest.raises(UserError, match="no such file or directory"):
        write_picture(tmp_path / "missing" / "a.png", gradient())
    with pytest.raises(UserError, match="value 77"):
        write_label_map(tmp_path / "a.png", np.full((20, 20), 77, dtype=np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_picture(tmp_path / "a.png", gradient())
    before = (tmp_path / "a.png").read_bytes()

    def full_disk(_: Image.Image, path: Path, **__: object) -> None:
        Path(path).write_bytes(b"half a pict")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(UserError, match="no space left on device"):
        write_picture(tmp_path / "a.png", gradient()[::-1])
    assert (tmp_path / "a.png").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def transparent_pictures() -> dict[str, Image.Image]:
    """Pictures of 61 x 20 pixels in every mode that can be transparent, and a grey one in every deep mode."""
    random = np.random.default_rng(5)
    rgba = Image.fromarray(random.integers(0, 256, (61, 20, 4), dtype=np.uint8))
    palette = rgba.convert("RGB").quantize(60)
    deep = random.integers(0, 65536, (61, 20))
    deep[:, :10] = np.arange(610).reshape(61, 10)
    found = {
        "RGBA": rgba,
        "LA": rgba.convert("LA"),
        "opaque": rgba.convert("RGB").convert("RGBA"),
        "P": palette,
        "P of many": palette.copy(),
        "L": rgba.convert("L"),
        "RGB": rgba.convert("RGB"),
        "I;16": Image.fromarray(deep.astype(np.uint16)),
        "I": Image.fromarray(deep.astype(np.int32)),
        "I of 8 bits": Image.fromarray((deep % 256).astype(np.int32)),
        "F": Image.fromarray((deep / 65535).astype(np.float32)),
        "F to 255": Image.fromarray((deep / 257).astype(np.float32)),
    }
    found["P"].info["transparency"] = 3
    found["P of many"].info["transparency"] = bytes(range(0, 240, 4))
    found["L"].info["transparency"] = int(np.asarray(found["L"])[40, 3])
    found["RGB"].info["transparency"] = tuple(np.asarray(found["RGB"])[40, 3].tolist())
    return found


def decoded_whole(image: Image.Image) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture over white, its own colours and its opacity, of a whole picture at once."""
    if image.mode[0] in "IF":
        values = np.asarray(image, np.float32 if image.mode == "F" else np.float64)
        scale = 1.0 if image.mode == "F" and values.max() <= 1 else 255.0 if values.max() <= 255 else 65535.0
        image = Image.fromarray(np.round(values.clip(max=scale) * (255.0 / scale)).astype(np.uint8))
    image = image.convert("RGBA")
    over = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return (*(np.asarray(found.convert("RGB")) for found in (over, image)), np.asarray(image.getchannel("A")))


@pytest.mark.parametrize("kind", transparent_pictures())
@pytest.mark.parametrize("strip", [7, 61, 256])
def test_strips_of_deep_and_transparent_pictures_are_the_whole(
    kind: str, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = transparent_pictures()[kind]
    monkeypatch.setattr(labels, "_STRIP_PIXELS", strip * image.width)
    expected, colours, opacity = decoded_whole(image)
    picture, space, own, alpha = reading._decode(image, NamedSpace(b""), "a.png")
    assert space is None
    assert (picture == expected).all()
    assert (own == colours).all()
    if (opacity < 255).any():
        assert alpha is not None
        assert (alpha == opacity).all()
    else:
        assert alpha is None
    assert (alpha is None) == (kind == "opaque" or kind[0] in "IF")


@pytest.mark.parametrize(("value", "row"), [(-1.0, 40), (np.nan, 3), (np.inf, 60)])
def test_every_strip_of_a_deep_picture_is_checked(value: float, row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "_STRIP_PIXELS", 7 * 20)
    values = np.full((61, 20), 0.5, np.float32)
    values[row, 4] = value
    with pytest.raises(UserError, match=r"a\.tif: holds negative or non-finite"):
        reading._decode(Image.fromarray(values), NamedSpace(b""), "a.tif")


@pytest.mark.parametrize(
    ("mode", "held"), [("RGBA", 7), ("LA", 7), ("P", 7), ("I;16", 4), ("I", 4), ("F", 4), ("RGB", 3)]
)
def test_decoding_holds_its_results_and_a_strip(mode: str, held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "_STRIP_PIXELS", 8 * 300)
    image = transparent_pictures()[mode].resize(
        (300, 1000), Image.Resampling.NEAREST
    )  # what Pillow itself holds is not counted
    if mode == "RGB":
        del image.info["transparency"]
    tracemalloc.start()
    try:
        reading._decode(image, NamedSpace(b""), "a.png")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / (300 * 1000) < held + 0.75
