"""Readers of weights, runs, data sets, tables, lists, and of what is said on the command line."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import torch
from benchmarks.attack.reader import Reader
from torch import nn

from maskgan.checkpoints.manifest import read_manifest
from maskgan.checkpoints.reference import read_state_dict
from maskgan.checkpoints.weights import WeightsInfo, load_weights, save_weights
from maskgan.config import preset
from maskgan.config_dict import with_overrides
from maskgan.data.annotations import ATTRIBUTES, read_attributes, read_mapping, read_poses
from maskgan.data.labelled import read_label_table
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import ChosenKeys, select
from maskgan.data.shards import encode_pair
from maskgan.data.streaming import ShardStream
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.data.tar_pairs import ShardPairs
from maskgan.editing.label_patch import LabelPatch
from maskgan.editing.mask_directions import DIRECTIONS, load_directions, save_directions
from maskgan.editing.named_edits import parse_edit
from maskgan.editing.recipes import Recipe, encode_recipe, read_recipe
from maskgan.evaluation.cases import load_cases
from maskgan.images import Picture
from maskgan.labels import LabelMap
from maskgan.networks.discriminator import MultiscaleDiscriminator
from maskgan.networks.mask_vae import MaskVAE
from maskgan.onnx_tensors import OnnxWeights
from maskgan.text_files import read_keys
from maskgan.torch_files import check_records
from maskgan.training.archive import INDEX, unpack
from maskgan.training.run_folder import RunFolder
from maskgan.training.state_compression import compress

_SIDE = 48
_MISSING = (b"faces-{0..3}.tar", b"images=a,masks=b")


def weights_readers(folder: Path) -> list[Reader]:
    """The readers of weights and runs; ``folder`` holds what is needed to make the seeds."""
    weights, directions, vae = _weights(folder)
    buffer = io.BytesIO()
    torch.save({"model.0.weight": torch.ones(4, 4), "model.0.bias": torch.ones(4)}, buffer)
    legacy = io.BytesIO()
    torch.save({"model.0.weight": torch.ones(4, 4)}, legacy, _use_new_zipfile_serialization=False)
    index, chunk = _pack()
    manifest = f"{'0123456789abcdef' * 4}  a.safetensors\n".encode()
    return [
        Reader("weights", ".safetensors", [weights], load_weights, every=8),
        Reader("directions", ".safetensors", [directions], lambda path: load_directions(path, vae), every=2),
        Reader("state dict", ".pth", [buffer.getvalue(), legacy.getvalue()], read_state_dict),
        Reader("records", ".pth", [buffer.getvalue()], check_records),
        Reader("state of a run", ".pt", [_state()], _load_state),
        Reader("index of a pack", ".json", [index], lambda path: _unpack(path.read_bytes(), chunk)),
        Reader("chunk of a pack", ".bin", [chunk], lambda path: _unpack(*_packed(path.read_bytes()))),
        Reader("manifest", ".txt", [manifest], read_manifest),
        Reader("ONNX", ".onnx", [_onnx()], OnnxWeights),
    ]


def data_readers(picture: Picture, label_map: LabelMap) -> list[Reader]:
    """The readers of data sets, tables and lists."""
    pair = encode_pair("00000", picture, label_map)
    files = {"00000.jpg": pair.picture, "00000.png": pair.label_map}
    tar = _tar(files)
    old = _tar({f"./{name}": content for name, content in files.items()}, tarfile.GNU_FORMAT)
    table = ",".join(("key", *ATTRIBUTES, "identity")) + "\n" + ",".join(("00000", *["-1", "1"] * 20, "7")) + "\n"
    signs = " ".join(["-1", "1"] * 20)
    celeba = f"1\n{' '.join(ATTRIBUTES)}\n000001.jpg {signs}\n"
    attributes = f"2\n{' '.join(ATTRIBUTES)}\n0.jpg  {signs}\n1.jpg  {signs}\n".encode()
    mapping = b"idx orig_idx orig_file\n0 119613 119614.jpg\n1 99094 099095.jpg\n"
    keyed = SyntheticPairs(4, _SIDE)
    cases = json.dumps(
        {"task": "smile", "side": 64, "cases": [{"name": "a", "group": "", "source": "0", "style": "0"}]}
    )
    patch = LabelPatch(_SIDE, _SIDE, ((100, 20, 1), (5, 7, 13)))
    recipe = encode_recipe(Recipe((parse_edit("smile=0.5"), parse_edit("hair-colour=red"), (patch, 1.0)), "largest"))
    encodings = [text.encode(kind) for text in (table, celeba) for kind in ("utf-8", "utf-16", "utf-8-sig")]
    return [
        Reader("tar", ".tar", [tar, old], _read_tar),
        Reader("tar with checksums", ".tar", [tar, old], _read_tar, _with_checksums),
        Reader("stream", ".tar", [tar, old], lambda p: ShardStream(str(p)).first(4, None)),
        Reader(
            "stream with checksums", ".tar", [tar, old], lambda p: ShardStream(str(p)).first(4, None), _with_checksums
        ),
        Reader("table", ".csv", encodings, read_label_table),
        Reader("CelebA's table", ".txt", [celeba.encode()], read_label_table),
        Reader("attributes", ".txt", [attributes], read_attributes),
        Reader("poses", ".txt", [b"1\nYaw Pitch Roll\n0.jpg 1.5 -2 0\n"], read_poses),
        Reader("mapping", ".txt", [mapping], read_mapping),
        Reader("list of keys", ".txt", [b"00000\n00001\n", "# ä\r\n00001.jpg\r\n".encode("utf-16")], read_keys),
        Reader("chosen keys", ".txt", [b"00000\n00001\n"], lambda p: select(keyed, str(p))),
        Reader("recipe", ".json", [recipe], read_recipe),
        Reader("cases", ".json", [cases.encode()], lambda p: load_cases(p, "smile", 64, ["0"])),
    ]


def text_readers() -> list[Reader]:
    """The readers of what is said in options."""
    keyed = SyntheticPairs(4, _SIDE)
    network = preset("tiny").dense_mapping

    def said(name: str, seeds: list[bytes], read: Callable[[str], object]) -> Reader:
        return Reader(name, ".txt", seeds, lambda path: read(path.read_bytes().decode("latin-1")))

    return [
        said("name of data", [b"synthetic:4:64", *_MISSING], open_pairs),
        said("keys", [b"00000..00002", b"00001,00003", b"..00001"], lambda text: select(keyed, text)),
        said("keys of a stream", [b"00000..00002", b"00001,00003"], ChosenKeys),
        said("edit", [b"smile=0.5", b"hair-colour=red", b"brows-raised", b"hair-colour=#aa5500"], parse_edit),
        said(
            "network",
            [b"style_encoder.regions=none,backbone.modulate_decoder=true"],
            lambda t: with_overrides(network, t, "-"),
        ),
    ]


def _weights(folder: Path) -> tuple[bytes, bytes, Path]:
    """Weights, directions, and the MaskVAE file that they belong to."""
    discriminator = MultiscaleDiscriminator(preset("tiny").discriminator)
    path = folder / "seed.safetensors"
    save_weights(path, discriminator, WeightsInfo("discriminator", discriminator.config, 64, 0, "untrained", "none"))
    network = MaskVAE(preset("tiny").mask_vae)
    vae, directions = folder / "vae.safetensors", folder / "directions.safetensors"
    save_weights(vae, network, WeightsInfo("mask-vae", network.config, 64, 0, "untrained", "none"))
    zeros = torch.zeros(network.config.latent_size, dtype=torch.float64).numpy()
    save_directions(directions, dict.fromkeys(DIRECTIONS, zeros), vae)
    return path.read_bytes(), directions.read_bytes(), vae


def _run_state() -> dict[str, object]:
    network = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    progress = {"step": 1, "images": 2, "seconds": 3.0, "best": None}
    return {
        "progress": progress,
        "networks": {"ema": network.state_dict()},
        "optimizers": {"ema": optimizer.state_dict()},
    }


def _state() -> bytes:
    buffer = io.BytesIO()
    torch.save(_run_state(), buffer)
    return buffer.getvalue()


def _load_state(path: Path) -> None:
    folder = path.with_name("run")
    folder.mkdir(exist_ok=True)
    shutil.copyfile(path, folder / "state.pt")
    run = RunFolder(folder)
    run.load_state("cpu")


def _pack() -> tuple[bytes, bytes]:
    """Index and only chunk of a packed run."""
    from safetensors.torch import save

    packed = compress(_run_state())
    files = {
        "config.json": b"{}",
        "state.safetensors": save(packed.tensors),
        "state.json": json.dumps(packed.info).encode(),
    }
    content = b"".join(files.values())
    index = {
        "format": 2,
        "files": [[name, len(part)] for name, part in files.items()],
        "chunks": [["chunk-00.bin", hashlib.sha256(content).hexdigest()]],
    }
    return json.dumps(index).encode(), content


def _packed(chunk: bytes) -> tuple[bytes, bytes]:
    """An index that fits a chunk, and the chunk."""
    index = json.loads(_pack()[0])
    sizes = [size for _, size in index["files"]]
    index["files"][1][1] = max(len(chunk) - sizes[0] - sizes[2], 0)
    index["chunks"][0][1] = hashlib.sha256(chunk).hexdigest()
    return json.dumps(index).encode(), chunk


def _unpack(index: bytes, chunk: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / INDEX).write_bytes(index)
        (folder / "chunk-00.bin").write_bytes(chunk)
        unpack(folder, folder / "run")


def _onnx() -> bytes:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.ones((2, 3, 3, 3), np.float32), "w")
    quantised = numpy_helper.from_array(np.ones((4, 2), np.int8), "q")
    scale = numpy_helper.from_array(np.ones((4, 2), np.float32), "s")
    zero = numpy_helper.from_array(np.zeros((4, 2), np.int8), "z")
    shape = numpy_helper.from_array(np.array([2, 4], np.int64), "shape")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], axis=1),
        helper.make_node("Reshape", ["d", "shape"], ["r"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 6, 6])
    graph = helper.make_graph(nodes, "graph", [x], [y], [weight, quantised, scale, zero, shape])
    return bytes(helper.make_model(graph).SerializeToString())


def _read_tar(path: Path) -> None:
    pairs = ShardPairs([path])
    for index in range(min(len(pairs), 4)):
        pairs[index]


def _read_stream(path: Path) -> None:
    ShardStream(str(path)).first(4, None)


def _tar(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as shard:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if form == tarfile.PAX_FORMAT:
                member.pax_headers = {"comment": "x" * 20}
            shard.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _with_checksums(data: bytes) -> bytes:
    """The tar with each block that may be a header given the checksum that makes it one."""
    fixed = bytearray(data)
    for start in range(0, len(fixed) - 511, 512):
        if fixed[start + 257 : start + 262] == b"ustar":
            fixed[start + 148 : start + 156] = b" " * 8
            fixed[start + 148 : start + 156] = b"%06o\0 " % sum(fixed[start : start + 512])
    return bytes(fixed)
