"""Compositing: the edited region goes back into the photograph, all other pixels stay, the border is soft.

The paper's authors name compositing as a cure for lost identity. The network's colours are never quite the
photograph's: they are corrected class by class with the residual that it leaves where nothing was edited. Parts
with a copied style are blended in the same way and corrected towards the average colour that they have in the
reference. The face around the edit keeps the photograph's pixels and takes over the change that the network makes
there, such as a smile's in the cheeks.

A network that sees the photograph needs no such correction: its hole is pasted, see ``paste``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from maskgan.editing.edit_region import EditRegion
from maskgan.editing.soft_region import blur, blur_radius, dilate, surroundings
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import NUM_CLASSES, LabelMap
from maskgan.pixels import HALF_RANGE, to_tensor

# Lengths are fractions of the longer side.
_COLOUR_REACH = 0.08  # over which residuals are averaged
_STEP_BLUR = 0.004  # over which the correction may step between classes
_COARSE = 4  # by how much the grid of residuals is coarser than the network's picture
_FAR = 1e-3  # weight of the class's average where no unedited pixel of it is near
_FEW = 1e-4  # share of a picture at which a class's average colour in it counts half
_PASTE_MARGIN = 0.006  # of a pasted hole over which the photograph fades into it; holes reach further than labels

Frame = tuple[float, float, float, float]
"""Top, bottom, left and right of a box, as fractions of the sides."""


@dataclass(frozen=True)
class SourceAnalysis:
    """How the network reproduces a photograph before any edit; computed once, used by every edit."""

    working_label_map: LabelMap
    """Its mask at the network's size, h x w uint8."""
    reconstruction: Tensor
    """The network's picture of this mask, 1 x 3 x h x w in [-1, 1], on the CPU."""
    residual: Tensor
    """The photograph minus that, 1 x 3 x h x w."""
    class_residuals: Tensor
    """The average residual over each class, 19 x 3 x 1 x 1; 0 for a class that is not there."""
    local_residuals: Tensor
    """The average residual over nearby pixels of each class, on a coarse grid: 19 x 3 x h/4 x w/4."""


@dataclass(frozen=True)
class PartStyle:
    """Parts of a face that have another face's style."""

    classes: tuple[int, ...]
    """The parts' classes, wherever the edited mask shows them."""
    strength: float
    """How much of that style, 0..1."""
    colours: Tensor
    """The other face's class colours, see ``class_colours``."""


def class_colours(picture: Picture, label_map: LabelMap) -> Tensor:
    """The average colour of each class and how far it can be relied on, 19 x 4: red, green, blue in [-1, 1]; 0..1.

    Args:
        picture: H x W x 3 uint8.
        label_map: its mask, h x w uint8.
    """
    image = to_tensor(resize_picture(picture, (label_map.shape[0], label_map.shape[1])))
    planes = image[0].flatten(1).double().numpy()
    labels = label_map.reshape(-1)
    sums = np.stack([np.bincount(labels, weights, NUM_CLASSES) for weights in (*planes, np.ones(len(labels)))], 1)
    share = sums[:, 3:] / len(labels)
    colours = np.concatenate([sums[:, :3] / sums[:, 3:].clip(min=1), share / (share + _FEW)], axis=1)
    return torch.from_numpy(colours).float()


def analyse_source(picture: Picture, label_map: LabelMap, reconstruction: Tensor) -> SourceAnalysis:
    """Compare a photograph with the network's picture of it.

    Args:
        picture: H x W x 3 uint8.
        label_map: its mask, H' x W' uint8.
        reconstruction: the network's picture of ``label_map``, 1 x 3 x h x w in [-1, 1].
    """
    working = (reconstruction.shape[2], reconstruction.shape[3])
    original = to_tensor(resize_picture(picture, working))
    reconstruction = reconstruction.cpu()
    residual = original - reconstruction
    small = resize_label_map(label_map, working)
    planes = _planes(small, range(NUM_CLASSES))
    averages = (residual * planes).sum(dim=(2, 3), keepdim=True) / planes.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    local = _local_residuals(residual, planes, averages)
    return SourceAnalysis(small, reconstruction, residual, averages, local)


