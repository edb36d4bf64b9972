"""Face embeddings: the own network's, and files that users bring."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import save_weights
from maskgan.config import IdentityConfig
from maskgan.data.labelled import LabelledFace
from maskgan.data.pairs import Selected
from maskgan.errors import UserError
from maskgan.evaluation.identity import open_embedding
from maskgan.evaluation.verification import to_markdown, verify
from maskgan.metrics.verification import equal_error_rate, roc_auc
from maskgan.networks.resnet import IdentityNetwork
from measuring import measuring


def picture(seed: int, side: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def save_own(path: Path) -> None:
    torch.manual_seed(0)
    network = IdentityNetwork(IdentityConfig(4, 16))
    save_weights(path, network, WeightsInfo("identity", network.config, 64, 120, "untrained", "none"))


def save_script(path: Path) -> None:
    class Means(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            assert image.shape == (1, 3, 112, 112)  # as many exported files do
            return image.mean(dim=[2, 3]) + 2.0

    torch.jit.script(Means()).save(str(path))


def save_onnx(path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    mean = helper.make_node("GlobalAveragePool", ["image"], ["mean"])
    shift = helper.make_node("Add", ["mean", "two"], ["embedding"])
    two = helper.make_tensor("two", kind, [1], [2.0])
    graph = helper.make_graph(
        [mean, shift],
        "means",
        [helper.make_tensor_value_info("image", kind, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", kind, [1, 3, 1, 1])],
        [two],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))


@pytest.mark.parametrize(("name", "save"), [("a.pt", save_script), ("a.onnx", save_onnx)])
def test_a_network_that_the_user_brings_sees_arcfaces_crop(tmp_path: Path, name: str, save: object) -> None:
    save(tmp_path / name)  # type: ignore[operator]
    embed = open_embedding(tmp_path / name)
    assert embed.name == name
    face = picture(0)
    for aligned, seen in ((True, face[35:223, 32:220]), (False, face)):
        expected = seen.reshape(-1, 3).mean(0) / 127.5 - 1 + 2.0
        rows = embed([face, 255 - face], aligned)
        np.testing.assert_allclose(rows[0], expected / np.linalg.norm(expected), atol=2e-3)
        np.testing.assert_allclose(embed([255 - face], aligned)[0], rows[1], atol=1e-6)


class MeanColour:
    """In dlib's place: a chip's mean colour."""

    def __init__(self, path: str) -> None:
        if Path(path).read_bytes() != b"weights":
            raise RuntimeError("Unexpected version found while deserializing")

    def compute_face_descriptor(self, chips: Sequence[np.ndarray]) -> list[np.ndarray]:
        assert all(chip.shape == (150, 150, 3) and chip.flags["C_CONTIGUOUS"] for chip in chips)
        return [chip.reshape(-1, 3).mean(0) for chip in chips]


def test_dlib_sees_its_crop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", SimpleNamespace(face_recognition_model_v1=MeanColour))
    (tmp_path / "a.dat").write_bytes(b"weights")
    embed, face = open_embedding(tmp_path / "a.dat"), picture(0)
    for aligned, seen in ((True, face[69:245, 40:216]), (False, face)):
        expected = seen.reshape(-1, 3).mean(0)
        (row,) = embed([face], aligned)
        np.testing.assert_allclose(row, expected / np.linalg.norm(expected), atol=2e-3)
    (tmp_path / "b.dat").write_bytes(b"other")
    with pytest.raises(UserError, match=r"b\.dat: is not dlib_face"):
        open_embedding(tmp_path / "b.dat")
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(UserError, match=r"maskgan\[dlib\]"):
        open_embedding(tmp_path / "a.dat")


def test_the_own_embedding_is_named_after_its_training(tmp_path: Path) -> None:
    save_own(tmp_path / "identity.safetensors")
    embed = open_embedding(tmp_path / "identity.safetensors")
    assert "own ResNet-18, 120 faces seen" in embed.name
    one, other = embed([picture(0), picture(1)])
    assert one @ one == pytest.approx(1.0, abs=1e-5) and one @ other < 1


def test_other_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("nothing")
    (tmp_path / "text.pt").write_text("nothing")
    for name in ("text.onnx", "text.pt"):
        with pytest.raises(UserError, match=f"{name}: "):
            open_embedding(tmp_path / name)
    with pytest.raises(UserError, match=r"nowhere\.pt"):
        open_embedding(tmp_path / "nowhere.pt")


def test_verification_by_hand() -> None:
    same, different = np.array([0.9, 0.6, 0.4]), np.array([0.5, 0.4, 0.1, 0.0])
    pairs = [(s > d) + 0.5 * (s == d) for s in same for d in different]
    assert roc_auc(same, different) == pytest.approx(np.mean(pairs))
    assert roc_auc(same + 1, different) == 1.0 and equal_error_rate(same + 1, different)[0] == 0.0
    error, threshold = equal_error_rate(np.array([0.1, 0.6, 0.7, 0.8]), np.array([0.0, 0.2, 0.3, 0.65]))
    assert error == pytest.approx(0.25) and 0.3 < threshold <= 0.65
    with pytest.raises(ValueError, match="both sorts"):
        roc_auc(same, np.array([]))


class People:
    """Two faces each of three people, whose brightness is their number."""

    keys = tuple("abcdef")

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> LabelledFace:
        shade = np.full((32, 32, 3), 40 * (index // 2) + index % 2, np.uint8)
        return LabelledFace(self.keys[index], shade, np.zeros(40, np.uint8), index // 2)


class Shade:
    """Brightness as an angle."""

    name = "shade"

    def __call__(self, pictures: Sequence[np.ndarray], aligned: bool = True) -> np.ndarray:
        assert aligned
        angles = np.array([picture.mean() for picture in pictures]) / 100
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_verification_compares_all_pairs() -> None:
    result = verify(People(), measuring(embedding=Shade()))
    assert (result.faces, result.people) == (6, 3)
    assert result.auc == 1.0 and result.eer == 0.0
    assert result.genuine == pytest.approx(np.cos(0.01)) and result.impostor < 0.95
    assert "6 faces of 3 people" in to_markdown(result)
    with pytest.raises(UserError, match="several faces of several people"):
        verify(Selected(People(), [0, 1]), measuring(embedding=Shade()))
