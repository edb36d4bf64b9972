"""Limits of the server: every size and number that a client could drive up is bounded here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one server."""

    sessions: int = 256
    """Sessions held; the least recently used gives way to a new one."""
    session_bytes: int = 1 << 30
    """Memory of all sessions together; the least recently used gives way."""
    session_age: float = 6 * 3600.0
    """Seconds without a request after which a session ends."""
    waiting: int = 64
    """Jobs that wait for the network; further requests get 503."""
    batch_size: int = 1
    """Renders made in one pass of the network. A CPU takes as long for two together as one by one, and for four a
    tenth longer (caches), so there the first in the line need not wait for the others; a GPU gains."""
    refinements: int = 2
    """Refinements that run at once, taking turns step by step; further requests get 503."""
    refinement_steps: int = 200
    """Steps of one of them."""
    upload_bytes: int = 48 << 20
    """Bytes of a picture and a mask in a request."""
    project_bytes: int = 160 << 20
    """Bytes of a project, packed and unpacked; its pictures are PNG."""
    editor_bytes: int = 8 << 20
    """Bytes of what the page keeps in a project."""
    receiving_bytes: int = 640 << 20
    """Bytes of all forms that arrive, wait for their turn or are worked on; others are told to come again."""
    pixels: int = 50_000_000
    """Pixels of an uploaded picture: a phone's 48 or 50 megapixels, which take 150 MB as RGB. One JPEG of 48 Mpx adds,
    at most, 360 MB to the server while its face is looked for, 680 MB while a crop of it is opened and put back, and
    880 MB while it is opened and saved whole (peak resident memory, measured from upload to reopened project). Other
    kinds take more to decode than a JPEG's 8 bytes a pixel: PNG and TIFF with opacity 13, AVIF up to 17, WebP up to 21,
    JPEG 2000 up to 25, which is 1.25 GB for 50 Mpx; one such picture is decoded at a time (``large_pixels``)."""
    large_pixels: int = 16_000_000
    """Pixels from which only one picture at a time is decoded or saved."""
    uploads: int = 4
    """Uploads worked on at once, and pictures being saved at once; others wait for their turn, their bodies read."""
    body_seconds: float = 60.0
    """Seconds in which a request's body must arrive."""
    proportion: float = 4.0
    """Longest side over shortest side of a picture."""


MAP_SIDE = 512
"""Longer side of the label maps that page and server exchange."""

PREVIEW_SIDE = 512
"""Longer side of a preview, at most."""

DISPLAY_SIDE = 1024
"""Longer side of a picture as the page shows it, at most."""
