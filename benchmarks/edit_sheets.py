"""Sheets of pictures of named edits, and the page that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maskgan.face_parts import BROWS, EYES, FACE, HAIR, HAT, MOUTH, NECK, SKIN, bounding_box
from maskgan.files import atomic_path, make_folder
from maskgan.images import Picture, resize_picture
from maskgan.labels import CLASSES, LabelMap

MAX_BYTES = 180_000
"""Of all sheets together."""
_CELL = 64
_CAPTION = 58
_QUALITIES = (60, 50, 40, 30, 25, 20, 15)
_TEXT = """# Named edits

What `maskgan edit --apply NAME=AMOUNT` does ([how](command-line.md#photographs)). Without an amount, an edit is
done whole; amount 0 changes nothing at all. A part that a face does not show cannot be edited: such cells are grey.

Hair and hats are edited in a frame 1.4 times as wide as the face's own. Hair that reaches beyond it stays, so long
hair that leaves the frame keeps its ends when its upper part is made shorter, fuller or bald. Masks are edges:
where the parser puts a border a pixel beside the true one, a thin line of old pixels can stay, because pixels of
other classes are never touched.

What does not look right, whatever is measured:

- Background that comes out from behind hair or a jaw is soft, and thin pale lines of the old outline can stay; necks
  and clothes that come out are plain. Where background lies between the strands of the old hair, a faint halo stays.
- Old brows can leave a trace, and lowered brows are faint. Eyes made wider show much iris and little white.
- A frown leaves a shadow above the upper lip and flecks below the lower one; a mouth that was wide open stays open.
- Opened mouths are dark behind the teeth, without a tongue, and the chin does not drop. Smiles can leave a pale line
  along the lower edge of the nose; teeth of mouths that were open before stay greyish.
- A wider face shows traces of its old outline. A much narrower one cuts off the ends of brows and leaves thin arcs of
  the old outline in the background.
- New glasses come in place of those that are worn, but parts of large frames can stay. Glasses taken away leave their
  arms in hair, and the ends of thick frames; eyes and brows behind dark lenses are somebody's, and may differ in size
  and height.
- Hats taken away leave traces of their colour in the hair, and below a low one the eyes are somebody's. A cap's visor
  has the cloth of the cap and hardly stands out.
- Brows that a fringe hid come out thin, and single strands can stay. Hair that is shortened or made thinner ends in a
  soft, sometimes stepped edge; on a shaven head edits of the hair do harm. `bald` gives a crown of an even colour and
  no ears where hair hid them.
- Black and white photographs stay so, but for colours that are asked for and styles copied whole. A photograph with a
  tint, such as a sepia print, counts as coloured, and what is drawn in it can have other colours.
- Hands and other things before the face are where the parser puts them: an edit may cover them.
- Much fuller hair has other strands than the person's.
- Hats are of one colour, black felt unless the face wears one, without folds; a second hat keeps the colour of the
  first, but not its pattern. Earrings and necklaces are small and can be faint, with a blurred border.
- Text and patterns on the skin do not continue through what is drawn.
- Where the parser takes skin for hair or the other way round, patches keep what was there; `anonymise` shows it most.

## Measured

*{date} · weights {weights} · {where}, at 256 px*

```sh
{command}
```

What `remove-glasses`, `remove-hat` and `remove-earrings` take off here was put on by the program before: real ones
are harder.
*Attribute found*: share of faces in which the attribute classifier finds CelebA's attribute, before and after.
*Labels seen*: share of the changed labels that the face parser sees in the picture, before and after. *Identity*:
mean cosine of the identity network that ships, before and after; it looks at hair and background too, and was in no
loss of the face network. For `anonymise`, the cosine of the recogniser that it asked: SFace,
which was the teacher of an edit network's identity loss. *Elsewhere*: pixels and labels that changed where the edit
may change none, over all faces.

{table}

## Shown

Rendered portraits, no real people. Rows: before, then the amounts of the table.

{sheets}"""


@dataclass(frozen=True, eq=False)
class Sheet:
    """Pictures of one edit."""

    name: str
    summary: str
    amounts: str
    classes: tuple[int, ...]
    rows: Sequence[tuple[str, Sequence[Picture | None]]]
    """Captions, and a picture for each face, S x S x 3; ``None`` where it could not be edited."""
    label_maps: Sequence[LabelMap]
    """Masks of the faces before, S x S."""

    def draw(self) -> Image.Image:
        """The sheet: a row for each amount."""
        boxes = [_shown_square(label_map, self.name, self.classes) for label_map in self.label_maps]
        size = (_CAPTION + _CELL * len(boxes), _CELL * len(self.rows))
        sheet = Image.new("RGB", size, (250, 250, 250))
        pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
        for i, (caption, pictures) in enumerate(self.rows):
            pen.text((_CAPTION / 2, (i + 0.5) * _CELL), caption, (30, 30, 30), font, anchor="mm")
            for j, (picture, box) in enumerate(zip(pictures, boxes, strict=True)):
                cell = np.full((_CELL, _CELL, 3), 200, np.uint8)
                if picture is not None:
                    cell = resize_picture(np.ascontiguousarray(picture[box]), (_CELL, _CELL))
                sheet.paste(Image.fromarray(cell), (_CAPTION + j * _CELL, i * _CELL))
        return sheet


def _shown_square(label_map: LabelMap, name: str, classes: Sequence[int]) -> tuple[slice, slice]:
    """Rows and columns of what a sheet shows of a face: all of it, its features, or the part alone and around it."""
    height, width = label_map.shape
    if {HAIR, HAT, NECK} & set(classes) and name not in ("glasses", "remove-glasses", "fringe"):
        return np.s_[:height, :width]
    part, margin = FACE, 1.1
    for smaller, room in ((EYES, 1.2), (BROWS, 1.2), (MOUTH, 1.6)):
        if set(classes) <= {*smaller, SKIN}:
            part, margin = smaller, room
    box = bounding_box(np.isin(label_map, part))
    if box is None:
        return np.s_[:height, :width]
    top, bottom, left, right = box
    side = min(round(margin * max(bottom - top, right - left)), height, width)
    row = min(max((top + bottom - side) // 2, 0), height - side)
    column = min(max((left + right - side) // 2, 0), width - side)
    return np.s_[row : row + side, column : column + side]


def write_sheets(docs: Path, sheets: Sequence[Sheet]) -> None:
    """Write ``edits/NAME.webp`` into the folder ``docs``, in the best quality that ``MAX_BYTES`` allows."""
    folder = make_folder(docs / "edits")
    drawn = [sheet.draw() for sheet in sheets]
    for quality in _QUALITIES:
        files = [_webp(image, quality) for image in drawn]
        if sum(map(len, files)) < MAX_BYTES:
            break
    for sheet, data in zip(sheets, files, strict=True):
        with atomic_path(folder / f"{sheet.name}.webp") as temporary:
            temporary.write_bytes(data)


def write_page(docs: Path, sheets: Sequence[Sheet], table: str, source: tuple[str, str, str]) -> None:
    """Write ``edits.md``.

    Args:
        docs: the folder.
        sheets: one for each edit, as ``write_sheets`` wrote them.
        table: what was measured, as Markdown.
        source: the weights' fingerprint, the command, and on which faces it measured.
    """
    weights, command, where = source
    parts = "\n".join(_section(sheet) for sheet in sheets)
    text = _TEXT.format(
        date=datetime.now(UTC).date(), weights=weights, where=where, command=command, table=table, sheets=parts
    )
    with atomic_path(docs / "edits.md") as temporary:
        temporary.write_text(text)


def _section(sheet: Sheet) -> str:
    names = ", ".join(CLASSES[label].title.lower() for label in sheet.classes)
    return (
        f"### {sheet.name}\n\n{sheet.summary[0].upper()}{sheet.summary[1:]}. Amounts: `{sheet.amounts}`. Pixels that "
        f"may change: {names}.\n\n![{sheet.name}](edits/{sheet.name}.webp)\n"
    )


def _webp(image: Image.Image, quality: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=6)
    return buffer.getvalue()
