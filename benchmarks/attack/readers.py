"""All that reads files or bodies of strangers, with good inputs to begin from."""

from __future__ import annotations

from pathlib import Path

from benchmarks.attack.file_readers import data_readers, text_readers, weights_readers
from benchmarks.attack.image_readers import image_readers
from benchmarks.attack.reader import REFUSALS, Reader, try_one
from benchmarks.attack.server_readers import server_readers

from maskgan.data.synthetic.dataset import SyntheticPairs

__all__ = ["REFUSALS", "Reader", "all_readers", "try_one"]

_SIDE = 48


def all_readers(folder: Path) -> list[Reader]:
    """Every reader; ``folder`` holds what is needed to make the seeds."""
    face = SyntheticPairs(1, _SIDE, seed=1)[0]
    return [
        *image_readers(face.picture, face.label_map),
        *server_readers(face.picture, face.label_map),
        *weights_readers(folder),
        *data_readers(face.picture, face.label_map),
        *text_readers(),
    ]
