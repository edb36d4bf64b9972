"""The inference service with a network that sees the photograph, and the memory of its sessions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from maskgan.assets import shipped_weights
from maskgan.config import EditNetworkConfig, preset
from maskgan.editing.edit_region import EditRegion
from maskgan.editing.face_detection import FaceDetector
from maskgan.editing.mask_manifold import MaskManifold
from maskgan.editing.parsing import Parser
from maskgan.editing.pipeline import Edit
from maskgan.editing.renderer import Renderer
from maskgan.images import SourceImage
from maskgan.labels import INDEX
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.mask_vae import MaskVAE
from maskgan.server.inference_service import InferenceService, RenderRequest
from maskgan.server.limits import MAP_SIDE
from maskgan.server.sessions import Session

SIDE = 128


@pytest.fixture(scope="module")
def service() -> InferenceService:
    """An untrained edit network with a detail level."""
    torch.manual_seed(0)
    sizes = {"base_channels": 8, "max_channels": 16, "downsamplings": 2, "code_size": 4, "encoder_channels": 4}
    return InferenceService(
        Renderer(EditNetwork(EditNetworkConfig(**sizes, detail_channels=4)), SIDE),
        Parser(shipped_weights("parser")),
        MaskManifold(MaskVAE(preset("tiny").mask_vae)),
        FaceDetector.from_weights(shipped_weights("face-detector")),
    )


def test_warming_up_draws_a_hole_in_both_sizes(service: InferenceService, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, ...]] = []
    compute = EditRegion.hole

    def hole(region: EditRegion, size: tuple[int, int]) -> torch.Tensor:
        found = compute(region, size)
        assert 0 < found.mean() < 0.1
        drawn.append(size)
        return found

    monkeypatch.setattr(EditRegion, "hole", hole)
    service.warm_up()
    assert set(drawn) == {(SIDE, SIDE), (SIDE // 2, SIDE // 2)}


def test_a_session_counts_the_kept_render_with_its_hole_and_moving_face(service: InferenceService) -> None:
    label_map = np.full((MAP_SIDE, MAP_SIDE), INDEX["skin"], np.uint8)
    label_map[300:330, 200:300] = INDEX["mouth"]
    face = service.face(SourceImage.plain(np.zeros((MAP_SIDE, MAP_SIDE, 3), np.uint8)), label_map)
    session = Session(face, label_map)
    edited = label_map.copy()
    edited[330:340, 200:300] = INDEX["mouth"]
    edit = Edit(face.model, edited)
    service.render([RenderRequest(edit, face.display, session.cache)])
    assert face.model.unedited.nbytes == face.model.working_image.nbytes, "as the face counts it"
    generated = session.cache.get(edit)
    assert generated is not None
    region = (edit.region.changed, edit.region.style_changed)
    moving = edit.region.moving_face((SIDE, SIDE))
    assert moving is not None
    planes = (*region, edit.region.hole((SIDE, SIDE)), *moving)
    held = edited.nbytes + sum(plane.nbytes for plane in planes)
    assert session.nbytes - face.nbytes == held + generated.nbytes
