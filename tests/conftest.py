"""Shared fixtures: synthetic faces and tiny networks, so that nothing needs a download."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from maskgan.assets import portrait, shipped_weights
from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.weights import load_weights, save_weights
from maskgan.config import preset
from maskgan.data.synthetic import dataset
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.images import Picture, read_picture, resize_picture, write_label_map, write_picture
from maskgan.labels import LabelMap
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.resnet import AttributeClassifier

_draw = lru_cache(maxsize=500)(dataset.compose)
# Tests ask for the same synthetic faces again and again; each is drawn once a process.
dataset.compose = lambda traits, size: tuple(array.copy() for array in _draw(traits, size))  # type: ignore[attr-defined]
torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)
os.environ.pop("MASKGAN_WEIGHTS", None)  # what ships is tested, not what the person uses


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For ``--dist loadgroup``: a file is one group, but each test of the page, a file of its own, is another.

    Files with slow tests go first: all processes end at about the same time where the last groups are short.
    """
    slow = set()
    for item in items:
        name = item.name if item.path.name == "test_page.py" else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.name}:{name}"))
        if item.get_closest_marker("slow"):
            slow.add(item.path)
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of an untrained dense mapping network of the ``tiny`` preset."""
    torch.manual_seed(0)
    network = DenseMappingNetwork(preset("tiny").dense_mapping)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    info = WeightsInfo(
        model_type="dense-mapping",
        config=network.config,
        resolution=64,
        step=0,
        provenance="untrained, for tests",
        licence="none",
    )
    save_weights(path, network, info)
    return path


@pytest.fixture(scope="session")
def classifier_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of an untrained attribute classifier of the ``tiny`` preset."""
    torch.manual_seed(0)
    network = AttributeClassifier(preset("tiny").attributes)
    path = tmp_path_factory.mktemp("classifier") / "attributes.safetensors"
    save_weights(path, network, WeightsInfo("attributes", network.config, 64, 0, "untrained, for tests", "none"))
    return path


@pytest.fixture(scope="session")
def tiny_edit_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of an untrained edit network of the ``tiny`` preset."""
    torch.manual_seed(0)
    network = EditNetwork(preset("tiny").edit)
    path = tmp_path_factory.mktemp("edit") / "edit.safetensors"
    save_weights(path, network, WeightsInfo("edit", network.config, 64, 0, "untrained, for tests", "none"))
    return path


@pytest.fixture(scope="session")
def quick_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for ``MASKGAN_WEIGHTS``: the parser that ships, which reads pictures at 128 px there and so sooner."""
    network, info = load_weights(shipped_weights("parser"), model_type="parser")
    folder = tmp_path_factory.mktemp("quick")
    save_weights(folder / "parser.safetensors", network, replace(info, resolution=128))
    return folder


@pytest.fixture(scope="session")
def face() -> tuple[Picture, LabelMap]:
    """A synthetic face of 96 px and its mask."""
    pair = SyntheticPairs(1, 96, seed=3)[0]
    return pair.picture, pair.label_map


@pytest.fixture
def face_files(tmp_path: Path, face: tuple[Picture, LabelMap]) -> dict[str, Path]:
    """The face on disk: its picture, its mask, and an edited mask."""
    picture, label_map = face
    edited = label_map.copy()
    edited[60:70, 40:56] = 10
    files = {name: tmp_path / f"{name}.png" for name in ("image", "mask", "edited")}
    write_picture(files["image"], picture)
    write_label_map(files["mask"], label_map)
    write_label_map(files["edited"], edited)
    return files


@pytest.fixture(scope="session")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two portraits on grey: number 7 larger at the left, number 5 at the right."""
    canvas = np.full((320, 560, 3), 120, dtype=np.uint8)
    canvas[30:286, 10:266] = resize_picture(read_picture(portrait(7)[0]), (256, 256))
    canvas[80:272, 340:532] = resize_picture(read_picture(portrait(5)[0]), (192, 192))
    path = tmp_path_factory.mktemp("photographs") / "two.png"
    write_picture(path, canvas)
    return path
