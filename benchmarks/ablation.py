"""What does each idea of the edit network bring? One change at a time, the same training time, from scratch at 128 px.

    python -m benchmarks.ablation --data FACES --runs FOLDER [--minutes 7] [--identity FILE] [--only pixel-head,...]

Trains each variant on keys ..04249 with one thread and measures it on the test keys: whole pictures in their own style
(identity, Fréchet distance, masks), and holes shaped like edits (distance from the photograph, and steps between pixels
along the border as a multiple of the photograph's). Runs that are there are not trained again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from benchmarks.seams import border_of, steps_in
from numpy.typing import NDArray
from torch import Tensor

from maskgan.assets import shipped_weights
from maskgan.checkpoints.weights import load_weights
from maskgan.cli.main import main as maskgan
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import select
from maskgan.editing.parsing import Parser
from maskgan.evaluation.features import FeatureSet, open_features
from maskgan.evaluation.identity import open_embedding
from maskgan.evaluation.systems import resize_square
from maskgan.evaluation.tables import percent
from maskgan.metrics.segmentation import ConfusionMatrix
from maskgan.networks import edit_layers, edit_network
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.feature_discriminator import FeatureDiscriminator, HeadOutput
from maskgan.networks.layers import one_hot
from maskgan.pixels import normalise, quantise
from maskgan.training import edit as edit_stage
from maskgan.training.edit_config import HoleConfig
from maskgan.training.holes import sample_holes

SIDE = 128
TRAINING, VALIDATION, TEST = "..04249", "04250..04313", "04500..04899"
_BATCH = 8


class _PixelHeadAlone(FeatureDiscriminator):
    """A PatchGAN on pixels, without the heads on frozen features."""

    def __init__(self, _picture_maps: object, _face_maps: object, num_classes: int) -> None:
        super().__init__([], [], num_classes)

    def forward(
        self, image: Tensor, _picture_features: object, _face_features: object, condition: Tensor, alignment: Tensor
    ) -> list[HeadOutput]:
        return super().forward(image, [], [], condition, alignment)


def _instance_norm(x: Tensor) -> Tensor:
    """Normalise each channel over the picture, as the published network does."""
    return F.instance_norm(x)


def _use_instance_norm() -> None:
    edit_layers.pixel_norm = _instance_norm
    edit_network.pixel_norm = _instance_norm  # type: ignore[attr-defined]


def _use_pixel_head() -> None:
    edit_stage.FeatureDiscriminator = _PixelHeadAlone  # type: ignore[attr-defined,assignment]


def _nothing() -> None:
    pass


VARIANTS: MappingProxyType[str, tuple[tuple[str, ...], Callable[[], None]]] = MappingProxyType(
    {
        "as shipped": ((), _nothing),
        "without context: every hole is the full image": (("--hole-full-image", "1"), _nothing),
        "discriminator: a PatchGAN on pixels alone": ((), _use_pixel_head),
        "normalisation: instance norm": ((), _use_instance_norm),
        "without the identity loss": (("--identity-weight", "0"), _nothing),
    }
)
"""Options of ``maskgan train edit``, and what else is changed."""


def _train(run: Path, options: Sequence[str], data: str, minutes: float) -> None:
    common = {
        "--data": data,
        "--keys": TRAINING,
        "--val-keys": VALIDATION,
        "--preset": "demo",
        "--resolution": str(SIDE),
        "--batch-size": str(_BATCH),
        "--minutes": str(minutes),
        "--learning-rate": "4e-4",
        "--lr-decay-start": "0.7",
        "--ema-halflife-kimg": "0.3",
        "--workers": "0",
        "--run": str(run),
    }
    if code := maskgan(["train", "edit", *(word for pair in common.items() for word in pair), *options]):
        raise SystemExit(code)


class _Faces(NamedTuple):
    """Photographs, N x H x W x 3 uint8, and label maps, N x H x W uint8."""

    pictures: NDArray[np.uint8]
    label_maps: NDArray[np.uint8]


def _batches(data: str, faces: int) -> Iterator[_Faces]:
    pairs = select(open_pairs(data), TEST)
    for start in range(0, min(faces, len(pairs)), _BATCH):
        batch = [resize_square(pairs[i], SIDE) for i in range(start, min(start + _BATCH, faces, len(pairs)))]
        yield _Faces(np.stack([pair.picture for pair in batch]), np.stack([pair.label_map for pair in batch]))


@torch.no_grad()
def _measure(network: EditNetwork, batches: Iterable[_Faces], identity: Path) -> list[str]:
    """The cells of a variant's row."""
    parser, embed, features = Parser(shipped_weights("parser")), open_embedding(identity), open_features(None)
    sets, masks, cosines = [FeatureSet(features.size) for _ in range(2)], ConfusionMatrix(), []
    coarse = network.coarse
    distance, steps = np.zeros(2), np.zeros(2)
    generator = torch.Generator().manual_seed(0)
    for faces in batches:
        real, label_maps = faces.pictures, torch.from_numpy(faces.label_maps)
        photographs = normalise(torch.from_numpy(real)).permute(0, 3, 1, 2)
        mask = one_hot(label_maps, coarse.config.num_classes)
        style = coarse.encode_style(photographs, mask)
        whole = _pictures(coarse(mask, style, photographs, torch.ones_like(photographs[:, :1])))
        for images, found in zip((real, whole), sets, strict=True):
            found.update(features(list(images)))
        cosines += list((embed(list(real)) * embed(list(whole))).sum(axis=1))
        for label_map, parsed in zip(faces.label_maps, parser.parse(list(whole)), strict=True):
            masks.update(label_map, parsed)
        holes = sample_holes(label_maps, label_maps.roll(1, 0), HoleConfig(full_image=0.0), generator)
        for filled, photograph, hole in zip(
            _pictures(coarse(mask, style, photographs, holes)), real, holes, strict=True
        ):
            where = hole[0].numpy() > 0
            distance += np.array([np.abs(filled.astype(float) - photograph)[where].mean(axis=1).sum(), where.sum()])
            border = border_of(hole[None], np.zeros_like(where))
            steps += [steps_in(filled, border)[0], steps_in(photograph, border)[0]]
    frechet = sets[0].distances(sets[1])
    return [
        f"{np.mean(cosines):.3f}",
        "-" if frechet is None else f"{frechet.frechet:.1f}",
        percent(masks.pixel_accuracy),
        f"{distance[0] / distance[1]:.1f}",
        f"{steps[0] / steps[1]:.2f}",
    ]


