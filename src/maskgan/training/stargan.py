"""StarGAN learns: a critic with gradient penalty, attributes to be recognised, and the way back to the face.

Source: Choi et al., CVPR 2018, section 3: equations 2 to 7, weights and steps as there.
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
from maskgan.networks.stargan import StarGAN, StarGANDiscriminator
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

_PUBLISHED_CRITIC_STEPS = 5
_PENALTY = 10.0
_RECONSTRUCTION = 10.0


class _Critic(nn.Module):
    """The discriminator with the number of its steps, which says when the generator's turn is."""

    steps: Tensor

    def __init__(self, discriminator: StarGANDiscriminator) -> None:
        super().__init__()
        self.discriminator = discriminator
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))


class StarGANStage:
    """Generator and discriminator."""

    def __init__(self, preset: Preset, config: TrainingConfig) -> None:
        self._config = config
        self._generator = to_device(StarGAN(preset.stargan), config.device)
        self._ema = ema_copy(self._generator)
        self._critic = to_device(_Critic(StarGANDiscriminator(preset.stargan, config.final_side)), config.device)
        # Small presets have small budgets, in which a generator that learns in every fifth step learns nothing.
        self._critic_steps = _PUBLISHED_CRITIC_STEPS if config.preset == "paper" else 1
        self._columns = [ATTRIBUTES.index(name) for name in self._generator.attributes]
        self._learner = adam(self._generator, config.learning_rate, GAN_BETAS)
        self._judge = adam(self._critic, config.learning_rate, GAN_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "stargan": self._generator,
            "ema": self._ema,
            "critic": self._critic,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"stargan": self._learner, "critic": self._judge}

    def step(self, faces: LabelledFaces, ema_decay: float) -> Losses:
        """See ``Stage.step``; with the published sizes every fifth teaches the generator too, else each."""
        own = faces.attributes[:, self._columns].float()
        wanted = own[torch.randperm(len(own)).to(own.device)]
        losses = self._teach_critic(faces.pictures, own, wanted)
        self._critic.steps += 1
        if int(self._critic.steps) % self._critic_steps == 0:
            losses |= self._teach_generator(faces.pictures, own, wanted)
            update_ema(self._ema, self._generator, ema_decay**self._critic_steps)
        return losses

    def _teach_critic(self, pictures: Tensor, own: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        discriminator = self._critic.discriminator
        with autocast(self._config):
            with torch.no_grad():
                made = self._generator(pictures, wanted)
            real_scores, logits = discriminator(pictures)
            made_scores, _ = discriminator(made)
        distance = real_scores.float().mean() - made_scores.float().mean()
        recognised = _recognition(logits, own)
        penalty = self._gradient_penalty(pictures, made.float())
        optimizer_step(self._judge, -distance + recognised + _PENALTY * penalty)
        return {"distance": distance.detach(), "recognised": recognised.detach(), "penalty": penalty.detach()}

    def _gradient_penalty(self, real: Tensor, made: Tensor) -> Tensor:
        share = torch.rand(len(real), 1, 1, 1).to(real.device)
        between = torch.lerp(made, real, share).requires_grad_(True)
        verdict, _ = self._critic.discriminator(between)
        (gradient,) = torch.autograd.grad(verdict.sum(), between, create_graph=True)
        return (gradient.flatten(1).norm(dim=1) - 1).square().mean()

    def _teach_generator(self, pictures: Tensor, own: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        self._critic.requires_grad_(False)
        with autocast(self._config):
            made = self._generator(pictures, wanted)
            verdict, logits = self._critic.discriminator(made)
            back = self._generator(made, own)
        obeyed = _recognition(logits, wanted)
        returned = F.l1_loss(back.float(), pictures)
        optimizer_step(self._learner, -verdict.float().mean() + obeyed + _RECONSTRUCTION * returned)
        self._critic.requires_grad_(True)
        return {"obeyed": obeyed.detach(), "returned": returned.detach()}

    @torch.no_grad()
    def val_loss(self, faces: LabelledFaces) -> Tensor:
        """L1 distance of faces asked to stay as they are."""
        own = faces.attributes[:, self._columns].float()
        return F.l1_loss(self._ema(faces.pictures, own).float(), faces.pictures)

    @torch.no_grad()
    def samples(self, faces: LabelledFaces) -> Picture:
        """Columns: the face, and the face with each attribute turned over."""
        own = faces.attributes[:, self._columns].float()
        columns = [faces.pictures]
        for i in range(own.shape[1]):
            wanted = own.clone()
            wanted[:, i] = 1 - wanted[:, i]
            columns.append(self._ema(faces.pictures, wanted))
        return grid(columns)

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``stargan.safetensors``, the moving average."""
        export_weights(folder, self._ema, self._config, progress)


def _recognition(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy, summed over the attributes."""
    return F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="sum") / len(labels)
