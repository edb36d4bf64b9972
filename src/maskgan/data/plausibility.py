"""Warnings about the masks of a whole data set, judged by its first ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from maskgan import distributed
from maskgan.data.pairs import PairCollection
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.errors import UserError
from maskgan.labels import LabelMap
from maskgan.mask_check import common_issues

LOOKED_AT = 8
"""Masks that are looked at."""

_log = logging.getLogger(__name__)


def warn_of_common_issues(label_maps: Iterable[LabelMap], name: str, order: str = "auto") -> None:
    """Warn of what is wrong with at least half of several masks, once for each kind (see ``mask_check``).

    Args:
        label_maps: from ``first_masks``, in CelebAMask-HQ order.
        name: the data's, for messages.
        order: label order that the person gave; unless ``auto``, no other is suggested.
    """
    if not distributed.is_main_process():
        return
    for issue in common_issues(label_maps):
        if not (order != "auto" and issue.kind == "other-order"):
            _log.warning("%s: most of its first masks: %s", name, issue.message)


def first_masks(pairs: PairCollection) -> Iterator[LabelMap]:
    """The first masks of a collection, ``LOOKED_AT`` at most; damaged pairs are passed over, and synthetic ones."""
    if isinstance(pairs, SyntheticPairs):
        return
    for index in range(min(LOOKED_AT, len(pairs))):
        try:
            yield pairs[index].label_map
        except UserError:
            continue
