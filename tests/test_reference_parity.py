"""The same weights in the reference's networks and in ours must give the same numbers."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import reference_networks as theirs
from maskgan.checkpoints.reference import PAPER_CONFIGS, closest_model, convert_reference, reference_model, to_reference
from maskgan.checkpoints.reference_names import counterparts
from maskgan.checkpoints.registry import meta_network
from maskgan.config import (
    BackboneConfig,
    BlenderConfig,
    DenseMappingConfig,
    DiscriminatorConfig,
    MaskVAEConfig,
    ParserConfig,
    StyleEncoderConfig,
    preset,
)
from maskgan.errors import UserError
from maskgan.networks.parser import FaceParser

PAPER_TENSORS: dict[str, dict[str, list[int]]] = json.loads(
    (Path(__file__).parent / "data" / "reference_tensors.json").read_text()
)
KINDS = ("G", "D", "B", "V")
SMALL_G = DenseMappingConfig(
    BackboneConfig(base_channels=4, max_channels=32, downsamplings=3, residual_blocks=2),
    StyleEncoderConfig(base_channels=4, max_channels=16),
)
SMALL_B = BlenderConfig(BackboneConfig(base_channels=4, max_channels=16, downsamplings=2, residual_blocks=2))
SMALL_D = DiscriminatorConfig(base_channels=4, layers=3, scales=3)
SMALL_V = MaskVAEConfig(resolution=64, base_channels=4, downsamplings=4, latent_size=10)


def shapes(state: dict[str, Tensor]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in state.items()}


def small(kind: str) -> nn.Module:
    networks = {
        "G": lambda: theirs.Generator([4, 8, 16, 32], 2, 4, 16),
        "D": lambda: theirs.Discriminator(4, 3, 3),
        "B": lambda: theirs.Blender([4, 8, 16], 2),
        "V": lambda: theirs.MaskVAE(4, 4, 10, 4),
    }
    return theirs.randomise(networks[kind]())


def small_config(kind: str):
    return {"G": SMALL_G, "D": SMALL_D, "B": SMALL_B, "V": SMALL_V}[kind]


def one_hot(seed: int, n: int, height: int, width: int) -> Tensor:
    labels = torch.randint(19, (n, height // 8, width // 8), generator=torch.Generator().manual_seed(seed))
    blocks = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    return torch.nn.functional.one_hot(blocks, 19).permute(0, 3, 1, 2).float()


def image(seed: int, n: int, height: int, width: int) -> Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def close(ours: Tensor, reference: Tensor) -> None:
    assert reference.std() > 1e-2, "the comparison must not be between constants"
    torch.testing.assert_close(ours, reference, rtol=1e-4, atol=1e-5)


def saved(folder: Path, state: dict[str, Tensor], *, zipped: bool = False) -> Path:
    torch.save(state, folder / "net.pth", _use_new_zipfile_serialization=zipped)
    return folder / "net.pth"


@pytest.mark.parametrize("kind", KINDS)
def test_paper_size_has_the_reference_tensors_in_order(kind: str) -> None:
    config = PAPER_CONFIGS[kind]
    ours = meta_network(config).state_dict()
    pairs = counterparts(config)
    listed = [(pair.reference, list(ours[pair.shaped_like].shape)) for pair in pairs]
    assert listed == list(PAPER_TENSORS[kind].items())
    converted = [pair.ours for pair in pairs if pair.ours is not None]
    assert sorted(converted) == sorted(ours), "every tensor of ours has exactly one counterpart"


def test_the_tests_own_reference_has_the_same_tensors() -> None:
    with torch.device("meta"):
        networks = theirs.paper_networks()
    for kind, network in networks.items():
        assert list(shapes(network.state_dict()).items()) == list(PAPER_TENSORS[kind].items())


@pytest.mark.parametrize("kind", KINDS)
def test_paper_size_parameter_counts(kind: str) -> None:
    millions = sum(p.numel() for p in meta_network(PAPER_CONFIGS[kind]).parameters()) / 1e6
    assert millions == pytest.approx({"G": 89.70, "D": 5.57, "B": 4.33, "V": 170.6}[kind], rel=1e-3)


@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
@torch.no_grad()
def test_generator_agrees(tmp_path: Path, size: tuple[int, int]) -> None:
    reference = small("G")
    ours = convert_reference(saved(tmp_path, reference.state_dict()), "G", SMALL_G)
    mask, own_mask, face = one_hot(1, 2, *size), one_hot(2, 2, 64, 96), image(3, 2, 64, 96)
    close(ours.encode_style(face, own_mask), reference.style(face, own_mask).flatten(1))
    close(ours(mask, face, own_mask), reference(mask, face, own_mask))


@torch.no_grad()
def test_blender_agrees(tmp_path: Path) -> None:
    reference = small("B")
    ours = convert_reference(saved(tmp_path, reference.state_dict()), "B", SMALL_B)
    faces = image(1, 2, 36, 52), image(2, 2, 36, 52)
    for mine, other in zip(ours(*faces), reference(*faces), strict=True):
        close(mine, other)


@torch.no_grad()
def test_discriminator_agrees_at_every_scale_and_layer(tmp_path: Path) -> None:
    reference = small("D")
    ours = convert_reference(saved(tmp_path, reference.state_dict()), "D", SMALL_D)
    mask, face = one_hot(1, 2, 72, 104), image(2, 2, 72, 104)
    mine, other = ours(mask, face), reference(torch.cat([mask, face], 1))
    assert [len(output.features) + 1 for output in mine] == [len(features) for features in other] == [5, 5, 5]
    for output, other_features in zip(mine, other, strict=True):
        for a, b in zip([*output.features, output.logits], other_features, strict=True):
            close(a, b)


@torch.no_grad()
def test_mask_vae_agrees(tmp_path: Path) -> None:
    reference = small("V")
    ours = convert_reference(saved(tmp_path, reference.state_dict()), "V", SMALL_V)
    mask = one_hot(1, 3, 64, 64)
    for mine, other in zip(ours.encode(mask), reference.encode(mask), strict=True):
        close(mine, other)
    code = torch.randn(3, 10, generator=torch.Generator().manual_seed(4))
    close(ours.decode(code), reference.decode(code))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("zipped", [False, True])
def test_there_and_back(tmp_path: Path, kind: str, zipped: bool) -> None:
    state = small(kind).state_dict()
    network = convert_reference(saved(tmp_path, state, zipped=zipped), kind, small_config(kind))
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    assert reference_model(network) == kind
    back = to_reference(network)
    assert list(back) == list(state)
    for name, tensor in state.items():
        if kind == "G" and ".norm.running_" in name:  # read by no computation, so dropped
            assert (back[name] == (0 if name.endswith("mean") else 1)).all()
        else:
            assert torch.equal(back[name], tensor), name


@pytest.mark.parametrize("kind", KINDS)
def test_kind_is_told_by_the_names(kind: str) -> None:
    assert closest_model(dict.fromkeys(PAPER_TENSORS[kind], torch.zeros(1))) == kind


def test_data_parallel_prefix_is_stripped(tmp_path: Path) -> None:
    state = small("D").state_dict()
    prefixed = OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    network = convert_reference(saved(tmp_path, prefixed), "D", SMALL_D)
    assert torch.equal(to_reference(network)["scale0_layer0.0.weight"], state["scale0_layer0.0.weight"])


def test_batch_counts_may_be_absent_as_in_pytorch_0_4_0(tmp_path: Path) -> None:
    state = OrderedDict((n, t) for n, t in small("V").state_dict().items() if "num_batches" not in n)
    network = convert_reference(saved(tmp_path, state), "V", SMALL_V)
    assert network.encoder_norm[0].num_batches_tracked == 0


def test_file_saved_on_a_gpu_is_read_without_one(tmp_path: Path) -> None:
    path = saved(tmp_path, small("D").state_dict())
    content = path.read_bytes()
    on_gpu = content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert on_gpu != content
    path.write_bytes(on_gpu)
    assert next(convert_reference(path, "D", SMALL_D).parameters()).device.type == "cpu"


def test_half_precision_files_become_float32(tmp_path: Path) -> None:
    state = {name: tensor.half() for name, tensor in small("D").state_dict().items()}
    assert next(convert_reference(saved(tmp_path, state), "D", SMALL_D).parameters()).dtype == torch.float32


def test_every_missing_extra_and_misshapen_tensor_is_named(tmp_path: Path) -> None:
    state = small("G").state_dict()
    missing = [name for name in state if name.startswith("enc_style")]  # more than any shortened list would hold
    for name in missing:
        del state[name]
    state["model.1.weight"] = torch.zeros(4, 3, 7, 7)
    state["model.13.conv_block.0.norm.running_var"] = torch.zeros(5)
    state["added.weight"] = torch.zeros(1)
    with pytest.raises(UserError) as raised:
        convert_reference(saved(tmp_path, state), "G", SMALL_G)
    message = str(raised.value)
    assert "\n" not in message and "net.pth" in message
    assert all(name in message for name in missing)
    assert "added.weight" in message
    assert "model.1.weight is 4x3x7x7, should be 4x19x7x7" in message
    assert "model.13.conv_block.0.norm.running_var is 5, should be 32" in message


def test_another_width_names_each_misshapen_tensor(tmp_path: Path) -> None:
    state = theirs.Discriminator(8, 3, 2).state_dict()
    with pytest.raises(UserError) as raised:
        convert_reference(saved(tmp_path, state))
    message = str(raised.value)
    assert "scale1_layer3.0.bias is 64, should be 512" in message
    assert message.count("should be") == len(
        [n for n in state if n not in ("scale0_layer4.0.bias", "scale1_layer4.0.bias")]
    )


def test_a_foreign_state_dict_is_summarised(tmp_path: Path) -> None:
    state = {f"features.{i:03}.weight": torch.zeros(1) for i in range(50)}
    with pytest.raises(
        UserError, match=r"not one of the reference's.*features\.011\.weight, \.\.\. \(50 in all\)"
    ) as e:
        convert_reference(saved(tmp_path, state))
    assert "features.012.weight" not in str(e.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    state = small("D").state_dict()
    state["scale0_layer2.0.bias"][1] = value
    with pytest.raises(UserError, match=r"scale0_layer2\.0\.bias holds values that are not finite"):
        convert_reference(saved(tmp_path, state), "D", SMALL_D)


def test_wrong_types_are_refused(tmp_path: Path) -> None:
    state = small("D").state_dict()
    with pytest.raises(UserError, match=r"scale0_layer0\.0\.bias has the type torch\.int64"):
        integer = {**state, "scale0_layer0.0.bias": torch.zeros(4, dtype=torch.int64)}
        convert_reference(saved(tmp_path, integer), "D", SMALL_D)
    with pytest.raises(UserError, match="not stored as plain numbers"):
        sparse = {**state, "scale0_layer0.0.bias": state["scale0_layer0.0.bias"].to_sparse()}
        convert_reference(saved(tmp_path, sparse), "D", SMALL_D)


def test_networks_that_the_reference_lacks() -> None:
    for config in (preset("demo").dense_mapping, DenseMappingConfig(style_encoder=StyleEncoderConfig(fusion="concat"))):
        with pytest.raises(UserError, match="the reference has no"):
            counterparts(config)
    with pytest.raises(UserError, match="the reference has no"):
        to_reference(FaceParser(ParserConfig(base_channels=4, downsamplings=2)))
