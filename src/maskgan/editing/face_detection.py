"""Finding faces in photographs: several, small ones, and turned by any angle."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, degrees, radians, sin
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from maskgan.checkpoints.weights import load_weights
from maskgan.editing.framing import Frame, celebahq_frame, crop_face
from maskgan.errors import UserError
from maskgan.images import Picture, resize_picture
from maskgan.networks.yunet import YuNet
from maskgan.pixels import to_tensor

_SIDES = (512, 1024)  # pixels on the longer side of what is searched; the larger finds small faces
_TURNS = (0, 1, 2, 3)  # quarters; YuNet finds faces turned by up to half of one
_SCORE = 0.6
_SCORE_TURNED = 0.75  # of a face found only in a picture that was turned, where false alarms are more common
_OVERLAP = 0.3  # of two boxes, from which they show one face
_SMALLEST = 16  # pixels of a frame in the picture
_LOOK_SIDE = 256  # pixels of a frame in which a face is looked at again
_ROUNDS = 2
_ANGLES = (0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0)
_STEPS = 8  # of frames, a pixel and a degree: what runtimes compute differently by less gives the same frame
_MOST_ROLL = 40.0  # degrees by which a face may be turned in the frame in which it is looked at

_Points = NDArray[np.float64]
"""Corners of a box, then landmarks: 7 x 2, x and y in pixels."""


@dataclass(frozen=True)
class DetectedFace:
    """A face in a photograph, in its pixels."""

    score: float
    """0..1."""
    box: tuple[float, float, float, float]
    """Left, top, width and height of the face from brows to chin, upright in the photograph."""
    frame: Frame
    """The square to edit it in, as CelebA-HQ's frames are."""


class FaceDetector:
    """Finds faces with YuNet."""

    def __init__(self, network: YuNet, device: str = "cpu") -> None:
        self._network = network.to(device).eval()
        self._device = device

    @classmethod
    def from_weights(cls, path: Path, device: str = "cpu") -> FaceDetector:
        """A detector with the weights of a file.

        Raises:
            UserError: the file is missing, damaged, or of another model type.
        """
        network, _ = load_weights(path, "face-detector")
        assert isinstance(network, YuNet)
        return cls(network, device)

    def detect(self, picture: Picture) -> list[DetectedFace]:
        """All faces of a photograph, the largest first.

        Args:
            picture: H x W x 3 uint8 RGB.
        """
        height, width = picture.shape[:2]
        found: list[tuple[float, _Points]] = []
        for side in _SIDES:
            scale = min(1.0, side / max(height, width))
            if scale == 1.0 and side != _SIDES[0] and max(height, width) <= _SIDES[0]:
                break  # nothing more to see
            size = (max(round(height * scale), 1), max(round(width * scale), 1))
            small = resize_picture(picture, size)
            unit = np.array([width / size[1], height / size[0]])
            for turn in _TURNS:
                for score, points in self._candidates(np.ascontiguousarray(np.rot90(small, turn))):
                    found.append((score, _turn_back(points, turn, size) * unit))
        looked_at = [self._look_again(picture, *one) for one in _without_overlaps(found)]
        faces = [_face(*one) for one in _without_overlaps([one for one in looked_at if one is not None])]
        return sorted((f for f in faces if f.frame.side >= _SMALLEST), key=lambda f: -f.frame.side)

    def _look_again(self, picture: Picture, score: float, points: _Points) -> tuple[float, _Points] | None:
        """Find a face once more in a frame of its own, upright; ``None`` if it is not there.

        Landmarks of a turned face lie too upright, so its angle is the one at which the detector is surest; and what
        only looks like a face falls apart in a frame of its own.
        """
        x, y = points[:2].mean(axis=0)
        side = _face(score, points).frame.side
        frames = [_on_steps(Frame(float(x), float(y), side, turn)) for turn in _ANGLES]
        for _ in range(_ROUNDS):
            try:
                found = [one for frame in frames if (one := self._look_at(picture, frame)) is not None]
            except UserError:  # the frame is far too small, or outside
                return None
            if not found:
                return None
            score, points = max(found, key=lambda one: one[0])
            frames = [_face(score, points).frame]
        return score, points

    def _look_at(self, picture: Picture, frame: Frame) -> tuple[float, _Points] | None:
        """The surest face in the middle of a frame, in pixels of the picture."""
        crop = crop_face(picture, frame, _LOOK_SIDE)
        centre = np.full(2, _LOOK_SIDE / 2)
        near = [one for one in self._candidates(crop) if _lies_at(one[1], centre) and abs(_roll(one[1])) < _MOST_ROLL]
        if not near:
            return None
        score, points = max(near, key=lambda one: one[0])
        turn = radians(frame.angle)
        rotation = np.array([[cos(turn), sin(turn)], [-sin(turn), cos(turn)]])
        return score, (points - centre) * (frame.side / _LOOK_SIDE) @ rotation + (frame.x, frame.y)

    @torch.no_grad()
    def _candidates(self, picture: Picture) -> list[tuple[float, _Points]]:
        """Scores and points (box corners, then landmarks, M x 2) of faces that are more or less upright."""
        image = _padded(to_tensor(picture, self._device), self._network.size_multiple)
        (detections,) = self._network(image)
        chosen = detections.scores > _SCORE
        scores = detections.scores[chosen].cpu().numpy().astype(float)
        boxes = detections.boxes[chosen].cpu().numpy().astype(float)
        landmarks = detections.landmarks[chosen].cpu().numpy().astype(float)
        results = []
        for score, (x, y, w, h), points in zip(scores, boxes, landmarks, strict=True):
            upright = points[1, 0] > points[0, 0] and points[3:, 1].mean() > points[:2, 1].mean()
            if upright:
                corners = np.array([[x, y], [x + w, y + h]])
                results.append((float(score), np.concatenate([corners, points])))
        return results


