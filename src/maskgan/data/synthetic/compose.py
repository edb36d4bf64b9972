"""How a synthetic face is composed: from traits to a picture and its label map.

Positions follow the averages of CelebAMask-HQ, so that its masks look like real ones to whatever reads masks.
The person's left is on the right of the picture, at positive x.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from maskgan.data.synthetic.canvas import (
    Canvas,
    Colour,
    Outline,
    Pose,
    ellipse,
    mirror,
    outline,
    ribbon,
    rounded,
    shade,
)
from maskgan.images import Picture
from maskgan.labels import LabelMap

HAIR_STYLES = ("bald", "short", "fringe", "parted", "curly", "bun", "bob", "long")
HAT_STYLES = ("none", "beanie", "cap", "brimmed")


@dataclass(frozen=True)
class Traits:
    """All that tells one synthetic face from another. Lengths are in sides of the picture."""

    pose: Pose
    backdrop: tuple[Colour, Colour]
    discs: tuple[tuple[float, float, float], ...]
    """x, y, radius of blurred discs in the background."""
    skin: Colour
    face_width: float
    """Factor on the width of the face."""
    jaw: float
    """Factor on the width of the chin."""
    eye_colour: Colour
    eye_opening: float
    eye_tilt: float
    """How far the outer corner lies above the inner one."""
    brow_thickness: float
    brow_arch: float
    nose_width: float
    lips: Colour
    lip_fullness: float
    mouth_width: float
    smile: float
    """How far the corners of the mouth are raised; negative lowers them."""
    mouth_opening: float
    hair_style: str
    hair: Colour
    hair_seed: int
    """For the strands."""
    beard: bool
    makeup: bool
    glasses: Colour | None
    """Colour of the frame."""
    sunglasses: bool
    hat: str
    hat_colour: Colour
    earrings: Colour | None
    necklace: Colour | None
    cloth: Colour
    neckline: float
    """How deep the neckline is cut."""
    stripes: bool
    light: float
    """Where the light comes from: -1 left, 1 right."""


def compose(traits: Traits, size: int) -> tuple[Picture, LabelMap]:
    """Draw a face.

    Returns:
        The picture (size x size x 3, uint8, RGB) and its label map (size x size, uint8, 0..18).
    """
    canvas = Canvas(size, traits.pose, traits.backdrop[0])
    canvas.backdrop(*traits.backdrop)
    for x, y, radius in traits.discs:
        canvas.paint(
            ellipse(x, y, radius, radius), shade(traits.backdrop[1], 1.25), opacity=0.5, blur=0.01, rigid=False
        )
    _paint_back_hair(canvas, traits)
    _paint_body(canvas, traits)
    _paint_ears(canvas, traits)
    _paint_skin(canvas, traits)
    _paint_nose(canvas, traits)
    if traits.glasses is not None:
        _paint_lenses(canvas, traits, traits.glasses)
    for side in (1.0, -1.0):
        _paint_eye(canvas, traits, side)
        _paint_brow(canvas, traits, side)
    if traits.glasses is not None:
        _paint_frames(canvas, traits, traits.glasses)
    _paint_mouth(canvas, traits)
    _paint_front_hair(canvas, traits)
    if traits.hat != "none":
        _paint_hat(canvas, traits)
    canvas.light(traits.light, 0.14)
    return canvas.finish()


def _paint_body(canvas: Canvas, traits: Traits) -> None:
    shadow = shade(traits.skin, 0.72)
    neck = outline([(-0.115, 0.1), (0.115, 0.1), (0.12, 0.36), (0.2, 0.5), (-0.2, 0.5), (-0.12, 0.36)])
    canvas.paint(neck, shade(traits.skin, 0.93), "neck", rigid=False)
    chin = outline(_face_points(traits), rounds=3) + np.array([0.0, 0.05, 0.0])
    canvas.paint(chin, shadow, opacity=0.7, blur=0.012, on="neck")
    depth = 0.36 + traits.neckline
    collar = [(-0.125, 0.335), (-0.06, depth), (0.06, depth), (0.125, 0.335)]
    shoulders = [(0.3, 0.375), (0.47, 0.44), (0.6, 0.6), (-0.6, 0.6), (-0.47, 0.44), (-0.3, 0.375)]
    cloth = outline(collar + shoulders, rounds=2)
    canvas.paint(cloth, traits.cloth, "cloth", rigid=False)
    if traits.stripes:
        for y in np.arange(0.36, 0.5, 0.045):
            band = outline([(-0.6, y), (0.6, y), (0.6, y + 0.018), (-0.6, y + 0.018)])
            canvas.paint(band, shade(traits.cloth, 1.5), on="cloth", rigid=False)
    if traits.necklace is not None:
        x = np.linspace(-0.125, 0.125, 15)
        y = 0.4 - 0.08 * (x / 0.125) ** 2
        chain = ribbon(list(zip(x, y, strict=True)), [0.014] * 15)
        canvas.paint(chain, traits.necklace, "neck_l", rigid=False)
        canvas.paint(ellipse(0, 0.412, 0.02, 0.02), shade(traits.necklace, 0.85), "neck_l", rigid=False)


def _paint_ears(canvas: Canvas, traits: Traits) -> None:
    for side, name in ((1.0, "l_ear"), (-1.0, "r_ear")):
        x = side * 0.258 * traits.face_width
        canvas.paint(ellipse(x, 0.0, 0.038, 0.07, z=-0.07), traits.skin, name)
        canvas.paint(ellipse(x, 0.0, 0.02, 0.045, z=-0.07), shade(traits.skin, 0.75), opacity=0.7, on=name)
        if traits.earrings is not None:
            canvas.paint(ellipse(x, 0.093, 0.017, 0.026, z=-0.07), traits.earrings, "ear_r")
            canvas.paint(ellipse(x - 0.005, 0.085, 0.005, 0.007, z=-0.07), shade(traits.earrings, 1.4), on="ear_r")


def _face_points(traits: Traits) -> list[tuple[float, float]]:
    width, jaw = traits.face_width, traits.jaw
    right = [
        (0.15 * width, -0.325),
        (0.25 * width, -0.23),
        (0.265 * width, -0.05),
        (0.255 * width, 0.1),
        (0.215 * width * jaw, 0.235),
        (0.12 * jaw, 0.335),
        (0.0, 0.35),
    ]
    return [(0.0, -0.335), *right, *((-x, y) for x, y in reversed(right[:-1]))]


def _paint_skin(canvas: Canvas, traits: Traits) -> None:
    canvas.paint(outline(_face_points(traits), rounds=3), traits.skin, "skin")
    for side in (1.0, -1.0):
        cheek = ellipse(side * 0.15, 0.09, 0.06, 0.045, z=0.08)
        flush = (220, 90, 90) if traits.makeup else shade(traits.skin, 0.85)
        canvas.paint(cheek, flush, opacity=0.35, blur=0.02, on="skin")
        socket = ellipse(side * 0.12, -0.085, 0.075, 0.05, z=0.07)
        canvas.paint(socket, shade(traits.skin, 0.8), opacity=0.4, blur=0.015, on="skin")
    canvas.paint(ellipse(0, -0.2, 0.13, 0.06, z=0.05), shade(traits.skin, 1.12), opacity=0.35, blur=0.03, on="skin")
    if traits.beard:
        jaw = outline(
            [
                *((-0.27, 0.02), (-0.2, 0.13), (-0.09, 0.125), (0, 0.12), (0.09, 0.125), (0.2, 0.13), (0.27, 0.02)),
                *((0.3, 0.4), (-0.3, 0.4)),
            ],
            z=0.03,
            rounds=2,
        )
        canvas.paint(jaw, traits.hair, opacity=0.75, blur=0.008, on="skin")


def _paint_nose(canvas: Canvas, traits: Traits) -> None:
    width = traits.nose_width
    right = [(0.018, -0.07, 0.08), (0.024, 0.0, 0.11), (width, 0.05, 0.11), (width * 1.05, 0.085, 0.11)]
    tip = [(0.02, 0.108, 0.14), (-0.02, 0.108, 0.14)]
    points = rounded(np.array(right + tip + [(-x, y, z) for x, y, z in reversed(right)]), 2)
    canvas.paint(points, shade(traits.skin, 0.94), "nose")
    canvas.paint(ellipse(0.0, 0.055, 0.02, 0.03, z=0.15), shade(traits.skin, 1.12), opacity=0.6, blur=0.01, on="nose")
    canvas.paint(points - (0.03 * traits.light, 0, 0), shade(traits.skin, 0.72), opacity=0.22, blur=0.01, on="nose")
    for side in (1.0, -1.0):
        nostril = ellipse(side * width * 0.5, 0.088, 0.012, 0.008, z=0.12)
        canvas.paint(nostril, shade(traits.skin, 0.4), blur=0.002, on="nose")


def _paint_eye(canvas: Canvas, traits: Traits, side: float) -> None:
    t = np.linspace(-1, 1, 15)  # from the outer to the inner corner, of the eye at negative x
    bow = (1 - t**2) ** 0.8
    x = -0.12 + 0.052 * t
    slope = -0.07 + traits.eye_tilt * t
    upper = np.stack([x, slope - traits.eye_opening * bow, np.full(15, 0.07)], axis=1)
    lower = np.stack([x, slope + 0.7 * traits.eye_opening * bow, np.full(15, 0.07)], axis=1)
    eye = np.concatenate([upper, lower[::-1]])
    lash = ribbon([(a, b) for a, b, _ in upper - (0, 0.002, 0)], [0.004, *[0.009] * 13, 0.004], z=0.07)
    centre = -0.12
    if side > 0:
        eye, lash, centre = mirror(eye), mirror(lash), -centre
    name = "l_eye" if side > 0 else "r_eye"
    if traits.makeup:
        canvas.paint(eye - (0, 0.015, 0), (120, 70, 130), opacity=0.5, blur=0.006)
    canvas.paint(eye, (240, 238, 234), name)
    canvas.paint(ellipse(centre, -0.072, 0.0235, 0.0235, z=0.08), traits.eye_colour, on=name, within=eye)
    canvas.paint(ellipse(centre, -0.072, 0.0105, 0.0105, z=0.08), (15, 12, 12), on=name, within=eye)
    canvas.paint(ellipse(centre + 0.008, -0.08, 0.005, 0.005, z=0.08), (255, 255, 255), on=name, within=eye)
    canvas.paint(lash, (30, 22, 20))


def _paint_brow(canvas: Canvas, traits: Traits, side: float) -> None:
    t = np.linspace(0, 1, 9)  # from the inner to the outer end
    y = -0.132 - traits.brow_arch * np.sin(np.pi * t**1.3) + 0.012 * t
    widths = traits.brow_thickness * (0.35 + 0.65 * np.sin(np.pi * (0.25 + 0.7 * t)))
    brow = ribbon(list(zip(0.06 + 0.125 * t, y, strict=True)), list(widths), z=0.085)
    dark = shade(traits.hair, 0.7) if sum(traits.hair) < 450 else shade(traits.hair, 0.55)
    canvas.paint(brow if side > 0 else mirror(brow), dark, "l_brow" if side > 0 else "r_brow")


def _lens(side: float, grow: float = 0.0) -> Outline:
    rx, ry = 0.086 + grow, 0.06 + grow
    x = side * 0.118
    points = [(x - rx, -0.065 - ry), (x + rx, -0.065 - ry), (x + rx, -0.065 + ry), (x - rx, -0.065 + ry)]
    return outline(points, z=0.1, rounds=3)


def _paint_lenses(canvas: Canvas, traits: Traits, frame: Colour) -> None:
    for side in (1.0, -1.0):
        arm = np.array([(0.2, -0.085, 0.1), (0.262, -0.06, -0.07), (0.262, -0.044, -0.07), (0.2, -0.069, 0.1)])
        canvas.paint(arm * (side * 1.0, 1.0, 1.0), frame, "eye_g")
        canvas.paint(_lens(side, 0.01), shade(traits.skin, 1.05), "eye_g")
    bridge = ribbon([(-0.04, -0.075), (0.0, -0.085), (0.04, -0.075)], [0.014] * 3, z=0.12)
    canvas.paint(bridge, frame, "eye_g")


def _paint_frames(canvas: Canvas, traits: Traits, frame: Colour) -> None:
    for side in (1.0, -1.0):
        if traits.sunglasses:
            canvas.paint(_lens(side), (35, 35, 45), "eye_g", opacity=0.92)
        rim = np.concatenate([_lens(side, 0.01), _lens(side, 0.01)[:1]])
        inner = np.concatenate([_lens(side), _lens(side)[:1]])
        canvas.paint(np.concatenate([rim, inner[::-1]]), frame)
        glare = outline([(-0.03, -0.03), (-0.01, -0.03), (-0.035, 0.02), (-0.055, 0.02)], z=0.1)
        canvas.paint(glare + np.array([side * 0.118, -0.065, 0.0]), (255, 255, 255), opacity=0.2)


def _paint_mouth(canvas: Canvas, traits: Traits) -> None:
    u = np.linspace(-1, 1, 21)
    x, bow = u * traits.mouth_width, 1 - u**2
    z = 0.11 - 0.05 * u**2
    middle = 0.188 - traits.smile * u**2
    cupid = 1 - 0.3 * np.exp(-((u / 0.16) ** 2))
    lines = (
        middle - 0.4 * traits.mouth_opening * bow - 0.85 * traits.lip_fullness * bow * cupid,
        middle - 0.4 * traits.mouth_opening * bow,
        middle + 0.6 * traits.mouth_opening * bow,
        middle + 0.6 * traits.mouth_opening * bow + 1.25 * traits.lip_fullness * bow**0.7,
    )
    edges = [np.stack([x, y, z], axis=1) for y in lines]
    upper, inside, lower = (np.concatenate([a, b[::-1]]) for a, b in pairwise(edges))
    canvas.paint(lower, traits.lips, "l_lip")
    canvas.paint(lower * (0.6, 1, 1) + (0, 0.004, 0), shade(traits.lips, 1.25), opacity=0.4, blur=0.006, on="l_lip")
    canvas.paint(upper, shade(traits.lips, 0.85), "u_lip")
    if traits.mouth_opening > 0:
        canvas.paint(inside, (70, 20, 25), "mouth")
        teeth = np.concatenate([edges[1], (edges[1] + (0, 0.45 * traits.mouth_opening, 0))[::-1]])
        canvas.paint(teeth, (242, 240, 232), within=inside, on="mouth")
    else:
        canvas.paint(ribbon(list(zip(x, lines[1], strict=True)), [0.004] * 21, z=0.1), shade(traits.lips, 0.5))


def _paint_back_hair(canvas: Canvas, traits: Traits) -> None:
    dark = shade(traits.hair, 0.75)
    reach = {"bob": 0.2, "long": 0.5}.get(traits.hair_style)
    if reach is not None:
        side = [(0.3, -0.25), (0.355, 0.0), (0.36, reach), (0.24, reach + 0.06)]
        points = [(0.0, -0.44), (0.2, -0.42), *side, *((-x, y) for x, y in reversed(side)), (-0.2, -0.42)]
        canvas.paint(outline(points, z=-0.08, rounds=3), dark, "hair")
    if traits.hair_style == "bun":
        canvas.paint(ellipse(0, -0.46, 0.11, 0.09, z=-0.1), dark, "hair")


def _paint_front_hair(canvas: Canvas, traits: Traits) -> None:
    if traits.hair_style == "bald":
        return
    rng = np.random.default_rng(traits.hair_seed)
    width = traits.face_width
    outer = [(0.278 * width, 0.0), (0.315 * width, -0.16), (0.275 * width, -0.34), (0.13, -0.44)]
    hairline = {
        "fringe": [(-0.24, -0.1), (-0.21, -0.175), (-0.1, -0.165), (0.0, -0.18), (0.1, -0.165), (0.21, -0.175)],
        "parted": [(-0.245, -0.08), (-0.225, -0.2), (-0.14, -0.29), (-0.09, -0.34), (0.06, -0.26), (0.19, -0.2)],
    }.get(
        traits.hair_style,
        [(-0.245, -0.06), (-0.21, -0.19), (-0.12, -0.255), (0.0, -0.265), (0.12, -0.255), (0.21, -0.19)],
    )
    # The outer line runs from one temple over the top to the other; the hairline leads back across the forehead.
    points = [*((-x, y) for x, y in outer), (0.0, -0.455), *reversed(outer), (0.245 * width, -0.06)]
    points += [(x, y) for x, y in reversed(hairline)]
    cap = outline(points, z=0.03, rounds=3)
    canvas.paint(cap, traits.hair, "hair")
    if traits.hair_style == "curly":
        for angle in np.linspace(-0.15, np.pi + 0.15, 15):
            radius = 0.06 + 0.02 * rng.random()
            curl = ellipse(0.29 * np.cos(angle), -0.13 - 0.29 * np.sin(angle), radius, radius)
            canvas.paint(curl, shade(traits.hair, 0.85 + 0.3 * rng.random()), "hair")
    if traits.hair_style in ("bob", "long"):
        reach = 0.16 if traits.hair_style == "bob" else 0.42
        lock = outline(
            [(0.23, -0.25), (0.3, -0.22), (0.34, 0.0), (0.34, reach), (0.25, reach + 0.03), (0.235, -0.05)], 0, 2
        )
        canvas.paint(lock, traits.hair, "hair")
        canvas.paint(mirror(lock), traits.hair, "hair")
    for _ in range(26):
        start = rng.uniform(-0.3, 0.3)
        bend = rng.uniform(-0.04, 0.04)
        x = start * np.array([0.6, 1.0, 1.12, 1.15])
        y = np.array([-0.43, -0.3, -0.1, 0.3 if traits.hair_style in ("bob", "long") else -0.05])
        strand = ribbon(
            list(zip(x + np.array([0, bend, bend, 0]), y, strict=True)), [0.004, 0.009, 0.009, 0.003], z=0.03
        )
        canvas.paint(strand, shade(traits.hair, rng.uniform(0.7, 1.35)), opacity=0.45, on="hair")


def _paint_hat(canvas: Canvas, traits: Traits) -> None:
    colour = traits.hat_colour
    crown = [(0.325, -0.17), (0.325, -0.36), (0.2, -0.52), (0.0, -0.535)]
    points = [*crown, *((-x, y) for x, y in reversed(crown[:-1])), (-0.15, -0.225), (0.15, -0.225)]
    canvas.paint(outline(points, z=0.04, rounds=2), colour, "hat")
    if traits.hat == "beanie":
        band = [(-0.335, -0.15), (-0.335, -0.25), (0.0, -0.31), (0.335, -0.25), (0.335, -0.15), (0.0, -0.205)]
        canvas.paint(outline(band, z=0.04, rounds=2), shade(colour, 0.7), "hat")
    elif traits.hat == "cap":
        visor = [(-0.27, -0.24), (0.0, -0.28), (0.27, -0.24), (0.3, -0.16), (0.0, -0.2), (-0.3, -0.16)]
        canvas.paint(outline(visor, z=0.14, rounds=2), shade(colour, 0.65), "hat")
    else:
        canvas.paint(ellipse(0, -0.22, 0.46, 0.06, z=0.05), shade(colour, 0.85), "hat")
        band = [(-0.325, -0.3), (0.0, -0.285), (0.325, -0.3), (0.325, -0.245), (0.0, -0.235), (-0.325, -0.245)]
        canvas.paint(outline(band, z=0.05), shade(colour, 0.45), "hat")
