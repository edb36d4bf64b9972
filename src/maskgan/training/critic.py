"""The discriminator and the other terms that judge a made face against the real one, and how networks learn from them.

Source: section 4 of Pix2PixHD for the terms, the reference code for their weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.config import DiscriminatorConfig
from maskgan.distributed import average_gradients
from maskgan.losses.adversarial import feature_matching, lsgan, lsgan_discriminator
from maskgan.losses.perceptual import PerceptualLoss, perceptual_network
from maskgan.networks.discriminator import MultiscaleDiscriminator
from maskgan.training.config import TrainingConfig
from maskgan.training.stage import GAN_BETAS, Losses, adam, autocast, placed


class FaceCritic:
    """LSGAN, feature matching, the perceptual term and the pixel term; terms of weight zero are not computed."""

    def __init__(self, discriminator: DiscriminatorConfig, config: TrainingConfig) -> None:
        self.discriminator = placed(MultiscaleDiscriminator(discriminator), config.device)
        self.optimizer = adam(self.discriminator, config.learning_rate, GAN_BETAS)
        self._config = config
        self._perceptual = (
            placed(PerceptualLoss(perceptual_network(config.perceptual)), config.device)
            if config.weights.perceptual
            else None
        )

    def teach(self, made: Tensor, pictures: Tensor, mask: Tensor, learners: Sequence[torch.optim.Optimizer]) -> Losses:
        """One step of the networks behind ``learners``, and one of the discriminator.

        Both learn from the same judgement, as in the reference.

        Args:
            made: N x 3 x H x W in [-1, 1], computed by the networks behind ``learners``.
            pictures: the real faces, likewise.
            mask: one-hot, N x num_classes x H x W.
            learners: optimizers of the networks that made the faces.

        Returns:
            Each term, unweighted.
        """
        weights = self._config.weights
        losses: dict[str, Tensor] = {}
        total = torch.zeros((), device=pictures.device)
        adversarial = bool(weights.adversarial or weights.feature_matching)
        with autocast(self._config):
            if adversarial:
                judged_real = self.discriminator(mask, pictures)
                judged_made = self.discriminator(mask, made.to(pictures.dtype))
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
        for optimizer in (*learners, self.optimizer):
            optimizer.zero_grad(set_to_none=True)
        # Naming the inputs keeps each backward pass out of the other networks' weights, so that the
        # discriminator need not look at the made picture twice.
        torch.autograd.backward(total, retain_graph=adversarial, inputs=[p for o in learners for p in _parameters(o)])
        if adversarial:
            torch.autograd.backward(losses["discriminator"], inputs=_parameters(self.optimizer))
        taught = [*learners, self.optimizer] if adversarial else [*learners]
        average_gradients(p for optimizer in taught for p in _parameters(optimizer))
        for optimizer in taught:
            optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}

    @torch.no_grad()
    def distance(self, made: Tensor, pictures: Tensor) -> Tensor:
        """What is far from the pictures in the perceptual network's features, or in pixels where there is none."""
        with autocast(self._config):
            return F.l1_loss(made.float(), pictures) if self._perceptual is None else self._perceptual(made, pictures)


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
