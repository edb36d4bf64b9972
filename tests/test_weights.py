"""The package's own weights format, what ships in it, and files that are none or damaged."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from maskgan.assets import SHIPPED_MODELS, WEIGHTS_VARIABLE, shipped_directions, shipped_weights
from maskgan.checkpoints import weights
from maskgan.checkpoints.manifest import mismatches
from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.registry import REGISTRY, model_type_of
from maskgan.checkpoints.weights import load_weights, read_info, save_weights
from maskgan.cli.main import main
from maskgan.config import DiscriminatorConfig, preset
from maskgan.config_dict import to_dict
from maskgan.errors import MaskGANError, UserError

TINY = preset("tiny")
CONFIGS = {
    "dense-mapping": TINY.dense_mapping,
    "mask-vae": TINY.mask_vae,
    "blender": TINY.blender,
    "discriminator": TINY.discriminator,
    "parser": TINY.parser,
}


def build(kind: str) -> tuple[nn.Module, WeightsInfo]:
    torch.manual_seed(0)
    network = REGISTRY[kind].network_type(CONFIGS[kind])
    return network, WeightsInfo(kind, CONFIGS[kind], resolution=64, step=1234, provenance="a test", licence="MIT")


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A discriminator's weights."""
    path = tmp_path / "net.safetensors"
    save_weights(path, *build("discriminator"))
    return path


def metadata(path: Path) -> dict[str, Any]:
    header_size = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + header_size])
    return json.loads(header["__metadata__"]["maskgan"])


def rewrite(path: Path, *, tensors: dict[str, Any] | None = None, **changes: Any) -> None:
    """Write the file again with other tensors or metadata; a change to ``...`` removes the field."""
    values = {**metadata(path), **changes}
    values = {name: value for name, value in values.items() if value is not ...}
    save_file({**load_file(path), **(tensors or {})}, path, metadata={"maskgan": json.dumps(values)})


def refusal(path: Path, kind: str | None = None) -> str:
    """The one line with which ``load_weights`` refuses the file."""
    with pytest.raises(UserError) as raised:
        load_weights(path, kind)
    message = str(raised.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


@pytest.mark.parametrize("kind", CONFIGS)
def test_round_trip(tmp_path: Path, kind: str) -> None:
    network, info = build(kind)
    path = tmp_path / "net.safetensors"
    save_weights(path, network, info)
    loaded, loaded_info = load_weights(path, kind)
    assert loaded_info == info == read_info(path)
    assert model_type_of(loaded) == kind
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    assert network.training and all(p.requires_grad for p in network.parameters()), "the saved network is left alone"
    for name, tensor in network.state_dict().items():
        assert loaded.state_dict()[name].dtype == tensor.dtype
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_weights(tmp_path / f"{name}.safetensors", *build("mask-vae"))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_fingerprint(stored: Path) -> None:
    digest = hashlib.sha256(stored.read_bytes()).hexdigest()
    assert weights.sha256(stored) == digest
    assert weights.fingerprint(stored) == digest[:12]


def test_half_precision_round_trip(tmp_path: Path) -> None:
    network, info = build("mask-vae")
    network.encoder_norm[0].num_batches_tracked.fill_(100_000)  # beyond float16
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    save_weights(full, network, info)
    save_weights(half, network, info, torch.float16)
    assert half.stat().st_size < 0.6 * full.stat().st_size
    loaded, _ = load_weights(half)
    assert loaded.encoder_norm[0].num_batches_tracked == 100_000
    for name, tensor in network.state_dict().items():
        assert loaded.state_dict()[name].dtype == tensor.dtype
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=5e-4, atol=1e-7)


def test_a_value_too_large_for_half_precision_is_refused(tmp_path: Path) -> None:
    network, info = build("discriminator")
    nn.init.constant_(network.scales[0].head.bias, 70_000.0)
    with pytest.raises(UserError, match=r"scales\.0\.head\.bias holds 7e\+04, too large for torch\.float16"):
        save_weights(tmp_path / "net.safetensors", network, info, torch.float16)
    save_weights(tmp_path / "net.safetensors", network, info)


