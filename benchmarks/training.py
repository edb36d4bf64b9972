"""Images a second: this package's training steps against the plain way of the reference, interleaved in one run.

    python -m benchmarks.training [--preset demo] [--side 128] [--batch 4] [--rounds 5] [--device cpu] [--profile STAGE]

Plain: stage 1 in float32, default memory layout, torch's instance norm, and a second look of the discriminator at the
generated image for its own step. Against it: what ``maskgan train dense-mapping`` does with the same networks, and
``maskgan train edit``, which trains others. All take the same synthetic faces. Prints the median of each, its ratio to
the plain step, and on a GPU the peak memory.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import profile

from maskgan.config import preset
from maskgan.data.batches import Faces
from maskgan.data.synthetic.dataset import SyntheticPairs
from maskgan.losses.adversarial import discriminator_loss, feature_matching, generator_loss
from maskgan.losses.perceptual import PerceptualLoss, perceptual_network
from maskgan.networks import backbone, discriminator
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.discriminator import MultiscaleDiscriminator
from maskgan.networks.layers import adain
from maskgan.pixels import normalise
from maskgan.training.config import LossWeights, TrainingConfig
from maskgan.training.edit_config import EditTrainingConfig
from maskgan.training.stage_configs import DenseMappingTrainingConfig
from maskgan.training.stages import build_stage


def plain_norm(x: Tensor, shift: Tensor | None = None, scale: Tensor | None = None, **_limits: object) -> Tensor:
    """Instance norm as torch has it, then scale and shift."""
    y = F.instance_norm(x)
    if shift is None or scale is None:
        return y
    if shift.ndim == 2:  # for each channel; else for each pixel too
        shift, scale = shift[..., None, None], scale[..., None, None]
    return y * scale + shift


_STAGES = ("dense-mapping", "edit")


class PlainStep:
    """One step of stage 1, written plainly."""

    def __init__(self, name: str, device: str) -> None:
        sizes, self.weights = preset(name), LossWeights()
        self.generator = DenseMappingNetwork(sizes.dense_mapping).to(device)
        self.discriminator = MultiscaleDiscriminator(sizes.discriminator).to(device)
        self.perceptual = PerceptualLoss(perceptual_network("efficientnet")).to(device)
        self.optimizers = [
            torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999))
            for network in (self.generator, self.discriminator)
        ]

    def __call__(self, pictures: Tensor, label_maps: Tensor) -> None:
        """Both networks take a step."""
        backbone.adain = discriminator.adain = plain_norm
        try:
            mask = F.one_hot(label_maps.long(), 19).permute(0, 3, 1, 2).float().contiguous()
            made = self.generator(mask, pictures, mask)
            real, fake = self.discriminator(mask, pictures), self.discriminator(mask, made.detach())
            d_loss = discriminator_loss([o.logits for o in real], [o.logits for o in fake])
            fake = self.discriminator(mask, made)
            loss = self.weights.adversarial * generator_loss([o.logits for o in fake])
            matching = feature_matching([o.features for o in real], [o.features for o in fake])
            loss = loss + self.weights.feature_matching * matching
            loss = loss + self.weights.perceptual * self.perceptual(made, pictures)
            generator_optimizer, discriminator_optimizer = self.optimizers
            generator_optimizer.zero_grad()
            loss.backward(retain_graph=True)
            generator_optimizer.step()
            discriminator_optimizer.zero_grad()
            d_loss.backward()
            discriminator_optimizer.step()
        finally:
            backbone.adain = discriminator.adain = adain


def main() -> None:
    """Time both ways in turns, so that a busy machine slows both alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="demo")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--profile", choices=_STAGES, help="print where the time of this step goes, and stop")
    arguments = parser.parse_args()
    device, side, batch = arguments.device, arguments.side, arguments.batch
    drawn = SyntheticPairs(batch, side)
    pairs = [drawn[i] for i in range(batch)]
    pictures = normalise(torch.from_numpy(np.stack([pair.picture for pair in pairs]))).permute(0, 3, 1, 2).to(device)
    label_maps = torch.from_numpy(np.stack([pair.label_map for pair in pairs])).to(device)
    faces = Faces(pictures, label_maps, label_maps.new_empty(batch, 0, side, side))
    stages = {name: build_stage(_config(name, arguments)) for name in _STAGES if arguments.profile in (None, name)}
    if arguments.profile:
        print(_profile(lambda: stages[arguments.profile].train_step(faces, 0.99)))
        return
    plain = PlainStep(arguments.preset, device)
    steps: dict[str, Callable[[], object]] = {
        "plain": lambda: plain(pictures, label_maps),
        **{name: partial(stage.train_step, faces, 0.99) for name, stage in stages.items()},
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    memory: dict[str, float] = {}
    for turn in range(arguments.rounds + 1):
        for name, step in steps.items():
            _synchronise(device)
            if device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            start = time.perf_counter()
            step()
            _synchronise(device)
            if turn:  # the first turn warms up
                seconds[name].append(time.perf_counter() - start)
            if device == "cuda":
                memory[name] = torch.cuda.max_memory_allocated() / 2**30
    rates = {name: batch / statistics.median(values) for name, values in seconds.items()}
    for name, rate in rates.items():
        used = f"{memory[name]:8.2f} GiB" if memory else ""
        print(f"{name:14s}{rate:8.2f} images/s  ratio {rate / rates['plain']:6.2f}{used}")


def _config(stage: str, arguments: argparse.Namespace) -> TrainingConfig:
    config: type[TrainingConfig] = EditTrainingConfig if stage == "edit" else DenseMappingTrainingConfig
    options = {} if stage == "edit" else {"perceptual": "efficientnet"}
    return config(
        preset=arguments.preset,
        data="none",
        batch_size=arguments.batch,
        precision="bf16",
        device=arguments.device,
        **options,  # type: ignore[arg-type]
    )


def _profile(step: Callable[[], object]) -> str:
    """The operations that take the most time, as a table."""
    step()
    step()
    with profile() as found:
        for _ in range(3):
            step()
    return found.key_averages().table(sort_by="self_cpu_time_total", row_limit=16, max_name_column_width=40)


def _synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
