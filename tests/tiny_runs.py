"""Small training runs on synthetic faces, for the tests of training."""

from __future__ import annotations

from pathlib import Path

import torch

from maskgan.data.batches import Faces
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.images import write_label_map, write_picture
from maskgan.training.config import TrainingConfig
from maskgan.training.loop import train
from maskgan.training.schedule import Progress
from maskgan.training.stages import STAGES, build_stage

FORKSERVER_PRELOAD = ["maskgan.training.pipeline", "maskgan.cli.train", "torch._dynamo"]
"""What training imports, the last at an optimizer's first step. Modules of the tests are not on the server's path."""

PAIRS = SyntheticPairs(6, 64, seed=0)


def config(stage: str = "dense-mapping", **changes: object) -> TrainingConfig:
    """A run of four steps of two synthetic faces, unless changed."""
    defaults = {"preset": "tiny", "data": "synthetic:6:64", "batch_size": 2, "images": 8, "workers": 1}
    return STAGES[stage].config_type(**{**defaults, **changes})  # type: ignore[arg-type]


def faces(pictures: torch.Tensor, label_maps: torch.Tensor) -> Faces:
    """A batch without stored edits."""
    return Faces(pictures, label_maps, label_maps.new_empty(len(label_maps), 0, *label_maps.shape[1:]))


def write_faces(folder: Path, count: int, side: int) -> Path:
    """Synthetic faces as files, which are read sooner than they are drawn again."""
    pairs = SyntheticPairs(count, side, seed=0)
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for key, pair in zip(pairs.keys, (pairs[i] for i in range(count)), strict=True):
        write_picture(folder / "images" / f"{key}.png", pair.picture)
        write_label_map(folder / "masks" / f"{key}.png", pair.label_map)
    return folder


def run(folder: Path, settings: TrainingConfig) -> Progress:
    """Train, or resume."""
    return train(build_stage(settings), settings, PAIRS, folder)


def state(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of the saved state, flat."""
    flat: dict[str, torch.Tensor] = {}

    def walk(name: str, value: object) -> None:
        if isinstance(value, torch.Tensor):
            flat[name] = value
        elif isinstance(value, dict):
            for key, part in value.items():
                walk(f"{name}.{key}", part)

    walk("", torch.load(folder / "state.pt", weights_only=True))
    return flat
