"""All that reads files or bodies of strangers, with good inputs to begin from."""

from __future__ import annotations

import io
import json
import tarfile
import traceback
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from benchmarks.attack.mutation import variant
from PIL import Image, features

from maskgan.checkpoints.reference import read_state_dict
from maskgan.checkpoints.weights import WeightsInfo, load_weights, save_weights
from maskgan.config import preset
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.labelled import read_label_table
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import select
from maskgan.data.shards import encode_pair
from maskgan.data.streaming import ShardStream
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.data.tar_pairs import ShardPairs
from maskgan.errors import MaskGANError
from maskgan.images import encode_label_map, read_label_map, read_picture
from maskgan.networks.discriminator import MultiscaleDiscriminator
from maskgan.server.http_errors import HTTPError
from maskgan.server.limits import Limits
from maskgan.server.multipart import parse_form
from maskgan.server.projects import read_project
from maskgan.server.request_body import parse_json
from maskgan.server.security import cookie_values
from maskgan.server.uploads import decode_uploaded_label_map, decode_uploaded_source

REFUSALS = (MaskGANError, HTTPError)
"""How a reader may refuse an input: one line for the person. Anything else is a finding."""

_SIDE = 48
_BOUNDARY = "multipart/form-data; boundary=attack"


@dataclass(frozen=True)
class Reader:
    """One way in.

    Attributes:
        name: of the reader.
        suffix: of the files that it reads.
        seeds: good inputs.
        read: reads the file, and raises one of ``REFUSALS`` or nothing.
        pack: makes a file of a variant of a part of one, its checksums right; ``None``: the variant is the file.
        every: only each such number is tried, for it takes long.
    """

    name: str
    suffix: str
    seeds: Sequence[bytes]
    read: Callable[[Path], object]
    pack: Callable[[bytes], bytes] | None = None
    every: int = 1


def all_readers(folder: Path) -> list[Reader]:
    """Every reader; ``folder`` holds what is needed to make the seeds."""
    face = SyntheticPairs(1, _SIDE, seed=1)[0]
    pictures, mask = _pictures(face.picture), encode_label_map(face.label_map)
    pair = encode_pair("00000", face.picture, face.label_map)
    limits = Limits()
    tar = _tar({"00000.jpg": pair.picture, "00000.png": pair.label_map})
    manifest = json.dumps({"format": 1, "editor": {"history": [1, 2.5, {"é": None}]}}).encode()
    parts = {"project.json": manifest, "source.png": pictures[0], "mask.png": mask, "edited.png": mask}
    weights, state = _weights(folder)
    form = b"".join(
        b'--attack\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % item
        for item in ((b"picture", b"x" * 50), (b"mask", b"y"), (b"crop", b'{"x": 1}'))
    )
    table = ",".join(("key", *ATTRIBUTES, "identity")) + "\n" + ",".join(("00000", *["-1", "1"] * 20, "7")) + "\n"
    celeba = f"1\n{' '.join(ATTRIBUTES)}\n000001.jpg {' '.join(['-1', '1'] * 20)}\n"
    keyed = SyntheticPairs(4, _SIDE)

    def project_with(name: str) -> Callable[[bytes], bytes]:
        return lambda part: _zip({**parts, name: part})

    return [
        Reader("picture", ".jpg", pictures, read_picture),
        Reader("mask", ".png", [mask, *pictures[:1]], read_label_map),
        Reader("uploaded picture", ".bin", pictures, lambda p: decode_uploaded_source(p.read_bytes(), limits)),
        Reader("uploaded mask", ".bin", [mask, *pictures], lambda p: decode_uploaded_label_map(p.read_bytes(), limits)),
        Reader("project", ".maskgan", [_zip(parts)], lambda p: read_project(p.read_bytes(), limits)),
        *(
            Reader(f"project's {name}", ".maskgan", [part], lambda p: read_project(p.read_bytes(), limits), pack)
            for name, part, pack in ((n, part, project_with(n)) for n, part in parts.items())
        ),
        Reader("form", ".bin", [form + b"--attack--"], lambda p: parse_form(p.read_bytes(), _BOUNDARY)),
        Reader("form's type", ".bin", [_BOUNDARY.encode()], lambda p: parse_form(b"--x--", _latin(p))),
        Reader("JSON", ".json", [manifest, b'{"portrait": 7}'], lambda p: parse_json(p.read_bytes(), "body")),
        Reader("cookies", ".bin", [b"a=b; t=token; c"], lambda p: cookie_values(_latin(p), "t")),
        Reader("weights", ".safetensors", [weights], load_weights, every=8),
        Reader("state dict", ".pth", [state], read_state_dict),
        Reader("tar", ".tar", [tar], _read_tar),
        Reader("tar with checksums", ".tar", [tar], _read_tar, _with_checksums),
        Reader("stream", ".tar", [tar], lambda p: ShardStream(str(p)).first(4, None)),
        Reader("stream with checksums", ".tar", [tar], lambda p: ShardStream(str(p)).first(4, None), _with_checksums),
        Reader("table", ".csv", [table.encode()], read_label_table),
        Reader("CelebA's table", ".txt", [celeba.encode()], read_label_table),
        Reader("list of keys", ".txt", [b"00000\n00001\n"], lambda p: select(keyed, str(p))),
        Reader("name of data", ".txt", [b"synthetic:4:64", b"faces-{0..3}.tar"], lambda p: open_pairs(_latin(p))),
    ]


def try_one(reader: Reader, number: int, folder: Path) -> str | None:
    """Read one variant.

    Returns:
        ``None`` if it was read, ``""`` if it was refused as it should be; otherwise what went wrong.
    """
    data = variant(reader.seeds, reader.name, number)
    path = folder / f"input{reader.suffix}"
    path.write_bytes(data if reader.pack is None else reader.pack(data))
    try:
        reader.read(path)
    except REFUSALS:
        return ""
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        reason = (str(error).splitlines() or [""])[0][:100]
        return f"{type(error).__name__}: {reason} ({Path(frame.filename).name}:{frame.lineno})"
    return None


def _latin(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


def _read_tar(path: Path) -> None:
    pairs = ShardPairs([path])
    for index in range(min(len(pairs), 4)):
        pairs[index]


def _pictures(pixels: np.ndarray) -> list[bytes]:
    formats = [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("BMP", {}), ("GIF", {}), ("TIFF", {})]
    formats += [(name, {}) for name, feature in (("WEBP", "webp"), ("AVIF", "avif")) if features.check(feature)]
    found = []
    for name, options in formats:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, name, **options)  # type: ignore[arg-type]
        found.append(buffer.getvalue())
    return found


def _zip(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as shard:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = len(content), {"comment": "x" * 20}
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


def _weights(folder: Path) -> tuple[bytes, bytes]:
    network = MultiscaleDiscriminator(preset("tiny").discriminator)
    path = folder / "seed.safetensors"
    save_weights(path, network, WeightsInfo("discriminator", network.config, 64, 0, "untrained", "none"))
    buffer = io.BytesIO()
    torch.save({"model.0.weight": torch.ones(4, 4), "model.0.bias": torch.ones(4)}, buffer)
    return path.read_bytes(), buffer.getvalue()
