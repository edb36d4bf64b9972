"""Training of StarGAN: a Wasserstein critic with gradient penalty, attribute classification, cycle consistency.

Source: Choi et al., CVPR 2018, section 3: equations 2 to 7, weights and steps as there.
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
from maskgan.images import Picture
from maskgan.networks.stargan import StarGAN, StarGANDiscriminator
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
from maskgan.training.stage_configs import StarGANTrainingConfig

_PUBLISHED_CRITIC_STEPS = 5  # per step of the generator
_GRADIENT_PENALTY_WEIGHT = 10.0
_CYCLE_WEIGHT = 10.0


class _CountingCritic(nn.Module):
    """The critic and the number of its steps, which says when the generator is trained."""

    steps: Tensor

    def __init__(self, discriminator: StarGANDiscriminator) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))


class StarGANStage:
    """Generator and discriminator."""

    def __init__(self, config: StarGANTrainingConfig, setup: StageSetup) -> None:
        self._config = config
        self._generator = to_device(StarGAN(preset(config.preset).stargan), config.device)
        self._ema = ema_copy(self._generator)
        critic = StarGANDiscriminator(preset(config.preset).stargan, config.final_side)
        self._critic = to_device(_CountingCritic(critic), config.device)
        # Small presets have small budgets, in which a generator trained in every fifth step learns nothing.
        self._critic_steps = _PUBLISHED_CRITIC_STEPS if config.preset == "paper" else 1
        self._columns = [ATTRIBUTES.index(name) for name in self._generator.attributes]
        self._generator_optimizer = adam(self._generator, config.learning_rate, GAN_BETAS)
        self._critic_optimizer = adam(self._critic, config.learning_rate, GAN_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "stargan": self._generator,
            "ema": self._ema,
            "critic": self._critic,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "stargan": self._generator_optimizer,
            "critic": self._critic_optimizer,
        }

    def train_step(self, faces: LabelledFaces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``; with the preset ``paper`` every fifth step trains the generator, else each."""
        own = faces.attributes[:, self._columns].float()
        target = own[torch.randperm(len(own)).to(own.device)]
        losses = self._critic_step(faces.pictures, own, target)
        self._critic.steps += 1
        if int(self._critic.steps) % self._critic_steps == 0:
            losses |= self._generator_step(faces.pictures, own, target)
            update_ema(self._ema, self._generator, ema_decay**self._critic_steps)
        return losses

    def _critic_step(self, pictures: Tensor, own: Tensor, target: Tensor) -> dict[str, Tensor]:
        discriminator = self._critic.discriminator
        with autocast(self._config):
            with torch.no_grad():
                fake = self._generator(pictures, target)
            real_scores, logits = discriminator(pictures)
            fake_scores, _ = discriminator(fake)
        wasserstein = real_scores.float().mean() - fake_scores.float().mean()
        cls_real = _classification(logits, own)
        penalty = self._gradient_penalty(pictures, fake.float())
        optimizer_step(self._critic_optimizer, -wasserstein + cls_real + _GRADIENT_PENALTY_WEIGHT * penalty)
        return {
            "wasserstein": wasserstein.detach(),
            "cls_real": cls_real.detach(),
            "gradient_penalty": penalty.detach(),
        }

    def _gradient_penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        weight = torch.rand(len(real), 1, 1, 1).to(real.device)
        mixed = torch.lerp(fake, real, weight).requires_grad_(True)
        scores, _ = self._critic.discriminator(mixed)
        (gradient,) = torch.autograd.grad(scores.sum(), mixed, create_graph=True)
        return (gradient.flatten(1).norm(dim=1) - 1).square().mean()

    def _generator_step(self, pictures: Tensor, own: Tensor, target: Tensor) -> dict[str, Tensor]:
        self._critic.requires_grad_(False)
        with autocast(self._config):
            fake = self._generator(pictures, target)
            scores, logits = self._critic.discriminator(fake)
            reconstruction = self._generator(fake, own)
        cls_fake = _classification(logits, target)
        cycle = F.l1_loss(reconstruction.float(), pictures)
        optimizer_step(self._generator_optimizer, -scores.float().mean() + cls_fake + _CYCLE_WEIGHT * cycle)
        self._critic.requires_grad_(True)
        return {"cls_fake": cls_fake.detach(), "cycle": cycle.detach()}

    @torch.no_grad()
    def val_loss(self, faces: LabelledFaces) -> Tensor:
        """L1 distance of faces translated to their own attributes."""
        own = faces.attributes[:, self._columns].float()
        return F.l1_loss(self._ema(faces.pictures, own).float(), faces.pictures)

    @torch.no_grad()
    def samples(self, faces: LabelledFaces) -> Picture:
        """Columns: the face, and the face with each attribute flipped."""
        own = faces.attributes[:, self._columns].float()
        columns = [faces.pictures]
        for i in range(own.shape[1]):
            target = own.clone()
            target[:, i] = 1 - target[:, i]
            columns.append(self._ema(faces.pictures, target))
        return grid(columns)

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``stargan.safetensors``, the EMA."""
        export_weights(folder, self._ema, self._config, progress)


def _classification(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy, summed over the attributes, averaged over the faces."""
    return F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="sum") / len(labels)
