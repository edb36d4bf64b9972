"""The portraits that ship with the package, opened when they are asked for and then kept."""

from __future__ import annotations

from functools import cache

from maskgan.assets import portrait
from maskgan.images import SourceImage, read_label_map, read_source
from maskgan.labels import LabelMap
from maskgan.server.http_errors import HTTPError
from maskgan.server.page_info import PORTRAITS


@cache
def shipped_portrait(number: int) -> tuple[SourceImage, LabelMap]:
    """A portrait and its mask.

    Raises:
        HTTPError: 404, there is none of this number.
    """
    if number not in PORTRAITS:
        raise HTTPError(404, f"there is no portrait {number}; they are {PORTRAITS[0]} to {PORTRAITS[-1]}")
    picture, mask = portrait(number)
    return read_source(picture), read_label_map(mask)