def test_weights_that_are_not_finite_are_not_written(stored: Path) -> None:
    before = stored.read_bytes()
    network, info = build("discriminator")
    nn.init.constant_(network.scales[0].head.bias, float("nan"))
    with pytest.raises(MaskGANError, match=r"net\.safetensors: not written: tensor scales\.0\.head\.bias"):
        save_weights(stored, network, info)
    assert stored.read_bytes() == before


def test_no_partial_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(_tensors: object, path: Path, **_options: object) -> None:
        path.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights, "save_file", cut_off)
    with pytest.raises(UserError, match=r"net\.safetensors: cannot be written: no space left"):
        save_weights(tmp_path / "net.safetensors", *build("discriminator"))
    assert list(tmp_path.iterdir()) == []


def test_info_of_another_network_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    network, info = build("discriminator")
    for wrong in (build("blender")[1], dataclasses.replace(info, config=DiscriminatorConfig(base_channels=4))):
        with pytest.raises(ValueError, match="describes another network"):
            save_weights(tmp_path / "net.safetensors", network, wrong)


def test_only_safetensors_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"net\.pth: weights are written as \.safetensors"):
        save_weights(tmp_path / "net.pth", *build("discriminator"))


def test_wrong_model_type(stored: Path) -> None:
    assert "model type 'discriminator'; 'dense-mapping' is needed" in refusal(stored, "dense-mapping")


def test_files_of_another_sort(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    assert "no such file" in refusal(path)
    assert "is a folder" in refusal(tmp_path)
    for content in (b"", b"x", b"not weights at all" * 10, b"\xff" * 100):
        path.write_bytes(content)
        assert "not a safetensors file, or damaged" in refusal(path)
    save_file({"a": torch.zeros(1)}, path)
    assert "not of maskgan" in refusal(path)
    save_file({"a": torch.zeros(1)}, path, metadata={"format": "pt"})
    assert "not of maskgan" in refusal(path)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.999])
def test_truncated(stored: Path, share: float) -> None:
    content = stored.read_bytes()
    stored.write_bytes(content[: int(len(content) * share)])
    assert "not a safetensors file, or damaged" in refusal(stored)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", ["net.pth", "net.pt", "net.safetensors"])
def test_pytorch_files_are_pointed_to_the_import(tmp_path: Path, name: str, zipped: bool) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / name, _use_new_zipfile_serialization=zipped)
    assert "maskgan import-reference" in refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format_version": 3}, "has format 3, newer than 2"),
        ({"format_version": 0}, "'format_version' of its metadata is outside 1..2"),
        ({"model_type": "toaster"}, "model type 'toaster' is unknown"),
        ({"model_type": 3}, "'model_type' of its metadata should be str"),
        ({"label_order": "face-parsing"}, "label order 'face-parsing'"),
        ({"resolution": "64"}, "'resolution' of its metadata should be int"),
        ({"resolution": 0}, "'resolution' of its metadata is outside"),
        ({"step": -1}, "'step' of its metadata is outside"),
        ({"step": True}, "'step' of its metadata should be int"),
        ({"licence": ...}, "'licence' of its metadata is missing"),
        ({"colour": "red"}, "'colour' of its metadata is unknown"),
        ({"config": []}, "'config' of its metadata should be dict"),
        ({"config": {}}, "does not fit its own config"),
        ({"model_type": "blender"}, "BlenderConfig: unknown field"),
    ],
)
def test_wrong_metadata(stored: Path, changes: dict[str, Any], reason: str) -> None:
    rewrite(stored, **changes)
    assert reason in refusal(stored)


@pytest.mark.parametrize("text", ["{", "[]", "3", "[" * 100_000, '{"format_version": 1e999}'])
def test_damaged_metadata(stored: Path, text: str) -> None:
    save_file(load_file(stored), stored, metadata={"maskgan": text})
    assert "metadata" in refusal(stored)


def test_metadata_of_the_first_version_is_converted(stored: Path) -> None:
    now = metadata(stored)
    rewrite(stored, model_type=..., kind="discriminator", format_version=1)
    assert set(metadata(stored)) ^ set(now) == {"kind", "model_type"}
    network, info = load_weights(stored, "discriminator")
    assert info == build("discriminator")[1] and info.format_version == 2
    save_weights(stored, network, info)
    assert metadata(stored) == now
    # A file of today must not use the old name.
    rewrite(stored, model_type=..., kind="discriminator")
    assert "'kind' of its metadata is unknown" in refusal(stored)


