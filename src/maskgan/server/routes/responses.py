"""Responses and request bodies that several routes share, with their OpenAPI schemas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from maskgan.labels import LabelMap
from maskgan.mask_check import MaskIssue
from maskgan.server.image_encoding import Format

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""For what ships with the program and never changes under its address."""

PRIVATE = {"Cache-Control": "no-store"}
"""For what shows a person's face: it must not stay on the disk of a browser after the session has ended."""

_BYTES = {"type": "string", "format": "binary"}

LABEL_MAP: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": _BYTES}}}
}
"""A body that is a label map: one byte a pixel, row by row."""


def json_body(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """A body that is a JSON object."""
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def form(*parts: str, portrait: bool = False) -> dict[str, Any]:
    """A body that is a form; where ``portrait`` is set, it may also be the JSON ``{"portrait": number}``."""
    properties = dict.fromkeys(parts, _BYTES)
    content = {"multipart/form-data": {"schema": {"type": "object", "properties": properties}}}
    if portrait:
        number = {"type": "object", "properties": {"portrait": {"type": "integer"}}, "required": ["portrait"]}
        content["application/json"] = {"schema": number}
    return {"requestBody": {"required": True, "content": content}}


_MASK_WARNINGS = {
    "other-order": "the mask looks like one in the {order!r} label order; it was opened in that of CelebAMask-HQ",
    "sides-swapped": "left and right look exchanged in the mask; l_eye, l_brow and l_ear are the person's left",
    "labels-too-high": "all labels of the mask look one too high; 0 is the background and 1 skin",
    "labels-too-low": "all labels of the mask look one too low; 0 is the background and 1 skin",
    "red-blue-swapped": "red and blue look exchanged in the mask; save colour masks as RGB, not BGR",
    "foreground-only": "the mask holds skin and background alone; open the picture without it to have one predicted",
    "empty": "the mask holds background alone; open the picture without it to have one predicted",
    "blended": "the mask has thin rings of wrong labels along its outlines; resize masks by nearest neighbour",
}
"""What to tell a person in the page, by the kind of a ``MaskIssue``; its own message names commands."""


def mask_warnings(issues: Iterable[MaskIssue]) -> list[dict[str, str | None]]:
    """What seems wrong with a mask: its ``kind``, a line of ``text``, and the ``order`` to send instead, if any."""
    return [
        {"kind": issue.kind, "text": _MASK_WARNINGS[issue.kind].format(order=issue.order), "order": issue.order}
        for issue in issues
    ]


def label_map_answer(label_map: LabelMap, status: int = 200) -> Response:
    """A label map as the page reads it: one byte a pixel."""
    return Response(label_map.tobytes(), status, PRIVATE, "application/octet-stream")


def picture_answer(data: bytes, format: Format, headers: dict[str, str] | None = None) -> Response:
    """A picture's file."""
    return Response(data, media_type=f"image/{format}", headers=headers)


def download(data: bytes, media_type: str, name: str) -> Response:
    """A file for the person to save."""
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)
