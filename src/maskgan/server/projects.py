"""Project files: all of an editing session in a zip of pictures and one JSON file, read without trust."""

from __future__ import annotations

import json
import zipfile
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from typing import Any

from PIL import Image

from maskgan import __version__
from maskgan.editing.pipeline import StyleReference
from maskgan.images import JpegCoding, Picture, SourceImage, encode_label_map, encode_source
from maskgan.labels import LabelMap
from maskgan.server.faces import Face
from maskgan.server.http_errors import HTTPError, bad_request, payload_too_large
from maskgan.server.limits import Limits
from maskgan.server.request_body import parse_json
from maskgan.server.uploads import decode_uploaded_label_map, decode_uploaded_source

FORMAT_VERSION = 1

_SOURCE, _MASK, _EDITED, _STYLE, _STYLE_MASK, _MANIFEST = (
    "source.png",
    "mask.png",
    "edited.png",
    "style.png",
    "style-mask.png",
    "project.json",
)
_MANIFEST_OVERHEAD = 128 << 10  # what the manifest holds beside the page's own
_MAX_COMMENT = 65_533  # bytes; no JPEG has more
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # those of which Python unpacks no more than it is asked for
_MAX_DIRECTORY = 64 << 10  # a directory of millions of parts would take gigabytes
_END, _END_BYTES = b"PK\x05\x06", 22  # of a zip without a comment
_ZIP64, _ZIP64_BYTES = b"PK\x06\x07", 20  # before it in a zip of over 4 GB
_MAX_NESTING = 64
_CODES = (-1, 0, 1, 2)  # by which Pillow names subsampling
_STORED_LEVEL = 1  # of PNG compression: photographs shrink little more for ten times the time


@dataclass(frozen=True)
class Project:
    """What a project file holds."""

    source: SourceImage
    label_map: LabelMap
    edited: LabelMap
    style: tuple[Picture, LabelMap] | None
    editor: bytes
    """What the page put there and wants back: a JSON object."""


def write_project(face: Face, edited: LabelMap, style: StyleReference | None, editor: bytes) -> bytes:
    """The bytes of a project file.

    Raises:
        HTTPError: 400, ``editor`` is no JSON object, or one that ``read_project`` would refuse.
    """
    _encoded_editor(parse_json(editor, "'editor'"), "'editor'")
    # As the page wrote it: another spelling of its numbers could be longer than what is read again.
    coding = face.source.metadata.jpeg
    jpeg = json.dumps(None if coding is None else asdict(coding), separators=(",", ":"))
    comment = b64encode(face.source.metadata.comment[:_MAX_COMMENT]).decode()
    start = (
        f'{{"format": {FORMAT_VERSION}, "program": "maskgan {__version__}", "jpeg": {jpeg}, "comment": "{comment}", '
        '"editor": '
    )
    manifest = start.encode() + editor + b"}"
    buffer = BytesIO()
    # The pictures are compressed already.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_MANIFEST, manifest, zipfile.ZIP_DEFLATED)
        archive.writestr(_SOURCE, encode_source(face.source))
        archive.writestr(_MASK, encode_label_map(face.label_map))
        archive.writestr(_EDITED, encode_label_map(edited))
        if style is not None:
            archive.writestr(_STYLE, _png(style.picture))
            archive.writestr(_STYLE_MASK, encode_label_map(style.label_map))
    return buffer.getvalue()


def read_project(data: bytes, limits: Limits) -> Project:
    """Read a project file without trusting it.

    Raises:
        HTTPError: 400 it is damaged, made by a newer version, or its parts do not fit together; 413 a part is
            too large.
        UserError: a picture in it is damaged or no label map.
    """
    try:
        _check_directory(data)
        with zipfile.ZipFile(BytesIO(data)) as archive:
            parts = _read_parts(archive, limits)
    except HTTPError:
        raise
    except Exception:  # damaged and hostile zips fail in many ways
        raise bad_request("the project is damaged, or no project of this editor (.maskgan)") from None
    if missing := [name for name in (_MANIFEST, _SOURCE, _MASK, _EDITED) if name not in parts]:
        raise bad_request(f"the project lacks {missing[0]}; it is damaged, or no project of this editor")
    manifest = parse_json(parts[_MANIFEST], _MANIFEST)
    version, editor = manifest.get("format"), manifest.get("editor")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION or not isinstance(editor, dict):
        raise bad_request(f"the project has a format that this version ({__version__}) does not read; update maskgan")
    sendable = _encoded_editor(editor, "what the project tells of its editing")
    label_map, edited = (decode_uploaded_label_map(parts[name], limits, name) for name in (_MASK, _EDITED))
    if label_map.shape != edited.shape:
        raise bad_request("the project's masks have two sizes; it is damaged")
    style = None
    if _STYLE in parts and _STYLE_MASK in parts:
        style = (
            decode_uploaded_source(parts[_STYLE], limits, _STYLE).picture,
            decode_uploaded_label_map(parts[_STYLE_MASK], limits, _STYLE_MASK),
        )
    source = decode_uploaded_source(parts[_SOURCE], limits, _SOURCE)
    coding, comment = _read_coding(manifest.get("jpeg")), _read_comment(manifest.get("comment"))
    source = replace(source, metadata=replace(source.metadata, jpeg=coding, comment=comment))
    return Project(source, label_map, edited, style, sendable)


