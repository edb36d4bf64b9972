"""Exported networks against torch, through ONNX Runtime, at several sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from maskgan.assets import shipped_weights
from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import load_weights, save_weights, sha256
from maskgan.cli.main import main
from maskgan.config import (
    BackboneConfig,
    DenseMappingConfig,
    EditNetworkConfig,
    MaskVAEConfig,
    StyleEncoderConfig,
)
from maskgan.export.graphs import Graph, detector_graph, face_graphs, mask_graphs, parser_graph
from maskgan.export.onnx_files import METADATA_KEY, describe, to_onnx
from maskgan.labels import CLASSES, MIRROR
from maskgan.networks.coarse_edit_network import KNOWN_LEVELS
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.layers import one_hot
from maskgan.networks.mask_vae import MaskVAE
from maskgan.networks.parser import FaceParser
from maskgan.networks.yunet import YuNet

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

ATOL = 1e-4  # of values in [-1, 1]: an eightieth of a grey level
SIZES = [(1, 64, 64), (2, 128, 64), (3, 64, 128)]

EDIT = EditNetworkConfig(
    base_channels=8, max_channels=16, detail_channels=0, downsamplings=3, code_size=8, encoder_channels=4
)
DETAILED = replace(EDIT, detail_channels=4)
BACKBONE = BackboneConfig(base_channels=4, max_channels=8, downsamplings=2, residual_blocks=1, outer_kernel=5)
REGIONS = StyleEncoderConfig(base_channels=4, max_channels=8, regions="parts", region_size=4)
DENSE_MAPPING = {
    "demo": DenseMappingConfig(
        BackboneConfig(4, 8, 2, 1, 5, upsampling="resize", modulate_decoder=True), REGIONS, "fan_in"
    ),
    "as published": DenseMappingConfig(BACKBONE, StyleEncoderConfig(base_channels=4, max_channels=8)),
    "concat": DenseMappingConfig(BACKBONE, StyleEncoderConfig(4, 8, fusion="concat")),
    "no fusion": DenseMappingConfig(BACKBONE, StyleEncoderConfig(4, 8, fusion="none")),
}


def seeded(network: nn.Module) -> nn.Module:
    """The network in eval mode with float16's numbers as weights, none of them 0."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.1)
            parameter.copy_(parameter.half().float())
    return network.eval().requires_grad_(False)


def info_of(network: nn.Module, model_type: str, resolution: int = 64) -> WeightsInfo:
    return WeightsInfo(model_type, network.config, resolution, 0, "untrained, for tests", "none")  # type: ignore[arg-type]


