"""Giving freed memory back to the system, where the C library can be told to (glibc).

Photographs come and go on several threads. Each thread's arena keeps what it freed, so without this a server that has
ended all its sessions stays as large as it ever was.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_M_ARENA_MAX = -8  # from malloc.h
_ARENAS = 2


def limit_arenas() -> None:
    """Let all threads share two arenas; to be called before they begin to work."""
    if (library := _glibc()) is not None:
        library.mallopt(_M_ARENA_MAX, _ARENAS)


def release_memory() -> bool:
    """Give free pages back to the system; whether there were any."""
    library = _glibc()
    return library is not None and library.malloc_trim(0) == 1


@cache
def _glibc() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL(None)
        return library if library.malloc_trim and library.mallopt else None
    except (OSError, AttributeError):  # another C library, such as musl
        return None