def _lies_at(points: _Points, centre: NDArray[np.float64]) -> bool:
    return bool((points[:2].min(axis=0) < centre).all() and (points[:2].max(axis=0) > centre).all())


def _padded(image: Tensor, multiple: int) -> Tensor:
    bottom, right = (-image.shape[2] % multiple, -image.shape[3] % multiple)
    return F.pad(image, (0, right, 0, bottom), value=-1.0)


def _turn_back(points: _Points, turn: int, size: tuple[int, int]) -> _Points:
    """Points in ``np.rot90(picture, turn)`` as points in the picture, whose height and width are ``size``."""
    height, width = size
    x, y = points[:, 0], points[:, 1]
    turned = ((x, y), (width - y, x), (width - x, height - y), (y, height - x))[turn]
    return np.stack(turned, axis=1)


def _face(score: float, points: _Points) -> DetectedFace:
    left, top, right, bottom = (float(x) for x in (*points[:2].min(axis=0), *points[:2].max(axis=0)))
    left_eye, right_eye, mouth = ((float(p[0]), float(p[1])) for p in (points[2], points[3], points[5:].mean(axis=0)))
    frame = _on_steps(celebahq_frame(left_eye, right_eye, mouth))
    return DetectedFace(score, (left, top, right - left, bottom - top), frame)


def _on_steps(frame: Frame) -> Frame:
    return Frame(*(round(_STEPS * value) / _STEPS for value in (frame.x, frame.y, frame.side, frame.angle)))


def _without_overlaps(
    found: list[tuple[float, _Points]],
) -> list[tuple[float, _Points]]:
    """The best of each group of boxes that overlap; upright ones go before turned ones."""
    kept: list[tuple[float, _Points]] = []
    for score, points in sorted(found, key=lambda one: -one[0] + 0.05 * (abs(_roll(one[1])) > 45)):
        if abs(_roll(points)) > 45 and score < _SCORE_TURNED:
            continue
        if all(_overlap(points[:2], other[:2]) < _OVERLAP for _, other in kept):
            kept.append((score, points))
    return kept


def _roll(points: _Points) -> float:
    """Degrees by which the line of the eyes is turned."""
    across = points[3] - points[2]
    return degrees(atan2(across[1], across[0]))


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Intersection over the smaller of two boxes given by opposite corners."""
    low = np.maximum(a.min(axis=0), b.min(axis=0))
    high = np.minimum(a.max(axis=0), b.max(axis=0))
    both = float(np.prod((high - low).clip(0)))
    return both / max(min(float(np.prod(np.ptp(a, axis=0))), float(np.prod(np.ptp(b, axis=0)))), 1e-9)