def image(count: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(height + width)
    return torch.rand(count, 3, height, width, generator=generator) * 2 - 1


def labels(count: int, height: int, width: int) -> Tensor:
    """Blocks of 8 px of random classes."""
    generator = torch.Generator().manual_seed(height + 2 * width)
    blocks = torch.randint(0, len(CLASSES), (count, height // 8, width // 8), generator=generator)
    return blocks.repeat_interleave(8, 1).repeat_interleave(8, 2).byte()


def run(graph: Graph, inputs: Mapping[str, Tensor]) -> list[np.ndarray]:
    """Outputs of the exported graph; their order and that of the inputs are checked."""
    session = onnxruntime.InferenceSession(to_onnx(graph, describe(graph, "0" * 64)))
    assert [i.name for i in session.get_inputs()] == list(graph.inputs) == list(inputs)
    assert [o.name for o in session.get_outputs()] == list(graph.outputs)
    found: list[np.ndarray] = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    return found


def check(graph: Graph, cases: Sequence[tuple[Mapping[str, Tensor], Tensor]], atol: float = ATOL) -> None:
    """Each case is inputs and what torch makes of them."""
    session = onnxruntime.InferenceSession(to_onnx(graph, describe(graph, "0" * 64)))
    for inputs, expected in cases:
        (found,) = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
        assert found.shape == tuple(expected.shape)
        np.testing.assert_allclose(found, expected, atol=atol, rtol=1e-4)


@pytest.mark.parametrize("name", DENSE_MAPPING)
def test_dense_mapping(name: str) -> None:
    network = seeded(DenseMappingNetwork(DENSE_MAPPING[name]))
    encoder, generator = face_graphs(network, info_of(network, "dense-mapping"))
    styles, faces = [], []
    for size in SIZES:
        mask = one_hot(labels(*size), 19)
        style = network.encode_style(image(*size), mask)
        styles.append(({"image": image(*size), "labels": labels(*size)}, style))
        faces.append(({"labels": labels(*size), "style": style}, network.synthesise(mask, style)))
        assert faces[-1][1].std() > 0.05
    check(encoder, styles)
    check(generator, faces)


def test_edit_network() -> None:
    network = seeded(EditNetwork(EDIT))
    encoder, generator = face_graphs(network, info_of(network, "edit"))
    styles, faces = [], []
    for size in SIZES:
        mask = one_hot(labels(*size), 19)
        style = network.encode_style(image(*size), mask)
        hole = (labels(*size)[:, None] < 9).float()
        styles.append(({"image": image(*size), "labels": labels(*size)}, style))
        inputs = {"labels": labels(*size), "style": style, "image": image(*size), "hole": hole}
        faces.append((inputs, network(mask, style, image(*size), hole).clamp(-1, 1)))
    check(encoder, styles)
    check(generator, faces)
    inputs, _ = faces[0]
    (found,) = run(generator, inputs)
    kept = np.broadcast_to(inputs["hole"].numpy() == 0, found.shape)
    assert 0.2 < kept.mean() < 0.8
    assert (found[kept] == inputs["image"].numpy()[kept]).all()


def test_edit_network_in_two_parts() -> None:
    network = seeded(EditNetwork(DETAILED))
    assert network.detail is not None
    nn.init.normal_(network.detail.head.weight, 0, 0.1).copy_(network.detail.head.weight.half().float())
    encoder, coarse, detail = face_graphs(network, info_of(network, "edit"))
    assert (coarse.name, detail.name) == ("generator", "detail")
    for size in SIZES:
        mask, hole = one_hot(labels(*size), 19), (labels(*size)[:, None] < 9).float()
        style = network.encode_style(image(*size), mask)
        check(encoder, [({"image": image(*size), "labels": labels(*size)}, style)])
        inputs = {"labels": labels(*size), "style": style, "image": image(*size), "hole": hole}
        half = {
            "labels": labels(*size)[:, ::2, ::2],
            "style": style,
            "image": nn.functional.avg_pool2d(image(*size) * (1 - hole), 2),
            "hole": nn.functional.max_pool2d(hole, 2),
        }
        everything = torch.tensor([0, size[1] // network.window_cell, 0, size[2] // network.window_cell])
        drawn = run_coarse(coarse, half, everything, everything)
        expected = network.coarse(one_hot(half["labels"], 19), style, half["image"], half["hole"])
        torch.testing.assert_close(drawn["generated"], expected, atol=ATOL, rtol=1e-4)
        drawn["coarse"] = drawn.pop("generated")
        drawn = {name: tensor for name, tensor in drawn.items() if name in detail.inputs}
        check(detail, [(inputs | drawn, network(mask, style, image(*size), hole).clamp(-1, 1))])


def test_an_edit_begins_with_the_levels_of_the_photograph() -> None:
    whole = seeded(EditNetwork(DETAILED))
    network, (_, coarse, _) = whole.coarse, face_graphs(whole, info_of(whole, "edit"))
    for size, changed in (((2, 64, 64), [1, 3, 2, 7]), ((1, 128, 64), [0, 5, 0, 8]), ((1, 96, 128), [11, 12, 14, 16])):
        top, bottom, left, right = (8 * edge for edge in changed)
        hole, edited = torch.zeros(size[0], 1, *size[1:]), labels(*size)
        hole[:, :, top:bottom, left:right] = 1
        edited[:, top:bottom, left:right] = 7
        photograph = {"labels": labels(*size), "image": image(*size), "hole": torch.zeros_like(hole)}
        style = network.encode_style(image(*size), one_hot(labels(*size), 19))
        photograph["style"] = style
        everything = torch.tensor([0, size[1] // 8, 0, size[2] // 8])
        levels = run_coarse(coarse, photograph, torch.tensor([0, 1, 0, 1]), everything)
        for i, level in enumerate(network.known_levels(image(*size), one_hot(labels(*size), 19))):
            torch.testing.assert_close(levels[f"level_{i}"], level, atol=ATOL, rtol=1e-4)
        known = {f"known_{i}": levels[f"level_{i}"] for i in range(KNOWN_LEVELS)}
        edit = photograph | {"labels": edited, "hole": hole}
        found = run_coarse(coarse, edit, everything, torch.tensor(changed), known)["generated"]
        expected = network(one_hot(edited, 19), style, image(*size), hole)
        torch.testing.assert_close(found, expected, atol=ATOL, rtol=1e-4)


def run_coarse(
    graph: Graph,
    inputs: Mapping[str, Tensor],
    window: Tensor,
    changed: Tensor,
    known: Mapping[str, Tensor] | None = None,  # zeros if absent
) -> dict[str, Tensor]:
    """Outputs of a coarse network's graph by name."""
    count, _, height, width = inputs["hole"].shape
    sizes = {"N": count}
    for n in (2, 4, 8):
        sizes |= {f"H/{n}": height // n, f"W/{n}": width // n}
    names = [name for name in graph.inputs if name.startswith("known_")]
    known = known or {name: graph.inputs[name].example(sizes) for name in names}
    given = {**inputs, "window": window, "changed": changed, **known}
    outputs = run(graph, {name: given[name] for name in graph.inputs})
    return dict(zip(graph.outputs, map(torch.from_numpy, outputs), strict=True))


def test_a_window_is_drawn_as_in_the_whole_picture() -> None:
    network = seeded(EditNetwork(DETAILED))
    assert network.detail is not None
    nn.init.normal_(network.detail.head.weight, 0, 0.1).copy_(network.detail.head.weight.half().float())
    _, coarse, detail = face_graphs(network, info_of(network, "edit"))
    size = (1, 192, 256)
    # All is drawn, so that every pixel of the window inside its margin tells whether it is the same.
    hole = torch.ones(1, 1, *size[1:])
    style = network.encode_style(image(*size), one_hot(labels(*size), 19))
    window, (top, bottom, left, right) = torch.tensor([2, 12, 5, 16]), (32, 192, 80, 256)
    half = {
        "labels": labels(*size)[:, ::2, ::2],
        "style": style,
        "image": torch.zeros(1, 3, 96, 128),
        "hole": nn.functional.max_pool2d(hole, 2),
    }
    drawn = run_coarse(coarse, half, window, torch.tensor([0, 12, 0, 16]))
    drawn = dict(zip(list(detail.inputs)[-4:], list(drawn.values())[:4], strict=True))
    cut = {
        "labels": labels(*size)[:, top:bottom, left:right],
        "style": style,
        "image": image(*size)[:, :, top:bottom, left:right],
        "hole": hole[:, :, top:bottom, left:right],
    }
    (found,) = run(detail, cut | drawn)
    expected = network(one_hot(labels(*size), 19), style, image(*size), hole).clamp(-1, 1)
    expected = expected[:, :, top:bottom, left:right].numpy()
    margin = network.window_margin
    assert (network.window_cell, margin) == (16, 36)
    # At the borders of the picture there is no margin.
    inside = (..., slice(margin, None), slice(margin, None))
    np.testing.assert_allclose(found[inside], expected[inside], atol=ATOL, rtol=1e-4)
    assert np.abs(found - expected).max() > 10 * ATOL, "without a margin it is not the same"


def test_parser_gives_the_class_at_any_size() -> None:
    network, info = load_weights(shipped_weights("parser"), "parser")
    assert isinstance(network, FaceParser)
    picture = image(1, 64, 64)
    found, mirrored = network.mirror_averaged(picture), network.mirror_averaged(picture.flip(3))
    torch.testing.assert_close(mirrored, found.flip(3)[:, MIRROR.tolist()], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.exp().sum(1), torch.ones(1, 64, 64))
    graph = parser_graph(network, info)
    for count, size in ((1, (128, 128)), (2, (256, 256)), (1, (100, 60))):
        pictures = image(count, 128, 128)
        logits = nn.functional.interpolate(
            network.mirror_averaged(pictures), size=size, mode="bilinear", align_corners=False
        )
        (found,) = run(graph, {"image": pictures, "size": torch.tensor(size)})
        assert found.dtype == np.uint8
        # Where two classes are as likely as each other, either may win.
        assert (found != logits.argmax(1).numpy()).mean() < 1e-3


def test_mask_vae() -> None:
    config = MaskVAEConfig(resolution=32, base_channels=4, downsamplings=2, latent_size=16, prior="fitted")
    network = seeded(MaskVAE(config))
    network.update_prior(torch.randn(8, 16), torch.zeros(8, 16), 0.5)
    encoder, decoder, prior = mask_graphs(network, info_of(network, "mask-vae"))
    maps = [labels(1, 64, 64), labels(2, 72, 40), labels(1, 32, 32), labels(1, 48, 104)]
    check(encoder, [({"labels": m}, network.encode_labels(m)) for m in maps])
    for count, size in ((1, (32, 32)), (2, (64, 48))):
        code = torch.randn(count, 16)
        (found,) = run(decoder, {"code": code, "size": torch.tensor(size)})
        assert found.shape == (count, *size)
        assert (found != network.decode_labels(code, size).numpy()).mean() < 1e-3
        (drawn,) = run(prior, {"noise": code})
        mean, factor = network.prior()
        np.testing.assert_allclose(drawn, mean + code @ factor, atol=1e-2)  # its factor is rounded to float16


def test_face_detector() -> None:
    network, info = load_weights(shipped_weights("face-detector"), "face-detector")
    assert isinstance(network, YuNet)
    graph = detector_graph(network, info)
    for size in ((64, 64), (96, 256), (320, 96)):
        (expected,) = network(image(1, *size))
        for found, wanted in zip(run(graph, {"image": image(1, *size)}), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-3, rtol=1e-4)


def test_weights_are_half_and_described() -> None:
    network = seeded(EditNetwork(EDIT))
    _, graph = face_graphs(network, info_of(network, "edit"))
    model = onnx.load_from_string(to_onnx(graph, describe(graph, "ab" * 32)))
    large = [t for t in model.graph.initializer if np.prod(t.dims) >= 64]
    assert large
    assert {t.data_type for t in large} == {onnx.TensorProto.FLOAT16}
    said = json.loads({p.key: p.value for p in model.metadata_props}[METADATA_KEY])
    assert said["model_type"] == "edit"
    assert said["config"]["code_size"] == 8
    assert said["label_order"] == "celebamask-hq"
    assert said["weights_sha256"] == "ab" * 32
    assert said["inputs"]["hole"] == {"type": "float32", "shape": ["N", 1, "H", "W"]}
    (opset,) = [o.version for o in model.opset_import if o.domain == ""]
    assert opset == 18


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random edit network, exported by the command with the other networks that ship."""
    folder = tmp_path_factory.mktemp("export")
    network = seeded(EditNetwork(EDIT))
    save_weights(folder / "edit.safetensors", network, info_of(network, "edit"))
    assert main(["export-onnx", str(folder / "onnx"), "--weights", str(folder / "edit.safetensors")]) == 0
    return folder


def test_the_manifest_describes_every_file(exported: Path) -> None:
    manifest = json.loads((exported / "onnx" / "manifest.json").read_text())
    assert (manifest["face_network"], manifest["resolution"], manifest["size_multiple"]) == ("edit", 64, 32)
    assert {p.name for p in (exported / "onnx").iterdir()} == {
        "manifest.json",
        *(entry["file"] for entry in manifest["networks"].values()),
    }
    assert set(manifest["networks"]) == {
        *("style-encoder", "generator", "parser", "mask-encoder", "mask-decoder", "mask-prior", "face-detector")
    }
    for name, entry in manifest["networks"].items():
        path = exported / "onnx" / entry["file"]
        assert (path.stem, path.stat().st_size, sha256(path)) == (name, entry["bytes"], entry["sha256"])
        assert entry["licence"]
    assert manifest["networks"]["generator"]["weights_sha256"] == sha256(exported / "edit.safetensors")
    assert [d["name"] for d in manifest["directions"]] == ["smile", "open mouth", "narrower face", "more hair"]
    assert {len(d["vector"]) for d in manifest["directions"]} == {256}


def test_the_manifest_says_where_the_style_of_a_class_is(exported: Path) -> None:
    style = json.loads((exported / "onnx" / "manifest.json").read_text())["style"]
    network = EditNetwork(EDIT)
    assert style["size"] == network.style_size
    for label in range(len(CLASSES)):
        mask = np.zeros(style["size"], dtype=bool)
        for region in style["regions"][label]:
            first = style["parts_start"] + region * style["code_size"]
            mask[first : first + style["code_size"]] = True
        assert (mask == network.part_style_mask([label]).numpy()).all()


def test_an_export_is_replaced_and_nothing_else(exported: Path, tmp_path: Path, capsys) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "letter.txt").write_text("dear")
    assert main(["export-onnx", str(own)]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert (own / "letter.txt").read_text() == "dear"
    assert main(["export-onnx", str(own / "letter.txt")]) == 2
    assert "is not a folder" in capsys.readouterr().err
    before = (exported / "onnx" / "manifest.json").read_bytes()
    assert main(["export-onnx", str(exported / "onnx"), "--weights", str(exported / "edit.safetensors")]) == 0
    assert (exported / "onnx" / "manifest.json").read_bytes() == before, "the same weights make the same files"
    assert {p.name for p in exported.iterdir()} == {"edit.safetensors", "onnx"}


def test_wrong_weights_leave_nothing(tmp_path: Path, capsys) -> None:
    out = tmp_path / "onnx"
    assert main(["export-onnx", str(out), "--weights", str(shipped_weights("parser"))]) == 2
    assert "parser.safetensors: holds weights of model type 'parser'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
