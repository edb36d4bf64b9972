"""Faces cut out and turned as face recognisers expect them, by the landmarks that a mask shows.

Source: the five-point template of ArcFace (Deng et al., CVPR 2019), to which OpenCV Zoo aligns too; of it, eyes and
corners of the mouth are used, which a mask shows.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.face_parts import EYES, MOUTH

SIDE = 112
"""Height and width of an aligned face, in pixels."""

# x and y in pixels: the eye on the left of the picture, the other eye, left and right corner of the mouth.
_TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (41.5493, 92.3655), (70.7299, 92.2041))
_EYES = EYES[::-1]  # in the order of the picture's columns
_FEWEST = 4  # pixels of an eye or a mouth that is one
_WIDEST = 3.0  # sides of the picture that an aligned face may span; landmarks of a larger one lie on each other


def landmarks(label_maps: Tensor) -> tuple[Tensor, Tensor]:
    """Centres of the eyes and corners of the mouth.

    Args:
        label_maps: N x H x W, integer labels 0..18.

    Returns:
        x and y in pixels, N x 4 x 2, in the order of the template: eye on the left of the picture, other eye, left
        corner of the mouth, right corner; and whether all four are there, N, bool.
    """
    height, width = label_maps.shape[1:]
    rows = torch.arange(height, device=label_maps.device, dtype=torch.float32)
    columns = torch.arange(width, device=label_maps.device, dtype=torch.float32)
    points = []
    found = torch.ones(len(label_maps), dtype=torch.bool, device=label_maps.device)
    for label in _EYES:
        eye = (label_maps == label).float()
        area = eye.sum((1, 2))
        found &= area >= _FEWEST
        sums = torch.stack([(eye * columns).sum((1, 2)), (eye * rows[:, None]).sum((1, 2))], dim=1)
        points.append(sums / area.clamp_min(1)[:, None])
    mouth = torch.stack([label_maps == label for label in MOUTH]).any(0)
    found &= mouth.sum((1, 2)) >= _FEWEST
    covered = mouth.any(1)
    # A corner's height is the mean over the outermost hundredth of the width: one stray pixel does not move it far.
    for corner in (
        torch.where(covered, columns, torch.inf).amin(1),
        torch.where(covered, columns, -torch.inf).amax(1),
    ):
        x = torch.where(found, corner, 0.0)
        near = mouth & ((columns - x[:, None]).abs() <= max(1.0, width / 100))[:, None]
        y = (near.float() * rows[:, None]).sum((1, 2)) / near.sum((1, 2)).clamp_min(1)
        points.append(torch.stack([x, y], dim=1))
    return torch.stack(points, dim=1), found


def alignment(label_maps: Tensor) -> tuple[Tensor, Tensor]:
    """The similarity transforms that align faces, by least squares over the landmarks.

    Args:
        label_maps: N x S x S, integer labels 0..18, of square pictures.

    Returns:
        N x 2 x 3 matrices for ``align``, and whether a face could be aligned, N, bool; the matrix of one that could not
        maps the whole picture.
    """
    points, found = landmarks(label_maps)
    side = label_maps.shape[2]
    template = torch.tensor(_TEMPLATE, device=label_maps.device)
    centre = template.mean(0)
    offsets, around = template - centre, points - points.mean(1, keepdim=True)
    norm = offsets.square().sum()
    cosine = (around * offsets).sum((1, 2)) / norm
    sine = (around[..., 1] * offsets[:, 0] - around[..., 0] * offsets[:, 1]).sum(1) / norm
    found = found & (torch.hypot(cosine, sine) * SIDE < _WIDEST * side) & (torch.hypot(cosine, sine) > 0)
    # Source pixel = rotation * (template pixel - centre) + middle; then both sides in affine_grid's coordinates.
    half = SIDE / 2
    from_centre = half - 0.5 - centre
    x = cosine * from_centre[0] - sine * from_centre[1] + points[:, :, 0].mean(1)
    y = sine * from_centre[0] + cosine * from_centre[1] + points[:, :, 1].mean(1)
    rows = [
        torch.stack([cosine * half, -sine * half, x + 0.5], dim=1),
        torch.stack([sine * half, cosine * half, y + 0.5], dim=1),
    ]
    matrices = torch.stack(rows, dim=1) * (2 / side)
    matrices[:, :, 2] -= 1
    whole = torch.eye(2, 3, device=label_maps.device)
    return torch.where(found[:, None, None], matrices, whole), found


def align(images: Tensor, matrices: Tensor) -> Tensor:
    """Aligned faces, N x C x 112 x 112, of square pictures, N x C x S x S; differentiable in the pictures."""
    # In bfloat16 pixels would be sampled from beside their places.
    with torch.autocast(images.device.type, enabled=False):
        grid = F.affine_grid(matrices.float(), [len(images), images.shape[1], SIDE, SIDE], align_corners=False)
        aligned = F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return aligned.to(images.dtype)
