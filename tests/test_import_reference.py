"""Reading weights in the reference's format: PyTorch files, of which some mean harm."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import reference_networks
from maskgan.checkpoints import weights
from maskgan.checkpoints.reference import convert_reference
from maskgan.checkpoints.weights import load_weights
from maskgan.cli.import_reference import command
from maskgan.config import preset
from maskgan.errors import UserError
from maskgan.networks.discriminator import MultiscaleDiscriminator


class _Payload:
    """Creates a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["zip", "legacy", "bare pickle", "pickle 4", "text pickle"])
def test_code_in_a_pickle_never_runs(tmp_path: Path, form: str) -> None:
    path, trace = tmp_path / "net.pth", tmp_path / "it-ran"
    state = {"scale0_layer0.0.weight": torch.zeros(1), "evil": _Payload(trace)}
    if form in ("zip", "legacy"):
        torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    else:
        protocol = {"bare pickle": 2, "pickle 4": 4, "text pickle": 0}[form]
        path.write_bytes(pickle.dumps(_Payload(trace), protocol))
    with pytest.raises(UserError) as raised:
        convert_reference(path)
    assert not trace.exists()
    assert str(raised.value).startswith(f"{path}: ") and "\n" not in str(raised.value)
    if form in ("zip", "legacy"):
        assert "could run code, so it is not read" in str(raised.value)
    with pytest.raises(UserError):
        load_weights(path)
    assert not trace.exists()
    pickle.loads(pickle.dumps(_Payload(trace)))
    assert trace.exists(), "the payload itself must work, or the test shows nothing"


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(1, 1), tmp_path / "net.pth")
    with pytest.raises(UserError, match=r"could run code, so it is not read; save the network's state_dict\(\) alone"):
        convert_reference(tmp_path / "net.pth")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"\x80\x02", b"\x80\x02}q\x00.", b"\x00" * 999])
def test_import_of_something_else(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(UserError, match=r"net\.pth: not a PyTorch file, or damaged"):
        convert_reference(tmp_path / "net.pth")


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_import_of_a_truncated_file(tmp_path: Path, zipped: bool, share: float) -> None:
    path = tmp_path / "net.pth"
    torch.save(
        MultiscaleDiscriminator(preset("tiny").discriminator).state_dict(), path, _use_new_zipfile_serialization=zipped
    )
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UserError, match=r"net\.pth: not a PyTorch file, or damaged"):
        convert_reference(path)


@pytest.mark.parametrize("content", [{}, torch.zeros(3), [torch.zeros(3)], {"state": {"a": torch.zeros(1)}}, {1: 2}])
def test_import_of_what_is_no_state_dict(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(UserError, match=r"state_dict\(\) alone"):
        convert_reference(tmp_path / "net.pth")


def test_import_command(tmp_path: Path) -> None:
    source, destination = tmp_path / "latest_net_B.pth", tmp_path / "blender.safetensors"
    state = reference_networks.randomise(reference_networks.Blender([32, 64, 128, 256], 3)).state_dict()
    torch.save(state, source, _use_new_zipfile_serialization=False)
    result = CliRunner().invoke(command, [str(source), str(destination)], catch_exceptions=False)
    assert result.exit_code == 0
    digits = weights.fingerprint(destination)
    assert result.output == f"{destination}: blender (B), 28 tensors, 4,329,443 parameters, sha256 {digits}\n"
    network, info = load_weights(destination, "blender")
    assert torch.equal(network.backbone.head.bias, state["model.26.bias"])
    assert (info.resolution, info.step, info.label_order) == (512, 0, "celebamask-hq")
    assert info.licence == "non-commercial (CelebAMask-HQ terms of the original authors)"
    assert "latest_net_B.pth" in info.provenance and weights.sha256(source) in info.provenance


def test_import_command_leaves_nothing_on_failure(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "net.pth")
    for destination, reason in (
        ("out.pth", "written as .safetensors"),
        ("out.safetensors", "not one of the reference's"),
    ):
        with pytest.raises(UserError, match=reason):
            command.main([str(tmp_path / "net.pth"), str(tmp_path / destination)], standalone_mode=False)
    with pytest.raises(UserError, match=r"compared with V \(mask-vae\)"):
        command.main(
            [str(tmp_path / "net.pth"), str(tmp_path / "o.safetensors"), "--model", "V"], standalone_mode=False
        )
    assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]


@pytest.mark.parametrize("sort", ["compressed", "overlapping"])
def test_a_zip_bomb_is_refused_before_it_is_read(tmp_path: Path, sort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.pth"
    torch.save({"a": torch.zeros(1 << 20)}, path)
    whole = zipfile.ZipFile(path)
    if sort == "compressed":
        with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb:
            for record in whole.infolist():
                bomb.writestr(record.filename, whole.read(record))
        assert (tmp_path / "bomb.pth").stat().st_size < 10_000
        reason = "compressed records"
    else:
        content = path.read_bytes()
        entry = content[content.index(b"PK\x01\x02") : content.index(b"PK\x06\x06")]
        start, size = content.index(b"PK\x01\x02"), len(entry) * 50
        count = len(whole.infolist()) * 50
        end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, size, start, 0)
        (tmp_path / "bomb.pth").write_bytes(content[:start] + entry * 50 + end)
        reason = "claims to hold more than its own size"
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("was read"))
    with pytest.raises(UserError, match=reason):
        convert_reference(tmp_path / "bomb.pth")
