"""Stage 1: the dense mapping network learns to give back each face from its mask and its own style.

Source: section 4 of Pix2PixHD for the terms, the reference code for their weights.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.checkpoints.weights import WeightsInfo, save_weights
from maskgan.config import DenseMappingConfig, Preset
from maskgan.images import Picture
from maskgan.losses.adversarial import feature_matching, lsgan, lsgan_discriminator
from maskgan.losses.perceptual import PerceptualLoss, perceptual_network
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.discriminator import MultiscaleDiscriminator
from maskgan.networks.layers import one_hot
from maskgan.training.config import TrainingConfig
from maskgan.training.schedule import Progress
from maskgan.training.stage import Losses, adam, autocast, colour_column, grid, placed, provenance, update_average

_BETAS = (0.5, 0.999)


class DenseMappingStage:
    """Generator against discriminators, with feature matching and the perceptual term."""

    def __init__(self, preset: Preset, config: TrainingConfig, network: DenseMappingConfig) -> None:
        self._config = config
        self._weights = config.weights
        self._generator = placed(DenseMappingNetwork(network), config.device)
        self._discriminator = placed(MultiscaleDiscriminator(preset.discriminator), config.device)
        self._average = copy.deepcopy(self._generator).requires_grad_(False).eval()
        self._perceptual = (
            placed(PerceptualLoss(perceptual_network(config.perceptual)), config.device)
            if self._weights.perceptual
            else None
        )
        self._generator_optimizer = adam(self._generator, config.learning_rate, _BETAS)
        self._discriminator_optimizer = adam(self._discriminator, config.learning_rate, _BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "generator": self._generator,
            "discriminator": self._discriminator,
            "average": self._average,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "generator": self._generator_optimizer,
            "discriminator": self._discriminator_optimizer,
        }

    def step(self, pictures: Tensor, label_maps: Tensor, ema_decay: float) -> Losses:
        """See ``Stage.step``. Both networks' losses come from one pass, as in the reference."""
        weights = self._weights
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        mask = one_hot(label_maps, self._generator.config.num_classes)
        losses: dict[str, Tensor] = {}
        with autocast(self._config):
            made = self._generator(mask, pictures, mask)
            total = torch.zeros((), device=pictures.device)
            adversarial = bool(weights.adversarial or weights.feature_matching)
            if adversarial:
                judged_real = self._discriminator(mask, pictures)
                judged_made = self._discriminator(mask, made.to(pictures.dtype))
                losses["adversarial"] = lsgan(judged_made, 1.0)
                losses["feature_matching"] = feature_matching(judged_real, judged_made)
                losses["discriminator"] = lsgan_discriminator(judged_real, judged_made)
                total = total + weights.adversarial * losses["adversarial"]
                total = total + weights.feature_matching * losses["feature_matching"]
            if self._perceptual is not None:
                losses["perceptual"] = self._perceptual(made, pictures)
                total = total + weights.perceptual * losses["perceptual"]
            losses["pixel"] = F.l1_loss(made.float(), pictures)
            total = total + weights.pixel * losses["pixel"]

        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        # Naming the inputs keeps each backward pass out of the other network's weights, so that the
        # discriminator need not look at the made picture twice.
        torch.autograd.backward(total, retain_graph=adversarial, inputs=list(self._generator.parameters()))
        if adversarial:
            torch.autograd.backward(losses["discriminator"], inputs=list(self._discriminator.parameters()))
            self._discriminator_optimizer.step()
        self._generator_optimizer.step()
        update_average(self._average, self._generator, ema_decay)
        return {name: loss.detach() for name, loss in losses.items()}

    @torch.no_grad()
    def samples(self, pictures: Tensor, label_maps: Tensor) -> Picture:
        """Columns: the face, its mask, the mask in its own style, and in the style of the next row's face."""
        mask = one_hot(label_maps, self._average.config.num_classes)
        with autocast(self._config):
            style = self._average.encode_style(pictures, mask)
            own, borrowed = (self._average.synthesise(mask, s) for s in (style, style.roll(-1, dims=0)))
        return grid([pictures, colour_column(label_maps), own, borrowed])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``dense-mapping.safetensors``, the moving average."""
        info = WeightsInfo(
            kind="dense-mapping",
            config=self._average.config,
            resolution=self._config.final_side,
            step=progress.images,
            provenance=provenance(self._config, progress),
            licence=self._config.licence,
        )
        save_weights(folder / "dense-mapping.safetensors", self._average, info)
