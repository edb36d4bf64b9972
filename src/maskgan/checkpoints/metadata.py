"""What a weights file says about itself: one JSON object, the entry ``maskgan`` of the safetensors metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from maskgan.checkpoints.comparison import printable
from maskgan.checkpoints.registry import REGISTRY, NetworkConfig
from maskgan.config_dict import from_dict, to_dict
from maskgan.errors import UserError

FORMAT_VERSION = 2
LABEL_ORDER = "celebamask-hq"
METADATA_KEY = "maskgan"


_RENAMED = {"kind": "model_type"}
"""Fields of version 1, old name to new."""


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file says about itself."""

    model_type: str
    """A key of ``registry.REGISTRY``."""
    config: NetworkConfig
    """Sizes of the network."""
    resolution: int
    """Side of the pictures that the network was trained for, in pixels."""
    step: int
    """Images seen in the last run; one that went on from others' weights counts its own."""
    provenance: str
    """Where the weights come from."""
    licence: str
    """Terms under which they may be used."""
    teachers: str = ""
    """Frozen networks in the training losses, which are no judges of the result; empty if none or not recorded."""
    label_order: str = LABEL_ORDER
    """Order of the classes that the network speaks."""
    format_version: int = FORMAT_VERSION
    """Version of the file format."""


def info_to_json(info: WeightsInfo) -> str:
    """The metadata entry of a file: one JSON object."""
    values = {f.name: getattr(info, f.name) for f in fields(info)}
    return json.dumps({**values, "config": to_dict(info.config)})


def parse_info(path: Path, metadata: Mapping[str, str] | None) -> WeightsInfo:
    """What the metadata of a safetensors file says, converted from earlier versions of the format.

    Args:
        path: the file, for messages.
        metadata: the safetensors metadata, if there is any.

    Raises:
        UserError: not our metadata, damaged, or of a newer version of the format.
    """
    if METADATA_KEY not in (metadata or {}):
        raise UserError(f"{path}: a safetensors file, but not of maskgan (it lacks our metadata)")
    assert metadata is not None
    try:
        values = json.loads(metadata[METADATA_KEY])
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: its metadata is damaged; get the file again") from error
    if not isinstance(values, dict):
        raise UserError(f"{path}: its metadata should be a JSON object")
    version = values.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        raise UserError(f"{path}: has format {version}, newer than {FORMAT_VERSION}; update maskgan to read it")
    if type(version) is int and version == 1:
        values = _from_version_1(values)
    values.setdefault("teachers", "")  # files of earlier releases lack it
    known = {f.name for f in fields(WeightsInfo)}
    if wrong := sorted(known ^ set(values)):
        state = "missing" if wrong[0] in known else "unknown"
        raise UserError(f"{path}: field {printable(wrong[0])!r} of its metadata is {state}")
    _check_fields(path, values)
    if values["model_type"] not in REGISTRY:
        raise UserError(f"{path}: model type {values['model_type']!r} is unknown; known are {', '.join(REGISTRY)}")
    try:
        config = from_dict(REGISTRY[values["model_type"]].config_type, values["config"])
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return WeightsInfo(**{**values, "config": config})


def _from_version_1(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the field names of version 2."""
    renamed = {_RENAMED.get(name, name): value for name, value in values.items()}
    return {**renamed, "format_version": FORMAT_VERSION}


def _check_fields(path: Path, values: Mapping[str, Any]) -> None:
    types = {"model_type": str, "config": dict, "resolution": int, "step": int, "format_version": int}
    for name in values:
        needed = types.get(name, str)
        if type(values[name]) is not needed:
            raise UserError(f"{path}: field {name!r} of its metadata should be {needed.__name__}")
    for name, lowest, highest in (("resolution", 1, 65536), ("step", 0, 2**63), ("format_version", 1, FORMAT_VERSION)):
        if not lowest <= values[name] <= highest:
            raise UserError(f"{path}: field {name!r} of its metadata is outside {lowest}..{highest}")
    if values["label_order"] != LABEL_ORDER:
        raise UserError(f"{path}: speaks the label order {values['label_order']!r}, not {LABEL_ORDER!r}")
