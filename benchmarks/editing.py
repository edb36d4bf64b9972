"""How much a session saves: editing a face again against rendering it from scratch, in one interleaved run.

    python benchmarks/editing.py [--weights FILE] [--rounds 20]

Prints the median seconds of both and their ratio, and what a picture takes where several are rendered together.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from maskgan.assets import portrait, shipped_weights
from maskgan.editing.mask_edits import smile
from maskgan.editing.renderer import Renderer
from maskgan.editing.session import FaceEditor
from maskgan.images import read_label_map, read_picture


def main() -> None:
    """Time both ways in turns, so that a busy machine slows both alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    picture_path, mask_path = portrait(7)
    picture, label_map = read_picture(picture_path), read_label_map(mask_path)
    edited = smile(label_map)
    weights = arguments.weights or shipped_weights("dense-mapping")
    editor = FaceEditor.from_weights(weights)

    def from_scratch() -> None:
        editor.set_source(picture, label_map)
        editor.set_mask(edited)
        editor.render("full")

    def again() -> None:
        editor.set_mask(edited)
        editor.render("full")

    from_scratch()
    seconds: dict[str, list[float]] = {"from scratch": [], "again": []}
    for _ in range(arguments.rounds):
        for name, work in (("from scratch", from_scratch), ("again", again)):
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        print(f"{name:14s}{median:8.3f} s")
    print(f"ratio         {medians['from scratch'] / medians['again']:8.2f}")

    renderer = Renderer.from_weights(weights)
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
