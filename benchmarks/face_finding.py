"""Faces found on drawn scenes: sample portraits placed, scaled and turned on a background.

python -m benchmarks.face_finding --scenes 40
"""

from __future__ import annotations

import argparse
import time
from math import hypot

import numpy as np
from PIL import Image

from maskgan.assets import portrait, shipped_weights
from maskgan.editing.face_detection import FaceDetector
from maskgan.editing.framing import Frame
from maskgan.images import Picture, read_picture, resize_picture

CANVAS = (1500, 2000)  # height and width, in pixels
PORTRAITS = 9
GROUPS = {  # side of the portrait as a fraction of the canvas's height, and turn in degrees
    "upright, large": ((0.4, 0.9), (-20.0, 20.0)),
    "upright, small": ((0.13, 0.25), (-20.0, 20.0)),
    "turned by any angle": ((0.3, 0.7), (-180.0, 180.0)),
}


def scene(random: np.random.Generator, sides: tuple[float, float], turns: tuple[float, float]) -> tuple[Picture, Frame]:
    """A portrait on a noisy background, and the frame that shows it."""
    height, width = CANVAS
    coarse = random.integers(40, 216, (6, 8, 3), dtype=np.uint8)
    canvas = Image.fromarray(resize_picture(coarse, CANVAS))
    side = round(height * random.uniform(*sides))
    angle = random.uniform(*turns)
    face = read_picture(portrait(int(random.integers(1, PORTRAITS + 1)))[0])
    pasted = Image.fromarray(resize_picture(face, (side, side))).rotate(-angle, expand=True, resample=Image.BICUBIC)
    visible = Image.new("L", (side, side), 255).rotate(-angle, expand=True)
    x = int(random.uniform(0, max(width - pasted.width, 1)))
    y = int(random.uniform(0, max(height - pasted.height, 1)))
    canvas.paste(pasted, (x, y), visible)
    frame = Frame(x + pasted.width / 2, y + pasted.height / 2, side, angle)
    return np.asarray(canvas), frame


def agrees(found: Frame, true: Frame) -> bool:
    """Whether a frame shows the face of another, about as large and as upright."""
    near = hypot(found.x - true.x, found.y - true.y) < 0.25 * true.side
    turned = abs((found.angle - true.angle + 180) % 360 - 180)
    return near and 0.6 < found.side / true.side < 1.6 and turned < 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=40, help="of each group")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    detector = FaceDetector.from_weights(shipped_weights("face-detector"))
    for group, (sides, turns) in GROUPS.items():
        random = np.random.default_rng(options.seed)
        scenes = [scene(random, sides, turns) for _ in range(options.scenes)]
        hits = extra = 0
        start = time.perf_counter()
        for picture, true in scenes:
            frames = [face.frame for face in detector.detect(picture)]
            matching = sum(agrees(frame, true) for frame in frames)
            hits += matching > 0
            extra += len(frames) - min(matching, 1)
        seconds = (time.perf_counter() - start) / len(scenes)
        print(f"{group:22s} found {hits}/{len(scenes)}, false {extra}, {seconds:.2f} s a picture", flush=True)


if __name__ == "__main__":
    main()
