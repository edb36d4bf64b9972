"""The registry of classes, orders of labels, colours."""

from __future__ import annotations

import numpy as np
import pytest

from label_maps import random_label_map
from maskgan import labels
from maskgan.assets import portrait
from maskgan.config import PRESETS, preset
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.errors import UserError
from maskgan.images import read_label_map
from maskgan.label_order import guess_order


def test_the_registry_is_consistent() -> None:
    assert [c.index for c in labels.CLASSES] == list(range(19))
    assert len({c.colour for c in labels.CLASSES}) == 19
    for names in labels.ORDERS.values():
        assert sorted(names) == sorted(labels.INDEX)
    pairs = {(c.name, c.mirror) for c in labels.CLASSES if c.mirror}
    assert pairs == {(b, a) for a, b in pairs}
    assert {name[2:] for name, _ in pairs} == {"eye", "brow", "ear"}


def test_presets_are_of_all_classes() -> None:
    for name in PRESETS:
        sizes = preset(name)
        for config in (
            sizes.dense_mapping,
            sizes.edit,
            sizes.mask_vae,
            sizes.parser,
            sizes.discriminator,
        ):
            assert config.num_classes == labels.NUM_CLASSES


def test_known_indices_of_both_orders() -> None:
    # Written out from the published lists, not from the registry.
    assert labels.INDEX["nose"] == 2 and labels.INDEX["hair"] == 13 and labels.INDEX["cloth"] == 18
    assert labels.ORDERS["face-parsing"][10] == "nose" and labels.ORDERS["face-parsing"][17] == "hair"


def test_order_conversion_goes_there_and_back() -> None:
    label_map = random_label_map(0, 40, 56)
    other = labels.convert_order(label_map, "celebamask-hq", "face-parsing")
    assert (other[label_map == 13] == 17).all()
    assert (labels.convert_order(other, "face-parsing") == label_map).all()


def test_mirroring_twice_changes_nothing_and_swaps_sides() -> None:
    label_map = random_label_map(1, 32, 48)
    assert (labels.mirrored(labels.mirrored(label_map)) == label_map).all()
    eye = np.zeros((8, 8), dtype=np.uint8)
    eye[2, 6] = labels.INDEX["l_eye"]
    assert labels.mirrored(eye)[2, 1] == labels.INDEX["r_eye"]


def test_colours_and_back() -> None:
    label_map = random_label_map(2, 64, 64)
    assert (labels.from_colours(labels.colourise(label_map)) == label_map).all()


def test_a_foreign_colour_is_named_with_its_place() -> None:
    colours = labels.colourise(random_label_map(3, 16, 16))
    colours[4, 7] = (1, 2, 3)
    with pytest.raises(UserError, match=r"\(1, 2, 3\) at row 4, column 7"):
        labels.from_colours(colours)


def test_a_foreign_value_is_named_with_its_place() -> None:
    label_map = random_label_map(4, 16, 16)
    label_map[3, 9] = 200
    with pytest.raises(UserError, match="value 200 at row 3, column 9"):
        labels.check_labels(label_map)


@pytest.mark.parametrize("number", range(1, 10))
def test_the_order_of_portraits_is_guessed(number: int) -> None:
    label_map = read_label_map(portrait(number)[1])
    assert guess_order(label_map).order == "celebamask-hq"
    assert guess_order(labels.convert_order(label_map, "celebamask-hq", "face-parsing")).order == "face-parsing"


def test_the_order_of_drawn_faces_is_guessed() -> None:
    right = 0
    for pair in (SyntheticPairs(20, 64, seed=5)[i] for i in range(20)):
        other = labels.convert_order(pair.label_map, "celebamask-hq", "face-parsing")
        right += guess_order(pair.label_map).order == "celebamask-hq"
        right += guess_order(other).order == "face-parsing"
    assert right >= 38


def test_a_mask_of_few_parts_is_left_as_it_is() -> None:
    nearly_empty = np.zeros((64, 64), dtype=np.uint8)
    nearly_empty[20:50, 20:44] = 1  # skin in both orders
    assert guess_order(nearly_empty).order == "celebamask-hq"
