"""The page of named edits (``python -m benchmarks.named_edits --write``): its sheets and its measures."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.edit_sheets import Sheet, write_page, write_sheets
from benchmarks.named_edits import COLOURS, Face, Trial, amounts_of, measure

from maskgan.data.annotations import ATTRIBUTES
from maskgan.editing.looks import LOOKS
from maskgan.editing.named_edits import EDITS

SIDE = 32


def face(label: int, grey: int) -> Face:
    return Face(np.full((SIDE, SIDE, 3), grey, np.uint8), np.full((SIDE, SIDE), label, np.uint8))


def test_sheets_have_a_row_for_each_amount_and_the_page_shows_them(tmp_path: Path) -> None:
    pictures = [np.full((SIDE, SIDE, 3), 90, np.uint8), None]
    rows = [("before", pictures), ("0.5", pictures), ("1", pictures)]
    sheet = Sheet("smile", "the mouth smiles", "-1..1", (1, 10), rows, [face(1, 0).label_map] * 2)
    write_sheets(tmp_path, [sheet])
    write_page(tmp_path, [sheet], "| a | table |", ("0123", "python -m x", "two faces"))
    with Image.open(tmp_path / "edits" / "smile.webp") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    height, width = pixels.shape[:2]
    assert height % 3 == 0 and width == 58 + 2 * height // 3
    assert abs(pixels[5:-5, 64:116] - 90).max() < 12 and abs(pixels[5:-5, width - 58 : width - 5] - 200).max() < 12
    text = (tmp_path / "edits.md").read_text()
    assert all(
        part in text for part in ("| a | table |", "python -m x", "![smile](edits/smile.webp)", "Amounts: `-1..1`")
    )


def test_every_edit_has_amounts_to_show_within_its_range() -> None:
    for edit in EDITS.values():
        amounts = amounts_of(edit)
        assert [edit.check(amount) for amount in amounts] == list(amounts)
    assert set(COLOURS) == set(LOOKS)


def test_what_changes_elsewhere_is_counted() -> None:
    before = face(1, 10)
    after = face(1, 10)
    after.label_map[:4] = 2
    after.label_map[20] = 5
    after.picture[:8] = 50
    trial = Trial(before, after, (1, 2))
    smiling = np.zeros((1, 40), np.uint8)

    def classifier(pictures: list[np.ndarray]) -> np.ndarray:
        smiling[0, ATTRIBUTES.index("Smiling")] = pictures[0].max() > 20
        return smiling.copy()

    networks: Any = SimpleNamespace(
        classifier=classifier,
        embedding=lambda pictures: np.array([[1.0, 0.0]]) if pictures[0].max() < 20 else np.array([[0.6, 0.8]]),
        parser=SimpleNamespace(parse=lambda pictures: [(before if pictures[0].max() < 20 else after).label_map]),
    )
    found = measure(networks, [trial], "Smiling")
    assert (found.attribute, found.followed, found.pixels_elsewhere, found.labels_elsewhere) == (
        (0.0, 1.0),
        (0.0, 1.0),
        0,
        SIDE,
    )
    assert found.identity == 0.6
    absent = measure(networks, [Trial(before, after, (2,))], "-Smiling")
    # Skin is no longer the edit's: rows 4 to 7 changed where they may not, and so did all labels.
    assert (
        absent.attribute == (1.0, 0.0) and absent.pixels_elsewhere == 4 * SIDE and absent.labels_elsewhere == 5 * SIDE
    )
