"""A grid that shows what editing does: before, and after several edits, each with its mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maskgan.editing.mask_edits import add_glasses, long_hair, smile
from maskgan.editing.session import FaceEditor
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap, colourise

_CELL = 256
_MASK = 112  # side of the mask shown below each face
_CAPTION = 28
_GAP = 6
_BACKGROUND = (250, 250, 250)
_INK = (30, 30, 30)


@dataclass(frozen=True)
class Portrait:
    """A face to edit: H x W x 3 uint8, with its mask, H x W uint8."""

    picture: Picture
    label_map: LabelMap


@dataclass(frozen=True)
class _Panel:
    caption: str
    picture: Picture
    label_map: LabelMap


def showcase(editor: FaceEditor, portraits: list[Portrait], style: Portrait) -> Picture:
    """Edit each portrait in several ways and lay the results out: a row a portrait, the original first.

    Args:
        editor: renders.
        portraits: faces with brows, eyes and a mouth.
        style: the reference whose style the last column copies.

    Returns:
        The grid, H x W x 3 uint8.
    """
    rows = [_panels(editor, portrait, style) for portrait in portraits]
    row_height = _CAPTION + _CELL + _MASK + 3 * _GAP
    grid = Image.new("RGB", (len(rows[0]) * (_CELL + _GAP) + _GAP, len(rows) * row_height + _GAP), _BACKGROUND)
    draw = ImageDraw.Draw(grid)
    font = ImageFont.load_default(size=15)
    for i, row in enumerate(rows):
        for j, panel in enumerate(row):
            x, y = _GAP + j * (_CELL + _GAP), _GAP + i * row_height
            draw.text((x + _CELL / 2, y + _CAPTION / 2), panel.caption, _INK, font, anchor="mm")
            grid.paste(Image.fromarray(resize_picture(panel.picture, (_CELL, _CELL))), (x, y + _CAPTION))
            mask = colourise(resize_label_map(panel.label_map, (_MASK, _MASK)))
            grid.paste(Image.fromarray(mask), (x + (_CELL - _MASK) // 2, y + _CAPTION + _CELL + _GAP))
    return np.asarray(grid)


def _panels(editor: FaceEditor, portrait: Portrait, style: Portrait) -> list[_Panel]:
    editor.set_source(portrait.picture, portrait.label_map)
    panels = [_Panel("original", portrait.picture, portrait.label_map)]
    for caption, edit in (("wider smile", smile), ("longer hair", long_hair), ("glasses", add_glasses)):
        edited = edit(portrait.label_map)
        editor.set_mask(edited)
        panels.append(_Panel(caption, editor.render(), edited))
    editor.set_mask(portrait.label_map)
    editor.set_style(style.picture, style.label_map)
    panels.append(_Panel("another face's style", editor.render("full"), portrait.label_map))
    panels.append(_Panel("(that face)", style.picture, style.label_map))
    return panels
