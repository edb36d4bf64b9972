"""Runs Python code for the page's tests: arrays come and go in one file, a line of JSON and their bytes.

python reference.py FILE CODE: CODE finds the arrays that FILE holds by name, and fills the dictionary ``results``,
which replaces the content of FILE.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np


def read(path: Path) -> dict[str, Any]:
    """The arrays and plain values of a file, by name."""
    head, _, body = path.read_bytes().partition(b"\n")
    values: dict[str, Any] = {}
    start = 0
    for name, entry in json.loads(head).items():
        if "value" in entry:
            values[name] = entry["value"]
            continue
        dtype, shape = np.dtype(entry["dtype"]), entry["shape"]
        count = int(np.prod(shape, dtype=np.int64))
        values[name] = np.frombuffer(body, dtype, count, start).reshape(shape).copy()
        start += count * dtype.itemsize
    return values


def write(path: Path, results: dict[str, Any]) -> None:
    """Arrays and what JSON can hold, by name."""
    head: dict[str, Any] = {}
    body = []
    for name, value in results.items():
        if isinstance(value, (bytes, bytearray)):
            value = np.frombuffer(value, np.uint8)
        if not isinstance(value, np.ndarray):
            head[name] = {"value": value}
            continue
        if value.dtype == bool:
            value = value.astype(np.uint8)
        head[name] = {"dtype": value.dtype.name, "shape": list(value.shape)}
        body.append(np.ascontiguousarray(value).tobytes())
    path.write_bytes(json.dumps(head).encode() + b"\n" + b"".join(body))


if __name__ == "__main__":
    file = Path(sys.argv[1])
    results: dict[str, Any] = {}
    exec(sys.argv[2], {**read(file), "np": np, "results": results})
    write(file, results)
