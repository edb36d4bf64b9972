"""Plausibility of masks: what a mask that can be read, but is wrong, looks like.

Labels are compared with where classes usually lie (see ``label_order``), under each way in which masks are mixed up.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from maskgan.face_parts import EYES, GLASSES, HAIR, MOUTH, NOSE, SKIN, centroid
from maskgan.label_order import MARGIN, log_likelihood, measure_labels
from maskgan.labels import CLASSES, INDEX, MIRROR, NUM_CLASSES, ORDERS, LabelMap

BLENDED_SHARE = 0.12
"""Share of outlines with a label between their neighbours' from which a mask counts as blended. Over 609 masks it was
at most 0.05, in their smoothly resized copies at least 0.16 (``BOX`` with factors near 1 excepted)."""

# What 99 % of CelebAMask-HQ's masks keep by far: distance from the middle of the eyes to the mouth and place of that
# middle, as shares of the longer side; degrees between the eyes.
_FRAMED_SIZE = (0.15, 0.42)
_FRAMED_X = (0.35, 0.65)
_FRAMED_Y = (0.33, 0.63)
_FRAMED_TILT = 25.0

_FEWEST_OUTLINES = 100  # pixels of outline below which the share says nothing
_LINES = 256  # looked at together, for the memory's sake
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MaskIssue:
    """What a mask looks like.

    Attributes:
        kind: ``other-order``, ``sides-swapped``, ``labels-too-high``, ``labels-too-low``, ``red-blue-swapped``,
            ``foreground-only``, ``empty`` or ``blended``.
        message: what was seen, and what to do.
        order: the label order that fits, for ``other-order``.
    """

    kind: str
    message: str
    order: str | None = None


def mask_issues(label_map: LabelMap) -> list[MaskIssue]:
    """Say what seems wrong with a mask.

    Args:
        label_map: H x W uint8, 0..18, taken to be in CelebAMask-HQ order.

    Returns:
        Nothing for a plausible mask, and for one with too few parts to tell.
    """
    issues = []
    share = blended_share(label_map)
    if share > BLENDED_SHARE:
        issues.append(
            MaskIssue(
                "blended",
                f"{share:.0%} of its outlines have thin rings of labels that do not belong there: it was resized or "
                "blurred smoothly; resize masks by nearest neighbour",
            )
        )
    present = _present(label_map)
    if present == {0}:
        issues.append(MaskIssue("empty", "holds background alone; get it again, or make one with 'maskgan parse'"))
    elif present == {0, 1}:
        issues.append(
            MaskIssue(
                "foreground-only",
                "holds background and skin alone, as a foreground mask does; a face's mask has eyes, brows and lips "
                "too ('maskgan parse' makes one)",
            )
        )
    elif (reading := _likeliest_reading(label_map)) is not None:
        issues.append(reading)
    return issues


def common_issues(label_maps: Iterable[LabelMap]) -> list[MaskIssue]:
    """Issues that at least half of several masks have: those of a data set, rather than of one of its masks."""
    seen: dict[str, MaskIssue] = {}
    counts: Counter[str] = Counter()
    total = 0
    for label_map in label_maps:
        total += 1
        for issue in mask_issues(label_map):
            seen.setdefault(issue.kind, issue)
            counts[issue.kind] += 1
    return [seen[kind] for kind, count in counts.items() if 2 * count >= total]


def warn_of_issues(label_map: LabelMap, name: str, order_known: bool = False) -> None:
    """Log a warning for each of ``mask_issues``.

    Args:
        label_map: H x W uint8, 0..18, in CelebAMask-HQ order.
        name: the mask's, for messages.
        order_known: whether the person said which order it has, so that no other is suggested.
    """
    for issue in mask_issues(label_map):
        if not (order_known and issue.kind == "other-order"):
            _log.warning("%s: %s", name, issue.message)


def framing_issue(label_map: LabelMap) -> MaskIssue | None:
    """Say whether a parsed picture shows a face as the networks know faces: upright, large, in the middle.

    Args:
        label_map: H x W uint8, 0..18, CelebAMask-HQ order.

    Returns:
        ``None`` for such a face, and for one with an eye or the mouth hidden; else an issue of kind ``no-face`` (skin,
        nose, mouth or eyes are missing) or ``not-framed``.
    """
    where = {"skin": (SKIN,), "nose": (NOSE,), "mouth": MOUTH, "eyes": (*EYES, GLASSES)}
    present = _present(label_map)
    missing = [name for name, classes in where.items() if not present & set(classes)]
    if missing:
        return MaskIssue("no-face", f"no face was found (no {', no '.join(missing)})")
    left, right = (centroid(label_map == eye) for eye in EYES)
    mouth = centroid(np.isin(label_map, MOUTH))
    if left is None or right is None or mouth is None:
        return None
    height, width = label_map.shape
    longer = max(height, width)
    row, column = (left[0] + right[0]) / 2, (left[1] + right[1]) / 2
    distance = np.hypot(mouth[0] - row, mouth[1] - column) / longer
    x, y = (column + (longer - width) / 2) / longer, (row + (longer - height) / 2) / longer
    tilt = abs(np.degrees(np.arctan2(left[0] - right[0], left[1] - right[1])))
    placed = mouth[0] > row and _FRAMED_X[0] <= x <= _FRAMED_X[1] and _FRAMED_Y[0] <= y <= _FRAMED_Y[1]
    if placed and tilt <= _FRAMED_TILT and _FRAMED_SIZE[0] <= distance <= _FRAMED_SIZE[1]:
        return None
    return MaskIssue("not-framed", "the face is not upright in the middle, filling the picture; cut it out first")


def blended_share(label_map: LabelMap) -> float:
    """Share of the outlines' pixels whose label lies strictly between those of the pixels before and behind, 0..1.

    Smooth resizing makes such ramps, 0, 5, 13 say, wherever two labels meet.
    """
    between = outlines = 0
    for label_lines in (label_map, label_map.T):
        for start in range(0, len(label_lines), _LINES):
            lines = np.ascontiguousarray(label_lines[start : start + _LINES]).astype(np.int8)
            before, middle, behind = lines[:, :-2], lines[:, 1:-1], lines[:, 2:]
            rising, falling = (before < middle) & (middle < behind), (before > middle) & (middle > behind)
            between += int(np.count_nonzero(rising | falling))
            outlines += int(np.count_nonzero(lines[:, 1:] != lines[:, :-1]))
    return between / outlines if outlines >= _FEWEST_OUTLINES else 0.0


def _present(label_map: LabelMap) -> set[int]:
    """The labels that occur."""
    found: set[int] = set()
    for start in range(0, len(label_map), _LINES):
        found.update(np.unique(label_map[start : start + _LINES]).tolist())
    return found


def swap_red_and_blue() -> list[int]:
    """19 classes: for each, the one whose colour is its own with red and blue exchanged; itself if there is none."""
    by_colour = {c.colour: c.index for c in CLASSES}
    return [by_colour.get(c.colour[::-1], c.index) for c in CLASSES]


_Reading = tuple[tuple[str | None, ...], MaskIssue]
_HQ = ORDERS["celebamask-hq"]


def _readings() -> dict[str, _Reading]:
    """Under each kind of mix-up, the class that each label really means."""
    readings: dict[str, _Reading] = {}
    for order, names in ORDERS.items():
        if order != "celebamask-hq":
            issue = MaskIssue(
                "other-order",
                f"looks like the {order!r} label order, not CelebAMask-HQ; if so, add '--order {order}' or convert it "
                "with 'maskgan labels convert'",
                order,
            )
            readings[order] = (names, issue)
            readings[f"{order}, mirrored"] = (tuple(_HQ[MIRROR[INDEX[name]]] for name in names), issue)
    readings["mirrored"] = (
        tuple(_HQ[index] for index in MIRROR),
        MaskIssue(
            "sides-swapped",
            "left and right look exchanged; l_eye, l_brow and l_ear are the person's left, on the right of the picture",
        ),
    )
    too_high = MaskIssue("labels-too-high", "all labels look one too high; they start at 0 for the background")
    readings["too high"] = ((None, *_HQ[:-1]), too_high)
    readings["too high but the background"] = ((_HQ[0], None, *_HQ[1:-1]), too_high)
    readings["too low"] = (
        (*_HQ[1:], None),
        MaskIssue("labels-too-low", "all labels look one too low; 0 is the background and skin is 1"),
    )
    readings["BGR"] = (
        tuple(_HQ[index] for index in swap_red_and_blue()),
        MaskIssue("red-blue-swapped", "red and blue look exchanged; save colour masks as RGB, not BGR"),
    )
    return readings


_READINGS = _readings()


def _hair_is_the_face(label_map: LabelMap) -> bool:
    """Whether hair lies where skin should in a mask that has no features to tell by: in the middle."""
    height, width = label_map.shape
    middle = label_map[int(0.45 * height) : int(0.75 * height), int(0.4 * width) : int(0.6 * width)]
    hair, skin = float((middle == HAIR).mean()), float((middle == SKIN).mean())
    return hair > 0.15 and hair > 3 * skin


def _likeliest_reading(label_map: LabelMap) -> MaskIssue | None:
    measured = measure_labels(label_map)
    if HAIR in measured and set(measured) <= {0, SKIN, HAIR} and _hair_is_the_face(label_map):
        return _READINGS["BGR"][1]
    if len(measured) < 3 or max(measured) >= NUM_CLASSES:
        return None
    best, lead = None, MARGIN
    as_it_is = log_likelihood(measured, _HQ)
    for names, issue in _READINGS.values():
        margin = log_likelihood(measured, names) - as_it_is
        if margin > lead:
            best, lead = issue, margin
    return best
