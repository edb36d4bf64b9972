"""Faces found in photographs, wherever they lie and however they are turned."""

from math import hypot

import numpy as np
import pytest
from PIL import Image

from maskgan.assets import portrait, shipped_weights
from maskgan.editing.face_detection import DetectedFace, FaceDetector
from maskgan.images import Picture, read_picture, resize_picture


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector.from_weights(shipped_weights("face-detector"))


def scene(faces: list[tuple[int, int, int, int, float]], size: tuple[int, int] = (900, 1200)) -> Picture:
    """Portraits on grey: number, centre x and y, side in pixels, turn in degrees clockwise."""
    canvas = Image.new("RGB", (size[1], size[0]), (120, 130, 125))
    for number, x, y, side, turn in faces:
        face = Image.fromarray(resize_picture(read_picture(portrait(number)[0]), (side, side)))
        turned = face.rotate(-turn, expand=True, resample=Image.Resampling.BICUBIC)
        visible = Image.new("L", (side, side), 255).rotate(-turn, expand=True)
        canvas.paste(turned, (x - turned.width // 2, y - turned.height // 2), visible)
    return np.asarray(canvas)


def assert_frames(found: DetectedFace, x: float, y: float, side: float, turn: float) -> None:
    """The frame shows a portrait, which was framed as CelebA-HQ's pictures are."""
    assert hypot(found.frame.x - x, found.frame.y - y) < 0.12 * side
    assert found.frame.side == pytest.approx(side, rel=0.35)
    assert abs((found.frame.angle - turn + 180) % 360 - 180) < 12


@pytest.mark.parametrize("turn", [0, 45, 90, 135, 180, -135, -90, -45])
def test_a_face_turned_by_any_angle_is_found_upright(detector: FaceDetector, turn: int) -> None:
    (found,) = detector.detect(scene([(7, 600, 450, 420, turn)]))
    assert_frames(found, 600, 450, 420, turn)


def test_several_faces_come_largest_first(detector: FaceDetector) -> None:
    faces = detector.detect(scene([(1, 250, 250, 200, 0), (2, 800, 500, 400, 0), (7, 300, 700, 300, 10)]))
    assert len(faces) == 3
    for face, expected in zip(faces, [(800, 500, 400, 0), (300, 700, 300, 10), (250, 250, 200, 0)], strict=True):
        assert_frames(face, *expected)


def test_a_face_of_a_twentieth_of_the_width_is_found(detector: FaceDetector) -> None:
    # The portrait's face is two fifths of its side wide: 100 of 2,000 pixels.
    (found,) = detector.detect(scene([(7, 1500, 400, 250, 0)], size=(1500, 2000)))
    assert_frames(found, 1500, 400, 250, 0)


def test_boxes_lie_in_the_picture_s_own_pixels(detector: FaceDetector) -> None:
    small = detector.detect(scene([(7, 300, 300, 256, 0)], size=(600, 600)))[0]
    large = detector.detect(resize_picture(scene([(7, 300, 300, 256, 0)], size=(600, 600)), (1800, 1800)))[0]
    np.testing.assert_allclose(np.array(large.box) / 3, small.box, rtol=0.1)


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_shows_no_face(detector: FaceDetector, seed: int) -> None:
    assert detector.detect(np.random.default_rng(seed).integers(0, 256, (400, 500, 3), dtype=np.uint8)) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (16, 16)])
def test_tiny_pictures_show_no_face(detector: FaceDetector, size: tuple[int, int]) -> None:
    assert detector.detect(np.zeros((*size, 3), dtype=np.uint8)) == []