def test_an_unknown_choice_in_the_config(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_weights(path, *build("blender"))
    config = to_dict(CONFIGS["blender"])
    config["backbone"]["upsampling"] = "magic"
    rewrite(path, config=config)
    assert "'upsampling' is 'magic', should be one of transposed, resize" in refusal(path)


def test_missing_extra_and_misshapen_tensors(stored: Path) -> None:
    text = json.dumps(metadata(stored))
    tensors = load_file(stored)
    del tensors["scales.0.head.bias"]
    tensors["scales.0.convs.1.bias"] = torch.zeros(3)
    tensors["scales.9.odd\nname"] = torch.zeros(1)
    save_file(tensors, stored, metadata={"maskgan": text})
    message = refusal(stored)
    assert "missing tensor: scales.0.head.bias" in message
    assert r"unexpected tensor: 'scales.9.odd\nname'" in message
    assert "scales.0.convs.1.bias is 3, should be 16" in message


def test_wrong_types(tmp_path: Path, stored: Path) -> None:
    rewrite(stored, tensors={"scales.0.head.bias": torch.zeros(1, dtype=torch.float64)})
    assert "scales.0.head.bias has the type F64" in refusal(stored)
    path = tmp_path / "vae.safetensors"
    save_weights(path, *build("mask-vae"))
    rewrite(path, tensors={"encoder_norm.0.num_batches_tracked": torch.tensor(1.0)})
    assert "encoder_norm.0.num_batches_tracked has the type F32; int64 is needed" in refusal(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite(stored: Path, value: float) -> None:
    rewrite(stored, tensors={"scales.1.head.bias": torch.tensor([value])})
    assert "scales.1.head.bias holds values that are not finite" in refusal(stored)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("discriminator", {"base_channels": 65536}),
        ("discriminator", {"scales": 65536}),
        ("discriminator", {"layers": 65536}),
        ("discriminator", {"num_classes": 65536, "base_channels": 65536, "layers": 32, "scales": 32}),
        ("mask-vae", {"resolution": 65536, "base_channels": 65536, "downsamplings": 1, "latent_size": 65536}),
        ("mask-vae", {"downsamplings": 32, "base_channels": 65536}),
        ("parser", {"downsamplings": 65536}),
        ("blender", {"backbone": {"residual_blocks": 65536}}),
        ("dense-mapping", {"style_encoder": {"regions": "parts", "region_size": 65536, "max_channels": 65536}}),
        ("dense-mapping", {"backbone": {"max_channels": 65536, "base_channels": 65536, "outer_kernel": 65535}}),
    ],
)
def test_a_hostile_config_takes_neither_time_nor_memory(tmp_path: Path, kind: str, changes: dict[str, Any]) -> None:
    path = tmp_path / "net.safetensors"
    save_weights(path, *build(kind))
    config = to_dict(CONFIGS[kind])
    for name, value in changes.items():
        config[name] = {**config[name], **value} if isinstance(value, dict) else value
    rewrite(path, config=config)
    start = time.monotonic()
    refusal(path)
    assert time.monotonic() - start < 60  # allocating it would take minutes, if it did not fail


