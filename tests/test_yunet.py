"""YuNet in torch against the ONNX file its weights are from."""

from pathlib import Path

import numpy as np
import pytest
import torch

from maskgan.errors import UserError
from maskgan.networks.sface import packaged_file
from maskgan.networks.yunet import STRIDES, load_yunet_onnx

onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

FILE = packaged_file().parent / "face_detection_yunet_2023mar_int8bq.onnx"
SIDE = 640  # which the file is fixed to


def reference_maps(image: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs of onnxruntime for a 1 x 3 x 640 x 640 BGR picture of 0..255."""
    onnxruntime.set_default_logger_severity(4)
    model = onnx.load(str(FILE))
    one_scale = {t.name for t in model.graph.initializer if list(t.dims) in ([], [1])}
    for node in model.graph.node:
        # onnxruntime takes no block size beside a single scale, which the file has.
        if node.op_type == "DequantizeLinear" and node.input[1] in one_scale:
            kept = [a for a in node.attribute if a.name != "block_size"]
            del node.attribute[:]
            node.attribute.extend(kept)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, {"input": image}), strict=True))


def test_detections_equal_those_of_onnxruntime() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 3, SIDE, SIDE)).astype(np.float32)
    expected = reference_maps(image)
    with torch.no_grad():
        (found,) = load_yunet_onnx(FILE)(torch.from_numpy(image / 127.5 - 1).flip(1))
    start = 0
    for stride in STRIDES:
        count = (SIDE // stride) ** 2
        cells = np.stack(np.meshgrid(*[np.arange(SIDE // stride)] * 2), axis=-1).reshape(-1, 2)
        part = slice(start, start + count)
        scores = np.sqrt(expected[f"cls_{stride}"] * expected[f"obj_{stride}"])[0, :, 0]
        np.testing.assert_allclose(found.scores[part], scores, atol=1e-4)
        boxes = expected[f"bbox_{stride}"][0]
        sizes = np.exp(boxes[:, 2:]) * stride
        np.testing.assert_allclose(found.boxes[part, 2:], sizes, rtol=1e-3, atol=1e-2)
        np.testing.assert_allclose(
            found.boxes[part, :2] + found.boxes[part, 2:] / 2, (boxes[:, :2] + cells) * stride, rtol=1e-3, atol=2e-2
        )
        points = (expected[f"kps_{stride}"][0].reshape(-1, 5, 2) + cells[:, None]) * stride
        np.testing.assert_allclose(found.landmarks[part], points, rtol=1e-3, atol=2e-2)
        start += count
    assert start == len(found.scores)


def test_another_network_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"face_recognition_sface.*is not YuNet"):
        load_yunet_onnx(packaged_file())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.onnx"):
        load_yunet_onnx(tmp_path / "none.onnx")
