"""The folder ``weights/`` of a recipe's run: what ships, under the names that it ships with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from maskgan.checkpoints.manifest import MANIFEST
from maskgan.checkpoints.weights import load_weights, save_weights, sha256
from maskgan.files import atomic_path, make_folder
from maskgan.training.config import TrainingConfig

MODEL_TYPES = {
    "mask-vae": "mask-vae",
    "dense-mapping": "dense-mapping",
    "ebst": "dense-mapping",  # comes after stage 1 and replaces it
    "edit": "edit",
    "expression": "edit",  # trains it on
    "parser": "parser",
    "attributes": "attributes",
    "identity": "identity",
}
"""The model type that each stage of a recipe exports."""


def write_weights(stages: Sequence[tuple[Path, TrainingConfig]], folder: Path) -> None:
    """Write what each stage's run gave into ``folder``, as float16.

    Raises:
        UserError: a run's weights are missing or damaged, or the folder cannot be written.
    """
    make_folder(folder)
    # A later stage replaces earlier ones of its type; so does the classifier that measures the one that taught.
    for model_type, run in {MODEL_TYPES[config.stage]: run for run, config in stages}.items():
        name = f"{model_type}.safetensors"
        network, info = load_weights(run / name, model_type=model_type)
        save_weights(folder / name, network, info, torch.float16)


def write_manifest(folder: Path) -> None:
    """Write the manifest of all weights in ``folder``, which says that the folder is complete.

    Raises:
        UserError: the folder cannot be written.
    """
    lines = [f"{sha256(path)}  {path.name}\n" for path in sorted(folder.glob("*.safetensors"))]
    with atomic_path(folder / MANIFEST) as temporary:
        temporary.write_text("".join(lines))
