"""All networks that editing needs as ONNX files in a folder, with a manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from maskgan import __version__
from maskgan.assets import shipped_directions, shipped_weights
from maskgan.checkpoints.metadata import LABEL_ORDER, WeightsInfo
from maskgan.checkpoints.weights import load_weights, sha256
from maskgan.editing.accessory_styles import accessory_styles_beside
from maskgan.editing.face_network import FaceNetwork, face_network
from maskgan.editing.mask_directions import load_directions
from maskgan.export.folders import write_json
from maskgan.export.graphs import (
    Graph,
    detector_graph,
    face_graphs,
    mask_graphs,
    parser_graph,
)
from maskgan.export.onnx_files import describe, require_onnx, to_onnx
from maskgan.labels import CLASSES
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.mask_vae import MaskVAE
from maskgan.networks.parser import FaceParser
from maskgan.networks.yunet import YuNet

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class WeightsFiles:
    """Which weights to export; ``None`` for those in use."""

    face: Path | None = None
    """Of a dense mapping or edit network."""
    parser: Path | None = None
    mask_vae: Path | None = None


class Exporter:
    """The networks of an editor, loaded."""

    def __init__(self, files: WeightsFiles) -> None:
        """Load them.

        Raises:
            UserError: a file is missing, damaged or of another model type, or the library ``onnx`` is not installed.
        """
        require_onnx()
        self._weights: dict[str, Path] = {
            "face": files.face or shipped_weights("edit"),
            "parser": files.parser or shipped_weights("parser"),
            "mask-vae": files.mask_vae or shipped_weights("mask-vae"),
            "face-detector": shipped_weights("face-detector"),
        }
        network, self._face_info = self._load("face", ("dense-mapping", "edit"))
        self._face: FaceNetwork = face_network(network)
        self._graphs = list(self._all_graphs())

    @property
    def licences(self) -> list[str]:
        """Terms of the weights, without repetition."""
        return list(dict.fromkeys(graph.info.licence for _, graph in self._graphs))

    def write(self, folder: Path) -> dict[str, Any]:
        """Write the files and ``manifest.json`` into a folder, and return the manifest.

        Raises:
            MaskGANError: torch cannot export a network.
        """
        networks = {}
        for source, graph in self._graphs:
            description = describe(graph, sha256(self._weights[source]))
            data = to_onnx(graph, description)
            name = f"{graph.name}.onnx"
            (folder / name).write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            networks[graph.name] = {"file": name, "bytes": len(data), "sha256": digest, **description}
        manifest = {
            "format": MANIFEST,
            "format_version": FORMAT_VERSION,
            "version": __version__,
            "label_order": LABEL_ORDER,
            "face_network": self._face_info.model_type,
            "resolution": self._face_info.resolution,
            "size_multiple": max(self._face.size_multiple, 32),
            "style": self._style(),
            "window": self._window(),
            "directions": self._directions(),
            "accessory_styles": self._accessory_styles(),
            "networks": networks,
        }
        write_json(folder / MANIFEST, manifest)
        return manifest

    def _all_graphs(self) -> Iterator[tuple[str, Graph]]:
        """Names of weights files, and what is made of them."""
        for graph in face_graphs(self._face.module, self._face_info):
            yield "face", graph
        parser, info = self._load("parser", ("parser",))
        assert isinstance(parser, FaceParser)
        yield "parser", parser_graph(parser, info)
        vae, info = self._load("mask-vae", ("mask-vae",))
        assert isinstance(vae, MaskVAE)
        for graph in mask_graphs(vae, info):
            yield "mask-vae", graph
        detector, info = self._load("face-detector", ("face-detector",))
        assert isinstance(detector, YuNet)
        yield "face-detector", detector_graph(detector, info)

    def _load(self, source: str, model_types: Sequence[str]) -> tuple[nn.Module, WeightsInfo]:
        return load_weights(self._weights[source], model_types)

    def _style(self) -> dict[str, Any]:
        """Where in a style the codes of each class are."""
        size = self._graphs[0][1].outputs["style"].shape[1]
        style: dict[str, Any] = {"size": size, "has_parts": self._face.has_part_styles}
        if not self._face.has_part_styles:
            return style
        masks = [self._face.part_style_mask([cls.index]).nonzero().flatten().tolist() for cls in CLASSES]
        start = masks[0][0]
        code_size = len(masks[0])
        regions = [[(position - start) // code_size for position in mask[::code_size]] for mask in masks]
        return {**style, "parts_start": start, "code_size": code_size, "regions": regions}

    def _window(self) -> dict[str, int] | None:
        """Of a network in two parts: cells of windows and the margin of one around a hole, in pixels."""
        network = self._face.module
        if not isinstance(network, EditNetwork) or network.detail is None:
            return None
        return {"cell": network.window_cell, "margin": network.window_margin}

    def _accessory_styles(self) -> dict[str, list[float]]:
        """The style code of each kind of accessory that a face lacks."""
        if not self._face.uses_context:
            return {}
        return {kind: codes[0].tolist() for kind, codes in accessory_styles_beside(self._weights["face"]).items()}

    def _directions(self) -> list[dict[str, Any]]:
        path, vae = shipped_directions(), self._weights["mask-vae"]
        if not path.is_file() or vae != shipped_weights("mask-vae"):
            return []
        return [
            {"name": name, "title": name.replace("_", " ").replace("-", " "), "vector": vector.tolist()}
            for name, vector in load_directions(path, vae).items()
        ]
