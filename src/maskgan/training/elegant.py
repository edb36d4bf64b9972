"""Training of ELEGANT: faces with an attribute and faces without it swap that part of their codes.

Source: Xiao et al., ECCV 2018, section 3.4. The faces of a batch are paired for one attribute per step.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import preset
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.batches import LabelledFaces
from maskgan.distributed import all_gather
from maskgan.images import Picture
from maskgan.networks.elegant import Elegant, ElegantDiscriminator
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
    GAN_BETAS,
    Losses,
    StageSetup,
    adam,
    autocast,
    ema_copy,
    export_weights,
    grid,
    optimizer_step,
    to_device,
    update_ema,
)
from maskgan.training.stage_configs import ElegantTrainingConfig

_RECONSTRUCTION_WEIGHT = 5.0


class ElegantStage:
    """Encoder and decoder, and the discriminator."""

    def __init__(self, config: ElegantTrainingConfig, setup: StageSetup) -> None:
        self._config = config
        self._network = to_device(Elegant(preset(config.preset).elegant), config.device)
        self._ema = ema_copy(self._network)
        self._discriminator = to_device(ElegantDiscriminator(preset(config.preset).elegant), config.device)
        self._columns = [ATTRIBUTES.index(name) for name in self._network.attributes]
        self._optimizer = adam(self._network, config.learning_rate, GAN_BETAS)
        self._discriminator_optimizer = adam(self._discriminator, config.learning_rate, GAN_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "elegant": self._network,
            "ema": self._ema,
            "discriminator": self._discriminator,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "elegant": self._optimizer,
            "discriminator": self._discriminator_optimizer,
        }

    def train_step(self, faces: LabelledFaces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``. Where no attribute divides a batch, there is no step and all losses are 0."""
        labels = faces.attributes[:, self._columns].float()
        paired = _pair(labels)
        # All processes take part in every step, because gradients are averaged over all. One without a pair takes any
        # face, with weight 0; the others make up for it.
        weights = all_gather(torch.tensor([paired is not None], device=labels.device).float())
        if not weights.any():
            zero = torch.zeros((), device=labels.device)
            return {"d_loss": zero, "adversarial": zero, "reconstruction": zero}
        weight = (paired is not None) / float(weights.mean())
        attribute, having, lacking = paired or (0, [0], [0])
        pictures = torch.cat([faces.pictures[having], faces.pictures[lacking]])
        own = torch.cat([labels[having], labels[lacking]])
        target = own.clone()
        target[:, attribute] = 1 - target[:, attribute]
        with autocast(self._config):
            features = self._network.encode(pictures)
            code = features[-1]
            swapped = self._network.swap(code, code.roll(len(having), dims=0), [attribute])
            fake = self._network.decode(pictures, features, swapped)
            reconstruction = self._network.decode(pictures, features, code)
            d_real = self._discriminator(pictures, own)
            d_fake = self._discriminator(fake.detach().float(), target)
        d_loss = weight * (_cross_entropy(d_real, 1.0) + _cross_entropy(d_fake, 0.0))
        optimizer_step(self._discriminator_optimizer, d_loss)
        self._discriminator.requires_grad_(False)
        with autocast(self._config):
            adversarial = weight * _cross_entropy(self._discriminator(fake, target), 1.0)
        l1 = weight * F.l1_loss(reconstruction.float(), pictures)
        optimizer_step(self._optimizer, adversarial + _RECONSTRUCTION_WEIGHT * l1)
        self._discriminator.requires_grad_(True)
        update_ema(self._ema, self._network, ema_decay)
        return {"d_loss": d_loss.detach(), "adversarial": adversarial.detach(), "reconstruction": l1.detach()}

    @torch.no_grad()
    def val_loss(self, faces: LabelledFaces) -> Tensor:
        """L1 distance of reconstructions, without a swap."""
        return F.l1_loss(self._ema(faces.pictures, faces.pictures, []).float(), faces.pictures)

    @torch.no_grad()
    def samples(self, faces: LabelledFaces) -> Picture:
        """Columns: the face, another, and the face with each attribute of the other."""
        other = faces.pictures.roll(1, dims=0)
        taken = [self._ema(faces.pictures, other, [i]) for i in range(len(self._columns))]
        return grid([faces.pictures, other, *taken])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``elegant.safetensors``, the EMA."""
        export_weights(folder, self._ema, self._config, progress)


def _pair(labels: Tensor) -> tuple[int, list[int], list[int]] | None:
    """A random attribute, and as many faces that have it as faces that lack it; ``None`` if none divides the batch."""
    for attribute in torch.randperm(labels.shape[1]).tolist():
        having = labels[:, attribute].nonzero()[:, 0].tolist()
        lacking = (labels[:, attribute] == 0).nonzero()[:, 0].tolist()
        count = min(len(having), len(lacking))
        if count:
            return attribute, having[:count], lacking[:count]
    return None


def _cross_entropy(logits: list[Tensor], target: float) -> Tensor:
    """Binary cross entropy of all logits with ``target``, averaged over the images, summed over the scales."""
    terms = [
        F.binary_cross_entropy_with_logits(scale.float(), torch.full_like(scale.float(), target)) for scale in logits
    ]
    return torch.stack(terms).sum()
