"""What a reader of strangers' files is to the attack, and one try of it."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.attack.mutation import variant

from maskgan.errors import MaskGANError
from maskgan.server.http_errors import HTTPError

REFUSALS = (MaskGANError, HTTPError)
"""How a reader may refuse an input: one line for the person. Anything else is a finding."""


@dataclass(frozen=True)
class Reader:
    """One way in.

    Attributes:
        name: of the reader.
        suffix: of the files that it reads.
        seeds: good inputs.
        read: reads the file, and raises one of ``REFUSALS`` or nothing.
        pack: makes a file of a variant of a part of one, its checksums right; ``None``: the variant is the file.
        every: only each such number is tried, for it takes long.
    """

    name: str
    suffix: str
    seeds: Sequence[bytes]
    read: Callable[[Path], object]
    pack: Callable[[bytes], bytes] | None = None
    every: int = 1


def try_one(reader: Reader, number: int, folder: Path) -> str | None:
    """Read one variant.

    Returns:
        ``None`` if it was read, ``""`` if it was refused as it should be; otherwise what went wrong.
    """
    data = variant(reader.seeds, reader.name, number)
    path = folder / f"input{reader.suffix}"
    path.write_bytes(data if reader.pack is None else reader.pack(data))
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            reader.read(path)
        if warned:  # a library's, which says nothing to the person
            return f"a warning: {warned[0].message} ({Path(warned[0].filename).name}:{warned[0].lineno})"
    except REFUSALS:
        return ""
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        reason = (str(error).splitlines() or [""])[0][:100]
        return f"{type(error).__name__}: {reason} ({Path(frame.filename).name}:{frame.lineno})"
    return None