def _read_comment(value: Any) -> bytes:
    """The comment of the photograph's JPEG, empty if it had none.

    Raises:
        HTTPError: 400, ``value`` is no base64 text.
    """
    try:
        return b64decode(value or "", validate=True)[:_MAX_COMMENT]
    except (TypeError, ValueError):
        raise bad_request("the project's JPEG comment is damaged") from None


def _read_coding(value: Any) -> JpegCoding | None:
    """How the photograph's JPEG was compressed; ``None`` if it was none.

    Raises:
        HTTPError: 400, ``value`` cannot be that.
    """
    if value is None:
        return None
    try:
        tables = tuple(tuple(map(_entry, table)) for table in value["tables"])
        if not 1 <= len(tables) <= 4 or {len(table) for table in tables} != {64} or value["subsampling"] not in _CODES:
            raise ValueError
        return JpegCoding(tables, int(value["subsampling"]), bool(value["progressive"]))
    except (TypeError, KeyError, ValueError):
        raise bad_request("what the project tells of its JPEG is damaged") from None


def _entry(number: Any) -> int:
    """An entry of a quantisation table."""
    if type(number) is not int or not 1 <= number <= 0xFFFF:
        raise ValueError
    return number


def _encoded_editor(editor: dict[str, Any], name: str) -> bytes:
    """JSON that the page can have back: Python also reads what is no JSON (NaN) and no text (lone surrogates).

    Raises:
        HTTPError: 400, it holds such, or is nested too deeply.
    """
    level: list[Any] = [editor]
    for _ in range(_MAX_NESTING):
        children = (child for node in level for child in (node.values() if isinstance(node, dict) else node))
        level = [child for child in children if isinstance(child, (dict, list))]
        if not level:
            break
    else:
        raise bad_request(f"{name} is nested over {_MAX_NESTING} deep")
    try:
        return json.dumps(editor, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        raise bad_request(f"{name} holds what is no JSON: a number that is not finite, or half a character") from None


def _check_directory(data: bytes) -> None:
    """Raise before Python reads a zip's directory, unless that is small."""
    end = data[-_END_BYTES:]
    before = data[-_END_BYTES - _ZIP64_BYTES : -_END_BYTES]
    if not end.startswith(_END) or end[-2:] != b"\0\0" or before.startswith(_ZIP64):
        raise bad_request("the project is damaged, or no project of this editor (.maskgan)")
    if int.from_bytes(end[12:16], "little") > _MAX_DIRECTORY:
        raise payload_too_large("the project has too many parts; it is no project of this editor (.maskgan)")


def _read_parts(archive: zipfile.ZipFile, limits: Limits) -> dict[str, bytes]:
    """The parts by name; other members are not read."""
    parts: dict[str, bytes] = {}
    left = limits.project_bytes
    for name in (_MANIFEST, _SOURCE, _MASK, _EDITED, _STYLE, _STYLE_MASK):
        if name not in archive.NameToInfo:
            continue
        if archive.NameToInfo[name].compress_type not in _COMPRESSIONS:
            raise bad_request(f"{name} in the project is compressed in a way that is not read; zip it with deflate")
        bound = min(left, limits.editor_bytes + _MANIFEST_OVERHEAD) if name == _MANIFEST else left
        # What the zip says of a part's size is not trusted: no more than the bound is unpacked.
        with archive.open(name) as stream:
            parts[name] = stream.read(bound + 1)
        if len(parts[name]) > bound:
            raise payload_too_large(f"{name} in the project is too large; it is damaged, or no project of this editor")
        left -= len(parts[name])
    return parts


def _png(picture: Picture) -> bytes:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=_STORED_LEVEL)
    return buffer.getvalue()
