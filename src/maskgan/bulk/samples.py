"""Samples of the shards that a bulk run writes: the files of each, and what their JSON says."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskgan.bulk.batch_editor import EditedPhotograph, FaceEdit
from maskgan.bulk.job import BulkJob
from maskgan.images import encode_label_map
from maskgan.provenance import encode_edited


def sample_json(one: EditedPhotograph, job: BulkJob) -> dict[str, Any]:
    """What was done and measured, as plain JSON types; ``requirements`` are asked of it."""
    identities = [measures.identity for measures in one.measures]
    agreements = [measures.agreement for measures in one.measures if measures.agreement is not None]
    found = [measures.found for measures in one.measures]
    changed = one.changed
    return {
        "key": one.photograph.key,
        "recipe": one.recipe.name,
        "recipe_sha256": one.recipe.recipe.digest,
        "weights": dict(sorted(job.hashes.items())),
        "width": changed.shape[1],
        "height": changed.shape[0],
        "identity": round(min(identities), 4),
        "agreement": round(min(agreements), 4) if agreements else None,
        "found": None if None in found else all(found),
        "changed": round(float(changed.mean()), 6),
        "faces": [
            {
                "box": [round(value, 2) for value in face.face.box],
                "frame": {name: round(value, 3) for name, value in asdict(face.frame).items()},
                "identity": round(measures.identity, 4),
                "agreement": None if measures.agreement is None else round(measures.agreement, 4),
                "found": measures.found,
                **_anonymised(face),
                "attributes_before": list(measures.attributes_before),
                "attributes_after": list(measures.attributes_after),
            }
            for face, measures in zip(one.faces, one.measures, strict=True)
        ],
    }


def _anonymised(face: FaceEdit) -> dict[str, Any]:
    drawn = face.anonymised
    if drawn is None:
        return {}
    numbers = {"before": drawn.before, "after": drawn.after, "threshold": drawn.threshold}
    rounded = {name: round(value, 4) for name, value in numbers.items()}
    return {"anonymised": {"recogniser": drawn.recogniser, **rounded}}


def sample_files(one: EditedPhotograph, told: dict[str, Any], format: str) -> list[tuple[str, bytes]]:
    """Names and contents of a sample's files.

    Args:
        one: the result.
        told: its JSON.
        format: of the edited picture, see ``BulkOptions.format``.
    """
    as_jpeg = one.photograph.is_jpeg if format == "same" else format == "jpeg"
    chosen: Literal["png", "jpeg"] = "jpeg" if as_jpeg else "png"
    # Where a face was drawn anew, nothing is kept that may say who it was.
    source = one.photograph.source.without_description() if one.anonymise else one.photograph.source
    key = f"{one.photograph.key}+{one.recipe.name}"
    changed = one.changed
    files = [
        ("jpg" if chosen == "jpeg" else "png", encode_edited(one.picture, chosen, source, bool(changed.any()))),
        ("region.png", _bilevel(changed)),
    ]
    for number, face in enumerate(one.faces, start=1):
        prefix = "" if number == 1 else f"face{number}."
        files.append((f"{prefix}before.png", encode_label_map(face.before)))
        files.append((f"{prefix}after.png", encode_label_map(face.after)))
    files.append(("json", json.dumps(told, separators=(",", ":")).encode()))
    return [(f"{key}.{suffix}", content) for suffix, content in files]


def _bilevel(where: NDArray[np.bool_]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(where).save(buffer, "PNG")
    return buffer.getvalue()
