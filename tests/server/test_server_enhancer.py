"""The editor's server adds detail when the pen rests, as the library does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from maskgan.config import preset
from maskgan.editing.pipeline import Blend, Edit
from maskgan.editing.renderer import Renderer, load_network
from maskgan.editing.session import FaceEditor
from maskgan.images import Picture, SourceImage, resize_label_map, resize_picture
from maskgan.labels import LabelMap
from maskgan.networks.enhancer import Enhancer
from maskgan.server.inference_service import InferenceService, RenderCache, RenderRequest


@pytest.fixture
def renderer(tiny_weights: Path) -> Renderer:
    """With an enhancer that adds something: at the start of training the last layer is 0."""
    torch.manual_seed(0)
    enhancer = Enhancer(preset("tiny").enhancer)
    torch.nn.init.normal_(enhancer.head.weight, 0.0, 0.1)
    network, resolution = load_network(tiny_weights)
    return Renderer(network, resolution, enhancer=enhancer)


@pytest.mark.parametrize("blend", ["full", "region"])
def test_the_server_enhances_when_the_pen_rests(
    blend: Blend, renderer: Renderer, service: InferenceService, face: tuple[Picture, LabelMap], tiny_weights: Path
) -> None:
    """Previews are the plain editor's, full pictures those of one that enhances."""
    enhancing = InferenceService(renderer, service.parser, service.manifold, service.detector)
    picture, label_map = resize_picture(face[0], (512, 512)), resize_label_map(face[1], (512, 512))
    edited = label_map.copy()
    edited[320:360, 200:300] = 10
    opened = enhancing.face(SourceImage.plain(picture), label_map)
    edit = Edit(opened.model, edited, blend=blend)
    for enhance, editor in ((True, FaceEditor(renderer)), (False, FaceEditor.from_weights(tiny_weights))):
        editor.set_source(picture, label_map)
        editor.set_mask(edited)
        request = RenderRequest(edit, opened.picture, enhance, RenderCache())
        assert np.abs(enhancing.render([request])[0].astype(int) - editor.render(blend)).max() <= 1
