"""StarGAN and ELEGANT: what they learn, keep and answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from maskgan.assets import portrait, shipped_weights
from maskgan.checkpoints.weights import load_weights
from maskgan.config import ElegantConfig, StarGANConfig, preset
from maskgan.data.batches import LabelledFaces
from maskgan.data.pairs import FacePair
from maskgan.errors import UserError
from maskgan.evaluation.attribute_predictor import AttributePredictor, attribute_index
from maskgan.evaluation.attribute_systems import AttributeSystem
from maskgan.evaluation.systems import Request, resize_square
from maskgan.images import read_label_map, read_picture
from maskgan.networks.elegant import Elegant
from maskgan.networks.stargan import StarGAN
from maskgan.training import stargan
from maskgan.training.elegant import ElegantStage
from maskgan.training.schedule import Progress
from maskgan.training.stage_configs import StarGANTrainingConfig
from maskgan.training.stages import STAGES, build_stage
from maskgan.training.stargan import StarGANStage

BASELINES = ("stargan", "elegant")


def faces(count: int = 8) -> LabelledFaces:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(count, 3, 64, 64, generator=generator) * 2 - 1
    attributes = torch.randint(0, 2, (count, 40), generator=generator).byte()
    return LabelledFaces(pictures, attributes, torch.arange(count))


def build(stage: str, **options: Any) -> Any:
    return build_stage(STAGES[stage].config_type(preset="tiny", data="none", batch_size=8, **options))


def state(stage: Any) -> dict[str, torch.Tensor]:
    return {f"{n}.{k}": v.clone() for n, network in stage.networks.items() for k, v in network.state_dict().items()}


def test_the_published_sizes() -> None:
    """StarGAN's generator, layer by layer from the paper's table 4, with 5 attributes."""
    count = sum(p.numel() for p in StarGAN(StarGANConfig(attributes="a,b,c,d,e")).parameters())
    outer, inner = (3 + 5 + 3) * 64 * 7**2, 2 * (64 * 128 + 128 * 256) * 4**2
    convs = outer + inner + 12 * 256 * 256 * 3**2
    norms = 2 * (64 + 128 + 256 + 12 * 256 + 128 + 64)
    assert count == convs + norms


def test_an_empty_swap_keeps_the_code_of_the_face() -> None:
    network = Elegant(ElegantConfig(base_channels=4, downsamplings=3)).eval()
    first, second = faces(4).pictures.chunk(2)
    with torch.no_grad():
        assert torch.equal(network(first, second, []), network(first, first, [0, 1, 2, 3]))
        assert not torch.equal(network(first, second, [1]), network(first, second, []))


def test_a_swap_changes_only_its_attribute() -> None:
    network = Elegant(ElegantConfig(base_channels=4, downsamplings=3))
    code, other = torch.zeros(1, 16, 2, 2), torch.ones(1, 16, 2, 2)
    taken = network.swap(code, other, [2])
    assert taken[0, :, 0, 0].tolist() == [0.0] * 8 + [1.0] * 4 + [0.0] * 4
    assert (code == 0).all()


@pytest.mark.parametrize("name", BASELINES)
def test_a_step_updates_all_networks_and_is_reproducible(name: str) -> None:
    results = []
    for _ in range(2):
        stage = build(name)
        before = state(stage)
        for step in range(2):
            torch.manual_seed(step)
            losses = stage.train_step(faces(), 0.9)
        assert all(torch.isfinite(loss) for loss in losses.values())
        after = state(stage)
        for network in stage.networks:
            assert any(not torch.equal(before[k], after[k]) for k in before if k.startswith(f"{network}.")), network
        results.append(after)
    assert all(torch.equal(results[0][k], results[1][k]) for k in results[0])


def test_stargan_s_generator_waits_for_its_turn_across_a_restart() -> None:
    def published() -> StarGANStage:
        config = StarGANTrainingConfig(preset="paper", data="none", resolution=64)
        small = replace(preset("paper"), stargan=preset("tiny").stargan)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stargan, "preset", lambda _: small)
            stage = build_stage(config)
        assert isinstance(stage, StarGANStage)
        return stage

    stage, resumed = published(), published()
    for _ in range(3):
        stage.train_step(faces(), 0.9)
    for name, network in resumed.networks.items():
        network.load_state_dict(stage.networks[name].state_dict())
    assert "cls_fake" not in resumed.train_step(faces(), 0.9)
    assert "cls_fake" in resumed.train_step(faces(), 0.9)


def test_elegant_learns_nothing_from_a_batch_that_no_attribute_divides() -> None:
    stage = build("elegant")
    assert isinstance(stage, ElegantStage)
    alike = faces()._replace(attributes=torch.ones(8, 40, dtype=torch.uint8))
    before = state(stage)
    assert float(stage.train_step(alike, 0.9)["adversarial"]) == 0
    assert all(torch.equal(before[k], v) for k, v in state(stage).items())


def test_elegant_learns_to_reconstruct_faces() -> None:
    stage = build("elegant", learning_rate=1e-3)
    coarse = faces().pictures[:, :, ::16, ::16]
    batch = faces()._replace(pictures=torch.nn.functional.interpolate(coarse, size=64, mode="bilinear"))
    before = float(stage.val_loss(batch))
    for step in range(25):
        torch.manual_seed(step)
        stage.train_step(batch, 0.5)
    assert float(stage.val_loss(batch)) < 0.7 * before


def test_stargan_s_critic_learns_to_name_attributes() -> None:
    stage = build("stargan", learning_rate=3e-4, seed=1)
    # The first three attributes are the picture's colours.
    shown = [attribute_index(name) for name in ("Male", "Heavy_Makeup", "No_Beard")]
    colours = faces().attributes[:, shown].float() * 1.6 - 0.8
    batch = faces()._replace(pictures=colours[:, :, None, None].expand(-1, -1, 64, 64).contiguous())
    recognised = []
    for step in range(27):
        torch.manual_seed(step)
        recognised.append(float(stage.train_step(batch, 0.5)["cls_real"]))
    assert recognised[-1] < 0.85 * recognised[0]


@pytest.fixture(scope="module")
def classifier() -> AttributePredictor:
    return AttributePredictor(shipped_weights("attributes"))


def exported(folder: Path, name: str) -> Path:
    stage = build(name)
    stage.train_step(faces(), 0.5)
    stage.export(folder, Progress())
    return folder / f"{name}.safetensors"


def request(style: int, donor: int | None = None) -> Request:
    def face(number: int) -> FacePair:
        picture, mask = portrait(number)
        return resize_square(FacePair(str(number), read_picture(picture), read_label_map(mask)), 96)

    source = face(7)
    return Request("7", source, face(style), source.label_map, None if donor is None else face(donor))


@pytest.mark.parametrize("name", BASELINES)
def test_they_answer_style_copy_and_smile_and_nothing_else(
    tmp_path: Path, classifier: AttributePredictor, name: str
) -> None:
    system = AttributeSystem(name, exported(tmp_path, name), classifier, "cpu")
    for asked in (request(2), request(7, donor=5)):
        (answer,) = system([asked])
        assert answer.shape == (96, 96, 3)
        assert np.array_equal(answer, system([asked])[0])
    with pytest.raises(UserError, match="edits attributes"):
        system([request(7)])


def test_stargan_is_told_the_attributes_of_the_style(tmp_path: Path, classifier: AttributePredictor) -> None:
    path = exported(tmp_path, "stargan")
    system = AttributeSystem("star", path, classifier, "cpu")
    network, _ = load_weights(path)
    asked = request(2)
    heard: list[list[float]] = []
    system._network.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[1][0].tolist()))
    system([asked])
    of_style, of_source = classifier([asked.style.picture, asked.source.picture])
    assert isinstance(network, StarGAN)
    expected = [
        float((of_source if name == "Smiling" else of_style)[attribute_index(name)]) for name in network.attributes
    ]
    assert heard == [expected]


def test_other_weights_are_refused(classifier: AttributePredictor) -> None:
    with pytest.raises(UserError, match="stargan or elegant is needed"):
        AttributeSystem("parser", shipped_weights("parser"), classifier, "cpu")
