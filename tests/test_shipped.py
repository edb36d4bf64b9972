"""The weights that ship: what they are, and that they do what the program promises."""

from __future__ import annotations

import numpy as np
import pytest

from maskgan.assets import SHIPPED_MODELS, portrait, shipped_directions, shipped_weights, weights_folder
from maskgan.checkpoints.manifest import MANIFEST, mismatches, read_manifest
from maskgan.checkpoints.weights import load_weights, read_info
from maskgan.config import FaceDetectorConfig, preset
from maskgan.editing.accessory_styles import FILE_NAME
from maskgan.editing.mask_edits import add_glasses, smile
from maskgan.editing.session import FaceEditor
from maskgan.images import Picture, read_label_map, read_picture
from maskgan.labels import INDEX, LabelMap

BUDGET = 40_000_000


@pytest.fixture(scope="module")
def editor() -> FaceEditor:
    return FaceEditor.from_weights(shipped_weights("edit"))


def face(number: int) -> tuple[Picture, LabelMap]:
    picture, mask = portrait(number)
    return read_picture(picture), read_label_map(mask)


def test_what_ships_is_the_demo_preset_with_its_terms() -> None:
    sizes = preset("demo")
    configs = {
        "edit": sizes.edit,
        "mask-vae": sizes.mask_vae,
        "parser": sizes.parser,
        "attributes": sizes.attributes,
        "identity": sizes.identity,
    }
    assert {*configs, "face-detector"} == set(SHIPPED_MODELS)
    for kind, config in configs.items():
        info = read_info(shipped_weights(kind))
        assert info.config == config
        assert info.step > 0 and "maskgan train" in info.provenance
        assert "non-commercial" in info.licence
        load_weights(shipped_weights(kind), model_type=kind)


def test_the_face_detector_is_the_published_one() -> None:
    network, info = load_weights(shipped_weights("face-detector"), model_type="face-detector")
    assert info.config == FaceDetectorConfig()
    assert "face_detection_yunet_2023mar" in info.provenance and "MIT" in info.licence
    assert sum(p.numel() for p in network.parameters()) == 53_104


def test_what_ships_fits_the_budget() -> None:
    assert sum(shipped_weights(kind).stat().st_size for kind in SHIPPED_MODELS) <= BUDGET


def test_the_manifest_is_true() -> None:
    """After a change of the weights: ``sha256sum *.safetensors > SHA256SUMS`` in their folder."""
    assert mismatches(weights_folder()) == {}
    files = {path.name for path in (*map(shipped_weights, SHIPPED_MODELS), shipped_directions())} | {FILE_NAME}
    assert set(read_manifest(weights_folder() / MANIFEST)) == files


def test_a_style_brings_its_colours(editor: FaceEditor) -> None:
    """Skin rendered in the style of a light face is lighter than in that of a dark one, on the same mask."""
    _, target = face(7)
    skin = target == INDEX["skin"]
    brightness = {}
    for number in (3, 1):
        picture, label_map = face(number)
        editor.set_style(picture, label_map)
        own = picture[label_map == INDEX["skin"]].mean()
        brightness[number] = (own, editor.render_style_onto(target)[skin].mean())
    (light, rendered_light), (dark, rendered_dark) = brightness[3], brightness[1]
    assert light > dark + 50
    assert rendered_light > rendered_dark + 30


@pytest.mark.parametrize("edit", [smile, add_glasses], ids=lambda edit: edit.__name__)
def test_an_edit_changes_the_face_where_it_was_made(editor: FaceEditor, edit: object) -> None:
    picture, label_map = face(7)
    edited = edit(label_map)  # type: ignore[operator]
    editor.set_source(picture, label_map)
    editor.set_mask(edited)
    change = np.abs(editor.render().astype(int) - picture).mean(axis=2)
    assert change[edited != label_map].mean() > 8
    assert (change == 0).mean() > 0.7
