"""Finding faces in photographs: several, small ones, and turned by any angle."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from maskgan.checkpoints.weights import load_weights
from maskgan.editing.framing import Frame, celebahq_frame
from maskgan.images import Picture, resize_picture
from maskgan.networks.yunet import YuNet
from maskgan.pixels import to_tensor

_SIDES = (512, 1024)  # pixels on the longer side of what is searched; the larger finds small faces
_TURNS = (0, 1, 2, 3)  # quarters; YuNet finds faces turned by up to half of one
_SCORE = 0.6
_SCORE_TURNED = 0.75  # of a face found only in a picture that was turned, where false alarms are more common
_OVERLAP = 0.3  # of two boxes, from which they show one face
_SMALLEST = 16  # pixels of a box in the picture


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
        found: list[tuple[float, NDArray[np.float64]]] = []
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
        faces = [_face(score, points) for score, points in _without_overlaps(found)]
        return sorted((f for f in faces if f.frame.side >= _SMALLEST), key=lambda f: -f.frame.side)

    @torch.no_grad()
    def _candidates(self, picture: Picture) -> list[tuple[float, NDArray[np.float64]]]:
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


def _padded(image: Tensor, multiple: int) -> Tensor:
    bottom, right = (-image.shape[2] % multiple, -image.shape[3] % multiple)
    return F.pad(image, (0, right, 0, bottom), value=-1.0)


def _turn_back(points: NDArray[np.float64], turn: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """Points in ``np.rot90(picture, turn)`` as points in the picture, whose height and width are ``size``."""
    height, width = size
    x, y = points[:, 0], points[:, 1]
    turned = ((x, y), (width - y, x), (width - x, height - y), (y, height - x))[turn]
    return np.stack(turned, axis=1)


def _face(score: float, points: NDArray[np.float64]) -> DetectedFace:
    left, top = points[:2].min(axis=0)
    right, bottom = points[:2].max(axis=0)
    eyes, mouth = points[2:4], points[5:7].mean(axis=0)
    frame = celebahq_frame((eyes[0, 0], eyes[0, 1]), (eyes[1, 0], eyes[1, 1]), (mouth[0], mouth[1]))
    return DetectedFace(score, (left, top, right - left, bottom - top), frame)


def _without_overlaps(
    found: list[tuple[float, NDArray[np.float64]]],
) -> list[tuple[float, NDArray[np.float64]]]:
    """The best of each group of boxes that overlap; upright ones go before turned ones."""
    kept: list[tuple[float, NDArray[np.float64]]] = []
    for score, points in sorted(found, key=lambda one: -one[0] + 0.05 * (abs(_roll(one[1])) > 45)):
        if abs(_roll(points)) > 45 and score < _SCORE_TURNED:
            continue
        if all(_overlap(points[:2], other[:2]) < _OVERLAP for _, other in kept):
            kept.append((score, points))
    return kept


def _roll(points: NDArray[np.float64]) -> float:
    """Degrees by which the line of the eyes is turned."""
    across = points[3] - points[2]
    return degrees(atan2(across[1], across[0]))


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Intersection over the smaller of two boxes given by opposite corners."""
    low = np.maximum(a.min(axis=0), b.min(axis=0))
    high = np.minimum(a.max(axis=0), b.max(axis=0))
    both = float(np.prod((high - low).clip(0)))
    return both / max(min(float(np.prod(np.ptp(a, axis=0))), float(np.prod(np.ptp(b, axis=0)))), 1e-9)
