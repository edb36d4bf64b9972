"""How the C library keeps and gives back memory, where it can be told (glibc).

Photographs come and go on several threads. Each thread's arena keeps what it freed, so without this a server that has
ended all its sessions stays as large as it ever was. Between renders, in turn, memory is kept: the system clears every
page that it gives again.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # from malloc.h
_ARENAS = 2
_MOST_KEPT = 256 << 20  # free bytes at an arena's end; a render at 512 px needs about as many
_LARGEST_KEPT = 32 << 20  # bytes of one piece; glibc takes no more


def configure_allocation() -> None:
    """Let all threads share two arenas, which keep what a render frees; to be called before they begin to work."""
    if (library := _glibc()) is not None:
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        library.mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)


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
