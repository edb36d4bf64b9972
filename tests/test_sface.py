"""SFace in torch against the file it is read from."""

from pathlib import Path

import numpy as np
import pytest
import torch

from maskgan.errors import UserError
from maskgan.networks.sface import load_sface, packaged_file

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def reference_embeddings(faces: np.ndarray) -> np.ndarray:
    """What onnxruntime computes from N x 3 x 112 x 112 pictures of 0..255, of length 1."""
    onnxruntime.set_default_logger_severity(4)
    model = onnx.load(str(packaged_file()))
    # Some of its intermediate weights are declared as inputs, which onnxruntime would ask for.
    picture = [i for i in model.graph.input if i.name == "data"]
    del model.graph.input[:]
    model.graph.input.extend(picture)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    embeddings = np.concatenate([session.run(None, {"data": face[None]})[0] for face in faces])
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def test_embeddings_equal_those_of_onnxruntime() -> None:
    faces = np.random.default_rng(0).integers(0, 256, (3, 3, 112, 112)).astype(np.float32)
    with torch.no_grad():
        embeddings, _ = load_sface()(torch.from_numpy(faces / 127.5 - 1))
    np.testing.assert_allclose(embeddings.numpy(), reference_embeddings(faces), atol=2e-6)


def test_gradients_reach_the_picture_and_not_the_weights() -> None:
    network = load_sface()
    face = torch.zeros(1, 3, 112, 112, requires_grad=True)
    network(face)[0].sum().backward()
    assert face.grad is not None and float(face.grad.abs().sum()) > 0
    assert all(p.grad is None for p in network.parameters())


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(UserError, match=r"other\.onnx"):
        load_sface(path)