def test_the_list_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert main(["weights", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == lines
    for kind, line in zip(SHIPPED_MODELS, lines[1:], strict=True):
        path = shipped_weights(kind)
        info = read_info(path)
        for value in (kind, f"{info.resolution} px", f"{info.step:,d}", weights.fingerprint(path), info.licence):
            assert value in line


def test_a_folder_takes_the_place_of_what_ships(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = {kind: shipped_weights(kind) for kind in SHIPPED_MODELS}
    shutil.copy(tiny_weights, tmp_path / "edit.safetensors")
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path))
    assert shipped_weights("edit") == tmp_path / "edit.safetensors"
    assert shipped_weights("parser") == shipped["parser"], "what the folder lacks is what ships"
    assert shipped_directions().is_file()
    save_weights(tmp_path / "mask-vae.safetensors", *build("mask-vae"))
    assert not shipped_directions().is_file(), "directions of another MaskVAE are of no use"
    assert main(["weights"]) == 0
    assert str(tmp_path / "mask-vae.safetensors") in capsys.readouterr().out
    assert main(["sample-masks", "-n", "1", "-o", str(tmp_path / "masks")]) == 0
    monkeypatch.setenv(WEIGHTS_VARIABLE, "")
    assert shipped_weights("edit") == shipped["edit"]


def test_a_folder_without_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, reason in ((tmp_path, "holds no weights"), (tmp_path / "none", "no such folder")):
        monkeypatch.setenv(WEIGHTS_VARIABLE, str(folder))
        with pytest.raises(UserError, match=f"MASKGAN_WEIGHTS={folder}: {reason}"):
            shipped_weights("parser")


def manifest_of(folder: Path) -> None:
    lines = [f"{weights.sha256(path)}  {path.name}\n" for path in folder.glob("*.safetensors")]
    (folder / "SHA256SUMS").write_text("".join(lines))


def test_a_header_that_takes_long_to_parse_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    with open(path, "wb") as stream:
        stream.write((80_000_000).to_bytes(8, "little"))
        stream.truncate(80_000_100)
    assert "has a header of 80 MB; at most 4 MiB" in refusal(path)


def test_what_a_file_says_cannot_steer_the_terminal(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(stored, provenance="\x1b]0;owned\x07", licence="free\x1b[2J")
    assert main(["weights", "show", str(stored)]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\x07" not in shown
    assert r"from: '\x1b]0;owned\x07'" in shown and r"terms: 'free\x1b[2J'" in shown


def test_damaged_weights_are_found(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = stored.parent
    manifest_of(folder)
    verify = ["weights", "verify", str(folder)]
    assert main(verify) == 0
    assert capsys.readouterr().out == f"{folder}: 1 files are as SHA256SUMS says\n"

    whole = stored.read_bytes()
    stored.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert main(verify) == 2
    wrong = weights.fingerprint(stored)
    digest = hashlib.sha256(whole).hexdigest()[:12]
    line = f"maskgan: error: {folder}: net.safetensors: sha256 {wrong}, not {digest}; get them again\n"
    assert capsys.readouterr().err == line

    stored.rename(folder / "other.safetensors")
    assert main(verify) == 2
    assert "net.safetensors: missing; other.safetensors: not in SHA256SUMS; get" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "lists no file"),
        ("0123  a.safetensors\n", "line 1 is not a SHA-256"),
        (f"{'0' * 64}  ../a.safetensors\n", "line 1 is not a SHA-256"),
        ("\0" * (1 << 21), "over 1 MiB"),
        (None, "no such file"),
    ],
)
def test_a_manifest_that_is_none(tmp_path: Path, content: str | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "SHA256SUMS").write_text(content)
    with pytest.raises(UserError, match=rf"SHA256SUMS: {reason}"):
        mismatches(tmp_path)


def test_weights_between_two(tmp_path: Path, stored: Path) -> None:
    network, info = load_weights(stored)
    other = load_weights(stored)[0]
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    ends = [tmp_path / "first.safetensors", tmp_path / "second.safetensors"]
    for path, end, licence in zip(ends, (network, other), ("for research", "for teaching"), strict=True):
        save_weights(path, end, dataclasses.replace(info, licence=licence))
    files = [str(path) for path in ends]
    assert main(["weights", "interpolate", *files, str(tmp_path / "between.safetensors"), "--alpha", "0.25"]) == 0
    between, said = load_weights(tmp_path / "between.safetensors")
    for name, parameter in between.named_parameters():
        torch.testing.assert_close(parameter, network.get_parameter(name) + 0.25)
    assert said.provenance.startswith("0.25 of the way from weights of") and info.provenance in said.provenance
    assert said.licence == "for research; for teaching"


def test_what_has_nothing_between_is_refused(tmp_path: Path, stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "between.safetensors"
    parser = str(shipped_weights("parser"))
    for arguments in ([str(stored), parser], [str(stored), str(stored), "--alpha", "1.5"]):
        assert main(["weights", "interpolate", *arguments[:2], str(target), *arguments[2:]]) == 2
        assert not target.exists()
    said = capsys.readouterr().err
    assert "one model type and size" in said and "'--alpha': 1.5 is not in the range 0<=x<=1" in said