def _pictures(images: Tensor) -> NDArray[np.uint8]:
    """N x 3 x H x W in [-1, 1] to N x H x W x 3 uint8."""
    return quantise(images).permute(0, 2, 3, 1).numpy()


def _child(name: str, arguments: argparse.Namespace) -> None:
    """Train and measure one variant; in a process of its own, for it changes modules."""
    torch.set_num_threads(1)
    options, change = VARIANTS[name]
    change()
    run = arguments.runs / str(list(VARIANTS).index(name))
    if not (run / "edit.safetensors").exists():
        _train(run, options, arguments.data, arguments.minutes)
    network, info = load_weights(run / "edit.safetensors", model_type="edit")
    assert isinstance(network, EditNetwork)
    cells = _measure(network, _batches(arguments.data, arguments.faces), arguments.identity)
    print(f"| {name} | {info.step:,} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Train and measure every variant in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=7)
    parser.add_argument("--faces", type=int, default=200)
    parser.add_argument("--identity", type=Path, default=shipped_weights("identity"))
    parser.add_argument("--only", help="names of variants, separated by commas")
    parser.add_argument("--variant", choices=list(VARIANTS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.variant:
        _child(arguments.variant, arguments)
        return
    print("| variant | images | identity | Fréchet | masks | distance in holes | steps at borders |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in VARIANTS:
        if arguments.only is None or name in arguments.only.split(","):
            subprocess.run([sys.executable, "-m", "benchmarks.ablation", *sys.argv[1:], "--variant", name], check=True)


if __name__ == "__main__":
    main()
