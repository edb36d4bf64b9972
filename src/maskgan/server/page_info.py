"""What the page needs to know before it begins; a server answers it, an exported page carries it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from maskgan import __version__
from maskgan.labels import CLASSES, MIRROR
from maskgan.server.limits import MAP_SIDE, Limits

PORTRAITS = range(1, 10)
"""Numbers of the sample portraits."""


@dataclass(frozen=True)
class ServerInfo:
    """What renders behind a page."""

    device: str
    """Where it computes: cpu, cuda, mps or browser."""
    sha256: str
    """Of its weights."""
    resolution: int
    licence: str
    recipe_weights: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the weights that a recipe names, by model type; see ``editing.recipes``."""


def page_info(
    renderer: ServerInfo, directions: Iterable[str], style_parts: bool, refinement: bool, limits: Limits
) -> dict[str, Any]:
    """The answer to ``/api/info``, as JSON types.

    Args:
        renderer: what renders.
        directions: names of the directions in which masks move.
        style_parts: whether styles of single parts can be copied.
        refinement: whether the network can be refined to a photograph.
        limits: bounds of what is uploaded.
    """
    return {
        "version": __version__,
        "device": renderer.device,
        "weights": {"sha256": renderer.sha256, "resolution": renderer.resolution, "licence": renderer.licence},
        "classes": [
            {"index": c.index, "name": c.name, "title": c.title, "colour": c.colour, "mirror": int(MIRROR[c.index])}
            for c in CLASSES
        ],
        "portraits": [{"number": number} for number in PORTRAITS],
        "directions": [{"name": name, "title": name.replace("_", " ").replace("-", " ")} for name in directions],
        "style_parts": style_parts,
        "refinement": refinement,
        "limits": {
            "upload_bytes": limits.upload_bytes,
            "project_bytes": limits.project_bytes,
            "pixels": limits.pixels,
            "side": MAP_SIDE,
        },
    }
