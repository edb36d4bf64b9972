"""What an edit costs, in one interleaved run: from scratch and again, whole and blended.

    python -m benchmarks.editing [--weights FILE] [--rounds 20]

Prints the median seconds of each and how many times the cheapest that is, and what a picture takes where several are
rendered together.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from maskgan.assets import portrait, shipped_weights
from maskgan.editing.mask_edits import smile
from maskgan.editing.renderer import Renderer
from maskgan.editing.session import Blend, FaceEditor
from maskgan.images import read_label_map, read_picture


def main() -> None:
    """Time all ways in turns, so that a busy machine slows both alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    picture_path, mask_path = portrait(7)
    picture, label_map = read_picture(picture_path), read_label_map(mask_path)
    edited = smile(label_map)
    weights = arguments.weights or shipped_weights("edit")

    def from_scratch(editor: FaceEditor) -> None:
        editor.set_source(picture, label_map)
        editor.set_mask(edited)
        editor.render("full")

    def again(editor: FaceEditor, blend: Blend) -> None:
        editor.set_mask(edited)
        editor.render(blend)

    renderer = Renderer.from_weights(weights)
    editor = FaceEditor(renderer)
    editor.set_source(picture, label_map)
    again(editor, "region")  # what is computed once for a face
    ways: dict[str, Callable[[], None]] = {
        "from scratch": partial(from_scratch, FaceEditor(renderer)),
        "again": partial(again, editor, "full"),
        "again, blended": partial(again, editor, "region"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, work in ways.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        print(f"{name:16s}{median:8.3f} s{median / min(medians.values()):8.2f}")

    style = renderer.encode(picture, label_map)
    together: dict[int, list[float]] = {1: [], 2: [], 4: []}
    for _ in range(arguments.rounds):
        for count, taken in together.items():
            start = time.perf_counter()
            renderer.synthesise([edited] * count, style.expand(count, -1))
            taken.append((time.perf_counter() - start) / count)
    for count, taken in together.items():
        print(f"{count} together    {statistics.median(taken):8.3f} s a picture")


if __name__ == "__main__":
    main()
