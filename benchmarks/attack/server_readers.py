"""Readers of bodies and headers of requests."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmarks.attack.image_readers import encoded_masks, encoded_pictures
from benchmarks.attack.reader import Reader

from maskgan.images import Picture, encode_label_map
from maskgan.labels import LabelMap
from maskgan.server.limits import Limits
from maskgan.server.multipart import parse_form
from maskgan.server.projects import read_project
from maskgan.server.request_body import parse_json
from maskgan.server.security import cookie_values
from maskgan.server.uploads import decode_uploaded_label_map, decode_uploaded_source, parse_frame

_BOUNDARY = "multipart/form-data; boundary=attack"


def server_readers(picture: Picture, label_map: LabelMap) -> list[Reader]:
    """The readers of requests."""
    pictures, masks, mask = encoded_pictures(picture), encoded_masks(label_map), encode_label_map(label_map)
    limits = Limits()
    manifest = json.dumps({"format": 1, "editor": {"history": [1, 2.5, {"é": None}]}}).encode()
    parts = {"project.json": manifest, "source.png": pictures[0], "mask.png": mask, "edited.png": mask}
    form = b"".join(
        b'--attack\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % item
        for item in ((b"picture", b"x" * 50), (b"mask", b"y"), (b"crop", b'{"x": 1}'))
    )
    blank = np.zeros((64, 64, 3), np.uint8)
    crop = b'{"x": 20, "y": 30.5, "side": 24, "angle": -10}'

    def project_with(name: str) -> Callable[[bytes], bytes]:
        return lambda part: _zip({**parts, name: part})

    return [
        Reader("uploaded picture", ".bin", pictures, lambda p: decode_uploaded_source(p.read_bytes(), limits)),
        Reader("uploaded mask", ".bin", masks, lambda p: decode_uploaded_label_map(p.read_bytes(), limits)),
        Reader("project", ".maskgan", [_zip(parts)], lambda p: read_project(p.read_bytes(), limits)),
        *(
            Reader(f"project's {name}", ".maskgan", [part], lambda p: read_project(p.read_bytes(), limits), pack)
            for name, part, pack in ((n, part, project_with(n)) for n, part in parts.items())
        ),
        Reader("form", ".bin", [form + b"--attack--"], lambda p: parse_form(p.read_bytes(), _BOUNDARY)),
        Reader("form's type", ".bin", [_BOUNDARY.encode()], lambda p: parse_form(b"--x--", _latin(p))),
        Reader("JSON", ".json", [manifest, b'{"portrait": 7}'], lambda p: parse_json(p.read_bytes(), "body")),
        Reader("crop", ".json", [crop], lambda p: parse_frame(parse_json(p.read_bytes(), "crop"), blank)),
        Reader("cookies", ".bin", [b"a=b; t=token; c"], lambda p: cookie_values(_latin(p), "t")),
    ]


def _latin(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


def _zip(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()
