"""Damaged and hostile variants of good inputs; the same number gives the same variant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_TOKENS = (
    b"", b"\0", b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"-1", b"0", b"9" * 400, b"9" * 5000, b"1e999", b"NaN",
    b"Infinity", b"null", b"[" * 300, b'{"a":' * 300, b"\\ud800", b"\x1b[31m", b"../../x", b"\r\n", b"\xef\xbb\xbf",
    b"a" * 70_000, b"%00", b"{0..999999999}", b",", b'"', b"\xc3\x28",
)  # fmt: skip
_MAX_BYTES = 1 << 20


def variant(seeds: Sequence[bytes], name: str, number: int) -> bytes:
    """Variant ``number`` of the inputs of the reader ``name``: one of the seeds with one to eight changes."""
    generator = np.random.default_rng([number, *name.encode()])
    data = bytearray(seeds[int(generator.integers(len(seeds)))])
    for _ in range(int(generator.integers(1, 9))):
        _change(data, seeds, generator)
    return bytes(data[:_MAX_BYTES])


def _change(data: bytearray, seeds: Sequence[bytes], generator: np.random.Generator) -> None:
    # Headers decide most, and they stand in front.
    reach = min(len(data), 200) if generator.random() < 0.5 else len(data)
    start = int(generator.integers(0, reach + 1))
    length = int(generator.choice([1, 2, 4, 8, 64, 1024]))
    match int(generator.integers(0, 7)):
        case 0:
            for position in range(start, min(start + length, len(data))):
                data[position] = int(generator.integers(0, 256))
        case 1:
            del data[start : start + length]
        case 2:
            data[start:start] = data[start : start + length]
        case 3:
            del data[start:]
        case 4:
            token = _TOKENS[int(generator.integers(len(_TOKENS)))]
            data[start : start + length] = token
        case 5:
            if start < len(data):
                data[start] ^= 1 << int(generator.integers(0, 8))
        case _:
            other = seeds[int(generator.integers(len(seeds)))]
            data[start : start + length] = other[start : start + length]
