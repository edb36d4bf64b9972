"""ELEGANT learns: faces with an attribute and faces without it exchange that part of their codes.

Source: Xiao et al., ECCV 2018, section 3.4. A batch's faces are paired for one attribute a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import Preset
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.batches import LabelledFaces
from maskgan.images import Picture
from maskgan.networks.elegant import Elegant, ElegantDiscriminator
from maskgan.training.config import TrainingConfig
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
    GAN_BETAS,
    Losses,
    adam,
    autocast,
    ema_copy,
    export_weights,
    grid,
    optimizer_step,
    to_device,
    update_ema,
)

_RECONSTRUCTION = 5.0


class ElegantStage:
    """Encoder and decoder, and the discriminator."""

    def __init__(self, preset: Preset, config: TrainingConfig) -> None:
        self._config = config
        self._network = to_device(Elegant(preset.elegant), config.device)
        self._ema = ema_copy(self._network)
        self._discriminator = to_device(ElegantDiscriminator(preset.elegant), config.device)
        self._columns = [ATTRIBUTES.index(name) for name in self._network.attributes]
        self._learner = adam(self._network, config.learning_rate, GAN_BETAS)
        self._judge = adam(self._discriminator, config.learning_rate, GAN_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "elegant": self._network,
            "ema": self._ema,
            "discriminator": self._discriminator,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "elegant": self._learner,
            "discriminator": self._judge,
        }

    def step(self, faces: LabelledFaces, ema_decay: float) -> Losses:
        """See ``Stage.step``. Where no attribute divides the batch, nothing is learnt and the losses are zero."""
        labels = faces.attributes[:, self._columns].float()
        paired = _pair(labels)
        if paired is None:
            zero = torch.zeros((), device=labels.device)
            return {"adversarial": zero, "reconstruction": zero, "discriminator": zero}
        attribute, having, lacking = paired
        pictures = torch.cat([faces.pictures[having], faces.pictures[lacking]])
        own = torch.cat([labels[having], labels[lacking]])
        wanted = own.clone()
        wanted[:, attribute] = 1 - wanted[:, attribute]
        with autocast(self._config):
            features = self._network.encode(pictures)
            code = features[-1]
            swapped = self._network.swap(code, code.roll(len(having), dims=0), [attribute])
            made = self._network.decode(pictures, features, swapped)
            kept = self._network.decode(pictures, features, code)
        losses = {"discriminator": self._teach_discriminator(pictures, own, made.detach().float(), wanted)}
        self._discriminator.requires_grad_(False)
        with autocast(self._config):
            verdicts = self._discriminator(made, wanted)
        adversarial = _towards(verdicts, 1.0)
        reconstruction = F.l1_loss(kept.float(), pictures)
        optimizer_step(self._learner, adversarial + _RECONSTRUCTION * reconstruction)
        self._discriminator.requires_grad_(True)
        update_ema(self._ema, self._network, ema_decay)
        return {**losses, "adversarial": adversarial.detach(), "reconstruction": reconstruction.detach()}

    def _teach_discriminator(self, real: Tensor, own: Tensor, made: Tensor, wanted: Tensor) -> Tensor:
        with autocast(self._config):
            loss = _towards(self._discriminator(real, own), 1.0) + _towards(self._discriminator(made, wanted), 0.0)
        optimizer_step(self._judge, loss)
        return loss.detach()

    @torch.no_grad()
    def val_loss(self, faces: LabelledFaces) -> Tensor:
        """L1 distance of faces that exchange nothing."""
        return F.l1_loss(self._ema(faces.pictures, faces.pictures, []).float(), faces.pictures)

    @torch.no_grad()
    def samples(self, faces: LabelledFaces) -> Picture:
        """Columns: the face, another, and the face with each attribute of the other."""
        other = faces.pictures.roll(1, dims=0)
        taken = [self._ema(faces.pictures, other, [i]) for i in range(len(self._columns))]
        return grid([faces.pictures, other, *taken])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``elegant.safetensors``, the moving average."""
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


def _towards(verdicts: list[Tensor], target: float) -> Tensor:
    """Cross entropy of all verdicts with ``target``, a mean over pictures, summed over the scales."""
    terms = [
        F.binary_cross_entropy_with_logits(verdict.float(), torch.full_like(verdict.float(), target))
        for verdict in verdicts
    ]
    return torch.stack(terms).sum()