def composite(
    picture: Picture,
    analysis: SourceAnalysis,
    region: EditRegion,
    generated: Tensor,
    part_style: PartStyle | None = None,
) -> Picture:
    """Blend the edit region of the network's picture into the original, its colours corrected.

    Args:
        picture: H x W x 3 uint8, the original, at any size.
        analysis: of the original.
        region: which pixels may change.
        generated: the network's picture of ``region.after``, 1 x 3 x h x w in [-1, 1].
        part_style: the copied style of classes, those of ``region``.

    Returns:
        H x W x 3 uint8; exactly the original outside of the region and of the face around it.
    """
    generated = generated.cpu()
    alpha = region.alpha()
    propagated = _propagated_change(analysis, region, generated)
    box = _bounding_box(alpha, np.abs(propagated).max(axis=0))
    if box is None:
        return picture.copy()
    # Only the region is brought to the photograph's size, which may be large.
    place, frame, size = _place(box, picture)
    corrected = _corrected(analysis, region.after, generated, frame, size, part_style)

    opacity = _cropped(alpha, frame, size, Image.Resampling.BILINEAR)
    result = picture.copy()
    for channel, plane in enumerate(corrected.numpy()):
        original = picture[place][..., channel]
        rendered = _cropped(plane, frame, size, Image.Resampling.BICUBIC)
        adjusted = original + HALF_RANGE * _cropped(propagated[channel], frame, size, Image.Resampling.BILINEAR)
        blended = opacity * (rendered + 1) * HALF_RANGE + (1 - opacity) * adjusted
        result[place][..., channel] = np.round(blended).clip(0, 255)
    return result


class Detail(NamedTuple):
    """A photograph's detail in a hole."""

    image: Tensor
    """The photograph as the network saw it, 1 x 3 x h x w in [-1, 1]."""
    kept: Tensor
    """How much of what is finer stays, 1 x 1 x h x w in [0, 1]."""


def paste(picture: Picture, generated: Tensor, hole: Tensor, detail: Detail | None = None) -> Picture:
    """Paste what a network that saw the photograph drew into its hole.

    Args:
        picture: H x W x 3 uint8, the photograph, at any size.
        generated: 1 x 3 x h x w in [-1, 1], the photograph outside of the hole.
        hole: 1 x 1 x h x w, 1 inside.
        detail: what is finer in ``picture`` than the network sees, and stays in the hole; ``None``: nothing.

    Returns:
        H x W x 3 uint8; exactly the photograph outside of the hole.
    """
    hole, generated = hole.cpu(), generated.cpu()
    # The border is softened inside the hole, so that no pixel outside of it changes.
    margin = round(_PASTE_MARGIN * max(generated.shape[2:]))
    if tuple(generated.shape[2:]) != picture.shape[:2]:
        margin = max(margin, 1)  # so that interpolation does not carry it across the border
    place = surroundings(hole[0, 0].numpy() > 0, 1)
    inside = hole[:, :, place[0], place[1]]
    alpha = np.zeros(generated.shape[2:], dtype=np.float32)
    if margin and inside.numel():
        inside = blur(1 - dilate(1 - inside, margin), margin / 2) * (1 - dilate(1 - inside, 1))
    alpha[place] = inside[0, 0].numpy()
    box = _bounding_box(alpha)
    if box is None:
        return picture.copy()
    rows, frame, size = _place(box, picture)
    opacity = _cropped(alpha, frame, size, Image.Resampling.BILINEAR)[..., None]
    rendered = _enlarged(generated, frame, size)
    if detail is not None:
        kept = _cropped(detail.kept[0, 0].numpy(), frame, size, Image.Resampling.BILINEAR)[..., None]
        rendered += kept * (picture[rows] - _enlarged(detail.image, frame, size))
    result = picture.copy()
    result[rows] = np.round(opacity * rendered + (1 - opacity) * picture[rows]).clip(0, 255)
    return result


def _enlarged(image: Tensor, frame: Frame, size: tuple[int, int]) -> NDArray[np.float32]:
    """A part of 1 x 3 x h x w in [-1, 1] at another size: H x W x 3, 0 to 255."""
    planes = [_cropped(plane, frame, size, Image.Resampling.BICUBIC) for plane in image[0].numpy()]
    enlarged: NDArray[np.float32] = (np.stack(planes, axis=-1) + 1) * HALF_RANGE
    return enlarged


def _place(box: Frame, picture: Picture) -> tuple[tuple[slice, slice], Frame, tuple[int, int]]:
    """A box at whole pixels of a picture: rows and columns, the box again as fractions, and its size."""
    height, width = picture.shape[:2]
    top, bottom, left, right = (
        round(part * side) for part, side in zip(box, (height, height, width, width), strict=True)
    )
    frame = (top / height, bottom / height, left / width, right / width)
    return np.s_[top:bottom, left:right], frame, (bottom - top, right - left)


def _propagated_change(analysis: SourceAnalysis, region: EditRegion, generated: Tensor) -> NDArray[np.float32]:
    """What is added to the face around the edit: the change of the network's picture, 3 x h x w of [-1, 1]."""
    height, width = analysis.working_label_map.shape
    change: NDArray[np.float32] = (generated - analysis.reconstruction)[0].numpy()
    return change * region.face_alpha((height, width))


