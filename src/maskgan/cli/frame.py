"""``maskgan frame``: crops a face, aligned as the networks expect, and pastes the edited face back."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgan.cli.lines import echo_line
from maskgan.cli.options import DEVICES, overwrite_option, resolve_device, sign_option
from maskgan.errors import UserError

if TYPE_CHECKING:
    from maskgan.editing.framing import Frame

_KEY = "maskgan-frame"  # of the text in a face's PNG that says where it was cut out
_NUMBERS = ("x", "y", "side", "angle")


@click.group("frame", short_help="Cut a face out of a photograph, and put it back edited.")
def command() -> None:
    """Cut a face out of a photograph, upright in a square as the networks know faces, and put it back edited."""


@command.command("cut", short_help="Cut a face out of a photograph.")
@click.argument("photograph", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The face, a PNG.")
@click.option(
    "--at",
    metavar="X,Y,SIDE[,ANGLE]",
    help="Centre and side in pixels, degrees clockwise, in place of looking for faces.",
)
@click.option(
    "--face",
    default="largest",
    show_default=True,
    metavar="largest|N|X,Y",
    help="Which of the faces found: the largest, the Nth that 'maskgan faces' lists, or the one at a place.",
)
@click.option("--device", type=DEVICES, help="Where to compute.  [cuda if there is one, else cpu]")
@overwrite_option
def cut(photograph: Path, output: Path, at: str | None, face: str, device: str | None, overwrite: bool) -> None:
    """Write the face in PHOTOGRAPH as a square PNG, which records the place it was cut from."""
    from PIL.PngImagePlugin import PngInfo

    from maskgan.cli.opening import open_detector, require_writable
    from maskgan.editing.framing import crop_face
    from maskgan.editing.photographs import choose_faces
    from maskgan.files import check_outputs
    from maskgan.images import read_picture, write_picture

    if output.suffix.lower() != ".png":
        raise UserError(f"{output}: the face is written as a PNG, which remembers its frame; name it so")
    check_outputs([output], [photograph], overwrite)
    require_writable(output)
    picture = read_picture(photograph)
    if at is not None:
        frame = _frame_from(at)
    else:
        if face == "all":
            raise UserError("--face all: one face is cut out at a time; give its number")
        found = open_detector(resolve_device(device)).detect(picture)
        if not found:
            raise UserError(f"{photograph}: no face was found; say where it is with --at X,Y,SIDE")
        frame = choose_faces(found, face, str(photograph))[0].frame
    numbers = {name: getattr(frame, name) for name in _NUMBERS}
    info = PngInfo()
    info.add_text(_KEY, json.dumps(numbers))
    try:
        pixels = crop_face(picture, frame)
    except UserError as error:
        raise UserError(f"{photograph}: {f'--at {at}' if at is not None else 'the face found'}: {error}") from None
    write_picture(output, pixels, pnginfo=info)
    echo_line(output)


@command.command("put-back", short_help="Put an edited face back into its photograph.")
@click.argument("photograph", type=click.Path(path_type=Path))
@click.argument("face", type=click.Path(path_type=Path))
@click.argument("edited", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Image to write.")
@sign_option
@overwrite_option
def paste_back(
    photograph: Path, face: Path, edited: Path, output: Path, sign: tuple[Path, Path] | None, overwrite: bool
) -> None:
    """Paste EDITED back into PHOTOGRAPH. FACE is the file that 'frame cut' wrote, EDITED the same face after editing.

    Every pixel that the edit did not change stays as it was, and so do metadata and colour profile.
    """
    import numpy as np

    from maskgan.cli.opening import open_signer_for, require_writable
    from maskgan.editing import framing
    from maskgan.files import check_outputs
    from maskgan.images import read_picture, read_source
    from maskgan.provenance import write_edited

    check_outputs([output], [photograph, face, edited], overwrite)
    require_writable(output)
    signer = open_signer_for(sign, [output])
    source, before, after = read_source(photograph), read_picture(face), read_picture(edited)
    picture = source.picture
    frame = remembered_frame(face)
    if after.shape != before.shape:
        raise UserError(
            f"{edited}: is {after.shape[1]}x{after.shape[0]}, but {face} is {before.shape[1]}x{before.shape[0]}; "
            "the edited face must be of its size"
        )
    if not np.array_equal(framing.crop_face(picture, frame), before):
        raise UserError(f"{face}: was not cut out of {photograph}, or was changed since; cut it out again")
    write_edited(output, framing.paste_back(picture, frame, before, after), source, signer, photograph)
    echo_line(output)


def _frame_from(text: str) -> Frame:
    from maskgan.editing.framing import Frame

    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    if not 3 <= len(numbers) <= len(_NUMBERS) or not all(map(math.isfinite, numbers)):
        raise UserError(f"--at takes finite numbers X,Y,SIDE or X,Y,SIDE,ANGLE, not {text!r}")
    x, y, side, *angle = numbers
    return Frame(x, y, side, *(math.fmod(degrees, 360) for degrees in angle))


def remembered_frame(face: Path) -> Frame:
    """Where a face was cut out.

    Raises:
        UserError: the file does not say.
    """
    from maskgan.editing.framing import Frame
    from maskgan.images import open_image_file

    with open_image_file(face) as image:
        text = image.info.get(_KEY)
    try:
        numbers = {name: float(json.loads(text or "{}")[name]) for name in _NUMBERS}
        if not all(map(math.isfinite, numbers.values())):
            raise ValueError("a number is not finite")
        return Frame(**numbers)
    except (ArithmeticError, TypeError, ValueError, KeyError, RecursionError):
        raise UserError(
            f"{face}: does not say where it was cut out; it must be the file of 'maskgan frame cut'"
        ) from None
