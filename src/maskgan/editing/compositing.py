"""Put an edited region back into the photograph: everything else keeps its pixels, the border is soft.

The paper's authors name compositing as a cure for lost identity. The network's colours are never quite the
photograph's; they are corrected class by class with the difference that it makes where nothing was edited. Parts whose
look is borrowed are blended in likewise, and corrected towards the average colour that they have in the other face.
What of the face lies around the edit keeps the photograph's look, but goes along: the change that the network makes
there is added to it, as a smile's to the cheeks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from maskgan.face_parts import FACE
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import NUM_CLASSES, LabelMap
from maskgan.pixels import HALF_RANGE, to_tensor

_GROW = 0.020  # how far the region reaches beyond the changed labels, as a fraction of the longer side
_SOFT = 0.012  # standard deviation of its soft border, likewise
_RESTYLED_GROW, _RESTYLED_SOFT = 0.004, 0.004  # the same for part_style parts: eyes within the skin keep their pixels
_FOLLOW_GROW, _FOLLOW_SOFT = 0.08, 0.04  # the same for what goes along with the edit
_FOLLOW_SIDE = 128  # pixels on the longer side of its map, which is softer
_COLOUR_REACH = 0.08  # over which distance colour differences are averaged, likewise
_STEP_BLUR = 0.004  # over which distance the correction may step between classes, likewise
_REGION_SIDE = 512  # pixels on the longer side of the region's own map
_COARSE = 4  # by how much the grid of colour corrections is coarser than the network's picture
_FAR = 1e-3  # weight of the class's average where no unedited pixel of it is near
_MARGIN = 20  # pixels around what is enhanced; an enhancer of 8 residual blocks looks as far
_FEW = 1e-4  # share of a picture at which a class's average colour in it counts half


Enhance = Callable[[Tensor, LabelMap], Tensor]
"""Doubles the sides of a picture, 1 x 3 x h x w in [-1, 1], under its mask, h x w, and adds detail."""


@dataclass(frozen=True)
class SourceAnalysis:
    """What compositing needs to know of a photograph before any edit; computed once, used for every edit."""

    label_map: LabelMap
    """Its mask, H' x W' uint8."""
    small_label_map: LabelMap
    """The same at the network's size, h x w."""
    reconstruction: Tensor
    """The network's picture of this mask, 1 x 3 x h x w in [-1, 1], on the CPU."""
    difference: Tensor
    """The photograph minus that, 1 x 3 x h x w."""
    averages: Tensor
    """The average difference over each class, 19 x 3 x 1 x 1; 0 for a class that is not there."""
    colours: Tensor
    """The average difference over nearby pixels of each class, on a coarse grid: 19 x 3 x h/4 x w/4."""


@dataclass(frozen=True)
class PartStyle:
    """Parts of a face that have another face's look."""

    classes: tuple[int, ...]
    """Which parts: classes, wherever the edited mask shows them."""
    strength: float
    """How much of that look, 0..1."""
    colours: Tensor
    """The other face's, as ``class_colours`` gives them."""


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
    difference = original - reconstruction
    small = resize_label_map(label_map, working)
    had = _planes(small, range(NUM_CLASSES))
    averages = (difference * had).sum(dim=(2, 3), keepdim=True) / had.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    return SourceAnalysis(label_map, small, reconstruction, difference, averages, _colours(difference, had, averages))


def composite(
    picture: Picture,
    before: SourceAnalysis,
    edited: LabelMap,
    made: Tensor,
    part_style: PartStyle | None = None,
    enhance: Enhance | None = None,
) -> Picture:
    """Blend what was edited or part_style of the network's picture into the original.

    Args:
        picture: H x W x 3 uint8, the original, at any size.
        before: what ``analyse_source`` found of it.
        edited: its mask after the edit, of the size of the mask before.
        made: the network's picture of ``edited``, 1 x 3 x h x w in [-1, 1].
        part_style: what has another face's look in it.
        enhance: what gives the network's picture detail where the original is larger; ``None``: it is interpolated.

    Returns:
        H x W x 3 uint8; exactly the original where nothing is blended in and nothing goes along.
    """
    height, width = picture.shape[:2]
    made = made.cpu()
    changed = before.label_map != edited
    region = _soft_region(changed, _GROW, _SOFT)
    if part_style is not None:
        parts = _soft_region(np.isin(edited, part_style.classes), _RESTYLED_GROW, _RESTYLED_SOFT)
        region = np.maximum(region, parts)
    propagated = _propagated_change(before, edited, made, changed)
    box = _bounding_box(region, np.abs(propagated).max(axis=0))
    if box is None:
        return picture.copy()
    # Only the region is brought to the photograph's size, which may be large.
    top, bottom, left, right = (
        round(part * side) for part, side in zip(box, (height, height, width, width), strict=True)
    )
    place = np.s_[top:bottom, left:right]
    frame = (top / height, bottom / height, left / width, right / width)
    size = (bottom - top, right - left)
    corrected = _corrected(before, edited, made, frame, size, part_style)
    if enhance is not None and max(height, width) > max(made.shape[2:]):
        corrected = _enhanced(corrected, edited, frame, enhance)

    alpha = _cropped(region, frame, size, Image.Resampling.BILINEAR)
    result = picture.copy()
    for channel, plane in enumerate(corrected.numpy()):
        original = picture[place][..., channel]
        rendered = _cropped(plane, frame, size, Image.Resampling.BICUBIC)
        moved = original + HALF_RANGE * _cropped(propagated[channel], frame, size, Image.Resampling.BILINEAR)
        blended = alpha * (rendered + 1) * HALF_RANGE + (1 - alpha) * moved
        result[place][..., channel] = np.round(blended).clip(0, 255)
    return result


