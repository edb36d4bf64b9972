"""Resident memory of a process, from ``/proc``."""

from __future__ import annotations

import os
from pathlib import Path


def resident_megabytes(process: int | str = "self") -> int:
    """Of the process with this id, in MB of 2^20 bytes; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20
