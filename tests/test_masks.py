"""Masks mean what they show: palettes, soft brushes, sizes, and what a wrong mask looks like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from label_maps import random_label_map
from maskgan import labels
from maskgan.assets import portrait
from maskgan.errors import UserError
from maskgan.images import fit_label_map, read_label_map, read_picture, resize_label_map, write_label_map, write_picture
from maskgan.labels import INDEX, MIRROR, LabelMap
from maskgan.mask_check import blended_share, common_issues, framing_issue, mask_issues

PORTRAITS = range(1, 10)
VOC = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128), (128,) * 3]


def portrait_mask(number: int = 7) -> LabelMap:
    return read_label_map(portrait(number)[1])


def save_indexed(path: Path, indices: np.ndarray, palette: np.ndarray, **options: object) -> None:
    image = Image.fromarray(indices.astype(np.uint8))
    image.putpalette(palette.astype(np.uint8).tobytes())
    image.save(path, **options)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("suffix", [".png", ".gif", ".bmp", ".tif"])
def test_palettes_of_class_colours_are_read_by_colour_in_any_order(tmp_path: Path, seed: int, suffix: str) -> None:
    label_map = random_label_map(seed, 48, 64)
    size = 19 if seed % 2 else 256
    order = np.random.default_rng(seed).permutation(size)[:19]  # where each class's colour lies
    palette = np.random.default_rng(seed).integers(0, 256, (size, 3))
    palette[order] = labels.PALETTE
    save_indexed(tmp_path / f"mask{suffix}", order[label_map], palette)
    assert (read_label_map(tmp_path / f"mask{suffix}", "celebamask-hq") == label_map).all()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_few_bits_are_read_by_colour(tmp_path: Path, bits: int) -> None:
    order = np.array([13, 1, 0, 17, 2, 4, 5, 18])[: min(2**bits, 8)]
    indices = np.random.default_rng(bits).integers(0, len(order), (32, 32))
    save_indexed(tmp_path / "mask.png", indices, labels.PALETTE[order], bits=bits)
    assert (read_label_map(tmp_path / "mask.png", "celebamask-hq") == order[indices]).all()


@pytest.mark.parametrize("palette", ["voc", "grey", "random"])
def test_palettes_of_other_programs_are_read_by_index(tmp_path: Path, palette: str) -> None:
    label_map = random_label_map(3, 48, 64)
    colours = np.repeat(np.arange(256)[:, None], 3, axis=1)
    if palette == "voc":
        colours[: len(VOC)] = VOC
    elif palette == "random":
        colours = np.random.default_rng(1).integers(1, 50, (256, 3))
    save_indexed(tmp_path / "mask.png", label_map, colours)
    assert (read_label_map(tmp_path / "mask.png", "celebamask-hq") == label_map).all()


def test_a_mask_of_ours_survives_a_program_that_reorders_the_palette(tmp_path: Path) -> None:
    write_label_map(tmp_path / "a.png", portrait_mask())
    with Image.open(tmp_path / "a.png") as image:
        image.convert("RGB").quantize(256).save(tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert (np.asarray(image) != portrait_mask()).mean() > 0.3
    assert (read_label_map(tmp_path / "b.png", "celebamask-hq") == portrait_mask()).all()


@pytest.mark.parametrize("suffix", [".gif", ".png"])
@pytest.mark.parametrize("seed", range(4))
def test_grey_palettes_in_any_order_are_read_by_their_greys(tmp_path: Path, seed: int, suffix: str) -> None:
    label_map = random_label_map(seed, 48, 64)
    order = np.random.default_rng(seed).permutation(19)
    save_indexed(tmp_path / f"a{suffix}", order[label_map], np.repeat(np.argsort(order)[:, None], 3, axis=1))
    assert (read_label_map(tmp_path / f"a{suffix}", "celebamask-hq") == label_map).all()


@pytest.mark.parametrize("present", [(0, 1, 2, 13, 17), (0, 4, 18), tuple(range(19)), (1, 13)])
@pytest.mark.parametrize("optimize", [False, True])
def test_grey_masks_written_as_gif_keep_their_labels(tmp_path: Path, present: tuple[int, ...], optimize: bool) -> None:
    label_map = np.array(present, np.uint8)[np.random.default_rng(0).integers(0, len(present), (40, 40))]
    Image.fromarray(label_map).save(tmp_path / "mask.gif", optimize=optimize)
    assert (read_label_map(tmp_path / "mask.gif", "celebamask-hq") == label_map).all()


def test_a_palette_of_one_colour_says_nothing(tmp_path: Path) -> None:
    label_map = random_label_map(5, 48, 64)
    save_indexed(tmp_path / "mask.png", label_map, np.zeros((256, 3)))
    assert (read_label_map(tmp_path / "mask.png", "celebamask-hq") == label_map).all()


GREYS = {"601": (0.299, 0.587, 0.114), "709": (0.2126, 0.7152, 0.0722), "mean": (1 / 3, 1 / 3, 1 / 3)}


@pytest.mark.parametrize("weights", GREYS)
@pytest.mark.parametrize("form", ["a.bmp", "a.png", "a.tif", "a.gif", "rgb.png", "palette.png"])
def test_class_colours_turned_to_grey_are_refused_saying_why(tmp_path: Path, weights: str, form: str) -> None:
    grey = np.rint(labels.colourise(portrait_mask()) @ np.array(GREYS[weights])).astype(np.uint8)
    image = Image.fromarray(grey)
    if form == "rgb.png":
        image = image.convert("RGB")
    elif form == "palette.png":  # indices 0..18 that would pass for labels
        used, indices = np.unique(grey, return_inverse=True)
        image = Image.fromarray(indices.reshape(grey.shape).astype(np.uint8))
        image.putpalette(np.repeat(used[:, None], 3, axis=1).astype(np.uint8).tobytes())
    image.save(tmp_path / form)
    with pytest.raises(UserError, match=rf"{form}: .*a colour mask was turned to grey"):
        read_label_map(tmp_path / form)


def test_pillow_and_this_test_agree_on_grey(tmp_path: Path) -> None:
    Image.fromarray(labels.colourise(portrait_mask())).convert("L").save(tmp_path / "a.png")
    with pytest.raises(UserError, match="a colour mask was turned to grey"):
        read_label_map(tmp_path / "a.png")


def test_other_values_over_18_are_not_called_grey_colours(tmp_path: Path) -> None:
    Image.fromarray(random_label_map(1, 48, 48) * np.uint8(13)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png: value \d+ .* is no label") as error:
        read_label_map(tmp_path / "a.png")
    assert "turned to grey" not in str(error.value)


def soft(label_map: LabelMap) -> np.ndarray:
    """A colour mask painted with a brush whose edges are soft."""
    return np.asarray(Image.fromarray(labels.colourise(label_map)).filter(ImageFilter.BoxBlur(1)))


def test_soft_brushes_are_repaired_on_request(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    label_map = np.zeros((96, 96), dtype=np.uint8)
    label_map[20:80, 20:80] = INDEX["hair"]
    label_map[40:70, 30:70] = INDEX["skin"]
    Image.fromarray(soft(label_map)).save(tmp_path / "mask.png")
    with pytest.raises(UserError, match=r"mask\.png: colour .* --nearest-colour repairs soft edges"):
        read_label_map(tmp_path / "mask.png")
    read = read_label_map(tmp_path / "mask.png", "celebamask-hq", nearest_colour=True)
    assert set(np.unique(read)) == {0, INDEX["skin"], INDEX["hair"]}
    assert (read != label_map).mean() < 0.03
    assert "mask.png: " in caplog.text and "% of its pixels got the nearest class colour" in caplog.text


@pytest.mark.parametrize("number", [1, 4, 7])
def test_soft_portraits_get_no_rings_of_other_classes(tmp_path: Path, number: int) -> None:
    label_map = portrait_mask(number)
    Image.fromarray(soft(label_map)).save(tmp_path / "mask.png")
    read = read_label_map(tmp_path / "mask.png", "celebamask-hq", nearest_colour=True)
    assert (~np.isin(read, label_map)).mean() < 0.0005 and (read != label_map).mean() < 0.02
    Image.fromarray(labels.colourise(label_map)).save(tmp_path / "mask.jpg", quality=90, subsampling=0)
    assert (read_label_map(tmp_path / "mask.jpg", "celebamask-hq", nearest_colour=True) != label_map).mean() < 0.02


def test_a_photograph_is_no_colour_mask(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="colours like no class's"):
        read_label_map(portrait(7)[0], "celebamask-hq", nearest_colour=True)
    noise = np.random.default_rng(0).integers(90, 160, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    with pytest.raises(UserError, match=r"noise\.png: colour .* stands for no class"):
        read_label_map(tmp_path / "noise.png")


def test_red_and_blue_exchanged_is_said(tmp_path: Path) -> None:
    Image.fromarray(labels.colourise(portrait_mask())[..., ::-1].copy()).save(tmp_path / "mask.png")
    with pytest.raises(UserError, match=r"mask\.png: its red and blue are exchanged"):
        read_label_map(tmp_path / "mask.png")


def mixed_up(kind: str, label_map: LabelMap) -> LabelMap:
    """A mask that is wrong in one of the ways that ``mask_issues`` knows."""
    if kind == "sides-swapped":
        return MIRROR[label_map]
    if kind == "labels-too-high":
        return np.minimum(label_map + 1, 18).astype(np.uint8)
    if kind == "labels-too-low":
        return np.maximum(label_map, 1) - np.uint8(1)
    if kind == "other-order":
        return labels.convert_order(label_map, "celebamask-hq", "face-parsing")
    if kind == "foreground-only":
        return (label_map > 0).astype(np.uint8)
    if kind == "red-blue-swapped":
        table = np.zeros(19, dtype=np.uint8)
        table[[INDEX["skin"], INDEX["hair"]]] = INDEX["hair"], INDEX["skin"]
        return table[label_map]
    return np.asarray(Image.fromarray(label_map).resize((300, 300), Image.Resampling.BILINEAR))


KINDS = ("sides-swapped", "labels-too-high", "labels-too-low", "other-order", "foreground-only", "red-blue-swapped")


@pytest.mark.parametrize("number", PORTRAITS)
@pytest.mark.parametrize("kind", [*KINDS, "blended"])
def test_wrong_masks_are_seen(kind: str, number: int) -> None:
    assert [issue.kind for issue in mask_issues(mixed_up(kind, portrait_mask(number)))] == [kind]


@pytest.mark.parametrize("number", PORTRAITS)
def test_right_masks_are_left_alone(number: int) -> None:
    label_map = portrait_mask(number)
    for side in (64, 128, 256, 700):
        assert mask_issues(resize_label_map(label_map, (side, side))) == []
    assert mask_issues(labels.mirrored(label_map)) == [] and framing_issue(label_map) is None


@pytest.mark.parametrize("resampling", ["BILINEAR", "BICUBIC", "LANCZOS", "HAMMING"])
@pytest.mark.parametrize("side", [128, 256, 400, 900])
def test_blended_masks_are_seen_at_every_scale(tmp_path: Path, resampling: str, side: int) -> None:
    image = Image.fromarray(portrait_mask()).resize((side, side), Image.Resampling[resampling])
    image.save(tmp_path / "mask.png")
    if np.asarray(image).max() > 18:
        with pytest.raises(UserError, match=r"mask\.png: value .* resized or blurred smoothly"):
            read_label_map(tmp_path / "mask.png")
    else:
        assert "blended" in [issue.kind for issue in mask_issues(np.asarray(image))]


def test_a_mask_of_background_alone_is_seen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_label_map(tmp_path / "mask.png", np.zeros((64, 48), np.uint8))
    read_label_map(tmp_path / "mask.png")
    assert "mask.png: holds background alone" in caplog.text


@pytest.mark.parametrize("side", [1000, 2300, 3000])
def test_rings_are_seen_in_large_masks(side: int) -> None:
    label_map = resize_label_map(portrait_mask(), (side, side))
    assert mask_issues(label_map) == []
    image = Image.fromarray(label_map)
    blended = image.resize((side - side // 7, side - side // 7), Image.Resampling.BILINEAR)
    assert [issue.kind for issue in mask_issues(np.asarray(blended))] == ["blended"]


def test_the_share_of_blended_outlines_is_that_of_the_whole_mask() -> None:
    label_map = random_label_map(2, 700, 300)
    label_map[:, 150:] += np.arange(150, dtype=np.uint8) // 4 % 3
    wide = label_map.astype(int)
    between = outlines = 0
    for lines in (wide, wide.T):
        for line in lines:
            step = np.diff(line)
            outlines += np.count_nonzero(step)
            between += np.count_nonzero(step[:-1] * step[1:] > 0)
    assert blended_share(label_map) == between / outlines


def test_issues_are_warned_of_by_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_label_map(tmp_path / "mask.png", MIRROR[portrait_mask()])
    read_label_map(tmp_path / "mask.png")
    assert "mask.png: left and right look exchanged" in caplog.text


def test_issues_of_a_data_set_are_those_of_half_of_its_masks() -> None:
    right = [portrait_mask(number) for number in PORTRAITS]
    assert common_issues([*right, MIRROR[right[0]]]) == []
    assert [issue.kind for issue in common_issues(MIRROR[label_map] for label_map in right)] == ["sides-swapped"]


def test_faces_that_are_not_framed_are_seen() -> None:
    label_map = portrait_mask()
    small = np.zeros((512, 512), dtype=np.uint8)
    small[300:450, 20:170] = resize_label_map(label_map, (150, 150))
    for wrong in (small, np.rot90(label_map), label_map[::-1]):
        issue = framing_issue(np.ascontiguousarray(wrong))
        assert issue is not None and issue.kind == "not-framed"
    nothing = framing_issue(np.zeros((64, 64), dtype=np.uint8))
    assert nothing is not None and nothing.kind == "no-face" and "no skin, no nose" in nothing.message


def test_masks_are_fitted_without_blending_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="maskgan")
    label_map = portrait_mask()
    picture = np.zeros((300, 300, 3), dtype=np.uint8)
    fitted = fit_label_map(label_map, picture, "mask.png", "face.png")
    assert (fitted == resize_label_map(label_map, (300, 300))).all()
    assert "mask.png: resized from 512x512 to the picture's 300x300" in caplog.text
    with pytest.raises(UserError, match=r"a\.png: the mask is 512x512 and the picture 200x300 \(b\.png\)"):
        fit_label_map(label_map, picture[:, :200], "a.png", "b.png")


@pytest.mark.parametrize("read", [read_label_map, read_picture])
def test_lines_of_pixels_are_no_pictures(tmp_path: Path, read: Callable[[Path], np.ndarray]) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (16 * 64, 16)).save(path)
    assert read(path).shape[:2] == (16, 16 * 64)
    Image.new("RGB", (16, 16 * 64 + 1)).save(path)
    with pytest.raises(UserError, match=r"a\.png: 16x1025 is too long and narrow"):
        read(path)


def test_a_foreign_colour_is_named_wherever_it_stands() -> None:
    colours = np.zeros((600, 512, 3), np.uint8)  # more than one strip
    colours[550:, 7] = 9, 8, 7
    with pytest.raises(UserError, match=r"colour \(9, 8, 7\) at row 550, column 7 stands for no class \(0\.0%"):
        labels.from_colours(colours)


def test_colours_of_large_masks_are_not_repaired(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    image = Image.new("RGB", (5000, 3201), tuple(labels.PALETTE[1].tolist()))
    image.save(path)
    assert (read_label_map(path, nearest_colour=True) == 1).all()  # exact colours need no repair
    image.putpixel((7, 5), (1, 2, 3))
    image.save(path)
    with pytest.raises(UserError, match=r"a\.bmp: 5000x3201 is too large for --nearest-colour"):
        read_label_map(path, nearest_colour=True)


def test_transparent_masks_are_laid_over_black_strip_by_strip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((40, 32, 4), np.uint8)
    pixels[10:30] = (*labels.PALETTE[1], 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    monkeypatch.setattr(labels, "_STRIP_PIXELS", 7 * 32)
    label_map = read_label_map(tmp_path / "a.png", nearest_colour=True)
    assert (label_map[10:30] == 1).all() and not label_map[:10].any() and not label_map[30:].any()
    with pytest.raises(UserError, match=r"a\.png: a mask must not be transparent"):
        read_label_map(tmp_path / "a.png")


@pytest.mark.parametrize(("suffix", "side"), [(".webp", 16_384), (".jpeg", 65_501)])
def test_pictures_beyond_a_format_are_refused(tmp_path: Path, suffix: str, side: int) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(UserError, match=rf"a{suffix}: {side}x1 is too large"):
        write_picture(path, np.zeros((1, side, 3), np.uint8))
    assert not list(tmp_path.iterdir())