def _enhanced(
    corrected: Tensor, edited: LabelMap, frame: tuple[float, float, float, float], enhance: Enhance
) -> Tensor:
    """The picture, 3 x h x w, at twice its size, with detail in ``frame`` and around; 0 elsewhere."""
    height, width = corrected.shape[1:]
    cells = []
    for start, end, side in ((*frame[:2], height), (*frame[2:], width)):
        # Cut at multiples, so that the enhancer's cells lie as in the whole picture.
        first, last = int(start * side) - _MARGIN, math.ceil(end * side) + _MARGIN
        cells.append(np.s_[max(first // _COARSE * _COARSE, 0) : min(-(-last // _COARSE) * _COARSE, side)])
    rows, columns = cells
    label_map = resize_label_map(edited, (height, width))[rows, columns]
    sharp = corrected.new_zeros(3, 2 * height, 2 * width)
    sharp[:, 2 * rows.start : 2 * rows.stop, 2 * columns.start : 2 * columns.stop] = enhance(
        corrected[None, :, rows, columns], label_map
    )[0]
    return sharp


def _propagated_change(
    before: SourceAnalysis, edited: LabelMap, made: Tensor, changed: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """What is added to the face around the edit: the change of the network's picture, 3 x h x w of [-1, 1].

    Backgrounds, hair and clothes do not go along: there the network changes its mind about texture.
    """
    height, width = before.small_label_map.shape
    near = _soft_region(changed, _FOLLOW_GROW, _FOLLOW_SOFT, _FOLLOW_SIDE)
    near = np.asarray(Image.fromarray(near).resize((width, height), Image.Resampling.BILINEAR))
    face = np.isin(before.small_label_map, FACE) & np.isin(resize_label_map(edited, (height, width)), FACE)
    share = near * face * _blurred(torch.from_numpy(face).float()[None, None], 1.0)[0, 0].numpy()
    return (made - before.reconstruction)[0].numpy() * share


def _soft_region(
    changed: NDArray[np.bool_], growth: float, softness: float, side: int = _REGION_SIDE
) -> NDArray[np.float32]:
    """1 on the changed labels and a little around, falling softly to exactly 0.

    How little is said as ``_GROW`` and ``_SOFT`` say it. The resolution is bounded, to ``side`` pixels: soft borders
    need no more, and the cost does not grow with the photograph.
    """
    height, width = changed.shape
    factor = min(1.0, side / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    # Averaged and not sampled, so that a thin stroke is not lost.
    share = np.asarray(Image.fromarray(changed.astype(np.float32)).resize(size, Image.Resampling.BOX))
    longer = max(size)
    grow, sigma = max(round(growth * longer), 1), max(softness * longer, 0.5)
    region = np.zeros((size[1], size[0]), dtype=np.float32)
    if not changed.any():
        return region
    # Beyond the reach of growth and blur the region is 0: only what lies within is computed.
    place = _surroundings(share > 0, grow + _radius(sigma) + 1)
    mask = torch.from_numpy(share[place] > 0).float()[None, None]
    soft = _blurred(_dilated(mask, grow), sigma)
    # The blur must not thin the region out where labels did change.
    soft = torch.maximum(soft, _blurred(_dilated(mask, 1), 0.5))
    soft = torch.where(soft < 1 / 255, torch.zeros(()), soft)
    region[place] = soft[0, 0].clamp(max=1).numpy()
    return region


def _surroundings(where: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Rows and columns of what is true, and ``margin`` around it."""
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    if not len(rows):
        return np.s_[:0], np.s_[:0]
    return (
        np.s_[max(rows[0] - margin, 0) : rows[-1] + margin + 1],
        np.s_[max(columns[0] - margin, 0) : columns[-1] + margin + 1],
    )


def _bounding_box(*regions: NDArray[np.float32]) -> tuple[float, float, float, float] | None:
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
    frame: tuple[float, float, float, float],
    size: tuple[int, int],
    method: Image.Resampling,
) -> NDArray[np.float32]:
    """The part of an h x w plane inside ``frame`` (fractions of the sides), at ``size``."""
    height, width = plane.shape
    top, bottom, left, right = frame
    box = (left * width, top * height, right * width, bottom * height)
    return np.asarray(Image.fromarray(plane).resize((size[1], size[0]), method, box=box))


def _corrected(
    before: SourceAnalysis,
    edited: LabelMap,
    made: Tensor,
    frame: tuple[float, float, float, float],
    size: tuple[int, int],
    part_style: PartStyle | None,
) -> Tensor:
    """The network's picture, 3 x h x w, with the photograph's colours in ``frame``, which is to be brought to ``size``.

    PartStyle parts get the other face's instead. Beyond what resizing the frame looks at, it stays as it is.
    """
    height, width = before.small_label_map.shape
    after = resize_label_map(edited, (height, width))
    sigma = _STEP_BLUR * max(height, width)
    cells = []
    for start, end, side, pixels in ((*frame[:2], height, size[0]), (*frame[2:], width, size[1])):
        # Bicubic resizing looks two pixels further, shrinking more; then the blur; bilinear resizing one cell further.
        reach = 2 * max((end - start) * side / pixels, 1) + 1 + _radius(sigma)
        first, last = int(start * side - reach) // _COARSE - 1, -int(-(end * side + reach) // _COARSE) + 1
        cells.append(np.s_[max(first, 0) : min(last, side // _COARSE)])
    place = tuple(np.s_[cell.start * _COARSE : cell.stop * _COARSE] for cell in cells)
    part = after[place]
    present = np.unique(part).astype(np.int64)
    colours = before.colours[torch.from_numpy(present)]
    # Where the edit took pixels from a class, those that are left decide.
    same = before.small_label_map == after
    lost = np.flatnonzero(np.isin(present, before.small_label_map[~same]))
    if len(lost):
        kept = _planes(np.where(same, after, NUM_CLASSES), present[lost])
        averages = before.averages[torch.from_numpy(present[lost])]
        colours[torch.from_numpy(lost)] = _colours(before.difference, kept, averages)
    if part_style is not None:
        for i in np.flatnonzero(np.isin(present, part_style.classes)):
            shown = made[0][:, torch.from_numpy(after == present[i])]
            colours[i].lerp_(_lacking(shown, part_style.colours[present[i]]), part_style.strength)
    local = F.interpolate(colours[:, :, cells[0], cells[1]], size=part.shape, mode="bilinear", align_corners=False)
    chosen = torch.from_numpy(np.searchsorted(present, part))[None, None].expand(1, 3, -1, -1)
    # Corrections meet at class borders; a short blur keeps their steps from showing.
    correction = _blurred(local.gather(0, chosen), sigma)
    corrected = made[0].clone()
    corrected[:, place[0], place[1]] += correction[0]
    return corrected


def _lacking(pixels: Tensor, colour: Tensor) -> Tensor:
    """What pixels, 3 x n, lack of a class's colour as in ``class_colours``, as far as that is reliable: 3 x 1 x 1."""
    return ((colour[:3] - pixels.mean(dim=1)) * colour[3])[:, None, None]


def _colours(difference: Tensor, planes: Tensor, averages: Tensor) -> Tensor:
    """The average of ``difference`` over nearby pixels of each class, L x 3 x h/4 x w/4.

    Args:
        difference: 1 x 3 x h x w.
        planes: L x 1 x h x w, 1 where a pixel counts for the class.
        averages: L x 3 x 1 x 1, what holds where no such pixel is near.
    """
    # Colours change slowly, so a coarse grid is enough: L x 4 x h/4 x w/4 of weighted sums and weights.
    sums = F.avg_pool2d(torch.cat([difference * planes, planes], dim=1), _COARSE)
    sums = _blurred(sums, _COLOUR_REACH * max(difference.shape[2:]) / _COARSE)
    return (sums[:, :3] + _FAR * averages) / (sums[:, 3:] + _FAR)


def _planes(label_map: LabelMap, classes: Iterable[int]) -> Tensor:
    """L x 1 x h x w float32: 1 where the label map shows the class."""
    return torch.from_numpy(np.stack([label_map == label for label in classes])).float()[:, None]


def _dilated(mask: Tensor, radius: int) -> Tensor:
    for side in ((2 * radius + 1, 1), (1, 2 * radius + 1)):
        mask = F.max_pool2d(mask, side, stride=1, padding=(side[0] // 2, side[1] // 2))
    return mask


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of N x C x H x W with replicated borders."""
    radius = _radius(sigma)
    offsets = torch.arange(-radius, radius + 1, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    channels = x.shape[1]
    for shape, pad in (((1, 1, 1, -1), (radius, radius, 0, 0)), ((1, 1, -1, 1), (0, 0, radius, radius))):
        weight = kernel.view(shape).expand(channels, 1, *kernel.view(shape).shape[2:])
        x = F.conv2d(F.pad(x, pad, mode="replicate"), weight, groups=channels)
    return x


def _radius(sigma: float) -> int:
    return max(int(3 * sigma + 0.5), 1)
