"""Answers that several routes give."""

from __future__ import annotations

from starlette.responses import Response

from maskgan.labels import LabelMap
from maskgan.server.pictures import Format

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""For what never changes under its address."""


def label_map_answer(label_map: LabelMap, status: int = 200) -> Response:
    """A label map as the page reads it: one byte a pixel."""
    return Response(label_map.tobytes(), status, media_type="application/octet-stream")


def picture_answer(data: bytes, format: Format, headers: dict[str, str] | None = None) -> Response:
    """A picture's file."""
    return Response(data, media_type=f"image/{format}", headers=headers)


def download(data: bytes, media_type: str, name: str) -> Response:
    """A file for the person to save."""
    return Response(data, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