def _bounding_box(*regions: NDArray[np.float32]) -> Frame | None:
    """Top, bottom, left and right of what is not 0 in any, with a pixel to spare, as fractions of the sides.

    Regions are planes of any sizes that show the same frame.
    """
    boxes = []
    for region in regions:
        rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        if len(rows):
            height, width = region.shape
            boxes.append(
                (
                    max(rows[0] - 1, 0) / height,
                    min(rows[-1] + 2, height) / height,
                    max(columns[0] - 1, 0) / width,
                    min(columns[-1] + 2, width) / width,
                )
            )
    if not boxes:
        return None
    tops, bottoms, lefts, rights = zip(*boxes, strict=True)
    return min(tops), max(bottoms), min(lefts), max(rights)


def _cropped(
    plane: NDArray[np.float32],
    frame: Frame,
    size: tuple[int, int],
    method: Image.Resampling,
) -> NDArray[np.float32]:
    """The part of an h x w plane inside ``frame`` (fractions of the sides), at ``size``."""
    height, width = plane.shape
    top, bottom, left, right = frame
    box = (left * width, top * height, right * width, bottom * height)
    return np.asarray(Image.fromarray(plane).resize((size[1], size[0]), method, box=box))


def _corrected(
    analysis: SourceAnalysis,
    edited: LabelMap,
    generated: Tensor,
    frame: Frame,
    size: tuple[int, int],
    part_style: PartStyle | None,
) -> Tensor:
    """The network's picture, 3 x h x w, with the photograph's colours in ``frame``, which is to be brought to ``size``.

    Parts with a copied style get the reference's instead. Beyond what resizing the frame looks at, it stays as it is.
    """
    height, width = analysis.working_label_map.shape
    after = resize_label_map(edited, (height, width))
    sigma = _STEP_BLUR * max(height, width)
    cells = []
    for start, end, side, pixels in ((*frame[:2], height, size[0]), (*frame[2:], width, size[1])):
        # Bicubic resizing looks two pixels further, shrinking more; then the blur; bilinear resizing one cell further.
        reach = 2 * max((end - start) * side / pixels, 1) + 1 + blur_radius(sigma)
        first, last = int(start * side - reach) // _COARSE - 1, -int(-(end * side + reach) // _COARSE) + 1
        cells.append(np.s_[max(first, 0) : min(last, side // _COARSE)])
    place = tuple(np.s_[cell.start * _COARSE : cell.stop * _COARSE] for cell in cells)
    part = after[place]
    present = np.unique(part).astype(np.int64)
    residuals = analysis.local_residuals[torch.from_numpy(present)]
    # Where the edit took pixels from a class, those that are left decide.
    same = analysis.working_label_map == after
    lost = np.flatnonzero(np.isin(present, analysis.working_label_map[~same]))
    if len(lost):
        kept = _planes(np.where(same, after, NUM_CLASSES), present[lost])
        averages = analysis.class_residuals[torch.from_numpy(present[lost])]
        residuals[torch.from_numpy(lost)] = _local_residuals(analysis.residual, kept, averages)
    if part_style is not None:
        for i in np.flatnonzero(np.isin(present, part_style.classes)):
            shown = generated[0][:, torch.from_numpy(after == present[i])]
            residuals[i].lerp_(_missing_colour(shown, part_style.colours[present[i]]), part_style.strength)
    local = F.interpolate(residuals[:, :, cells[0], cells[1]], size=part.shape, mode="bilinear", align_corners=False)
    chosen = torch.from_numpy(np.searchsorted(present, part))[None, None].expand(1, 3, -1, -1)
    # Corrections meet at class borders; a short blur keeps their steps from showing.
    correction = blur(local.gather(0, chosen), sigma)
    corrected = generated[0].clone()
    corrected[:, place[0], place[1]] += correction[0]
    return corrected


def _missing_colour(pixels: Tensor, colour: Tensor) -> Tensor:
    """What pixels, 3 x n, lack of a class's colour as in ``class_colours``, as far as that is reliable: 3 x 1 x 1."""
    return ((colour[:3] - pixels.mean(dim=1)) * colour[3])[:, None, None]


def _local_residuals(residual: Tensor, planes: Tensor, class_residuals: Tensor) -> Tensor:
    """The average residual over nearby pixels of each class, L x 3 x h/4 x w/4.

    Args:
        residual: 1 x 3 x h x w.
        planes: L x 1 x h x w, 1 where a pixel counts for the class.
        class_residuals: L x 3 x 1 x 1, used where no such pixel is near.
    """
    # Colours change slowly, so a coarse grid is enough: L x 4 x h/4 x w/4 of weighted sums and weights.
    sums = F.avg_pool2d(torch.cat([residual * planes, planes], dim=1), _COARSE)
    sums = blur(sums, _COLOUR_REACH * max(residual.shape[2:]) / _COARSE)
    return (sums[:, :3] + _FAR * class_residuals) / (sums[:, 3:] + _FAR)


def _planes(label_map: LabelMap, classes: Iterable[int]) -> Tensor:
    """L x 1 x h x w float32: 1 where the label map shows the class."""
    return torch.from_numpy(np.stack([label_map == label for label in classes])).float()[:, None]
