"""The discriminator and the other terms that judge a made face against the real one, and how networks learn from them.

Source: section 4 of Pix2PixHD for the terms, the reference code for their weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.checkpoints.weights import load_weights
from maskgan.config import DiscriminatorConfig
from maskgan.distributed import average_gradients
from maskgan.losses.adversarial import (
    Judged,
    feature_matching,
    gradient_penalty,
    hinge,
    hinge_discriminator,
    lsgan,
    lsgan_discriminator,
)
from maskgan.losses.differentiable_augmentation import Variation, draw
from maskgan.losses.droplets import droplets
from maskgan.losses.exchanges import Exchange
from maskgan.losses.face_features import FaceFeatures
from maskgan.losses.perceptual import PerceptualLoss, perceptual_network
from maskgan.losses.places import place_weights, weighted_l1
from maskgan.networks.discriminator import MultiscaleDiscriminator
from maskgan.networks.resnet import AttributeClassifier
from maskgan.training.config import TrainingConfig
from maskgan.training.stage import GAN_BETAS, Losses, adam, autocast, descend, placed

_PENALTY_EVERY = 16  # steps, on average, between two gradient penalties, which then weigh so many times as much


class Borrowed(NamedTuple):
    """Faces that borrowed something from others."""

    exchange: Exchange
    """What it was."""
    weight: float
    """Of having the attributes that are wanted."""
    made: Tensor
    """N x 3 x H x W in [-1, 1]."""
    mask: Tensor
    """What was asked for, one-hot, N x num_classes x H x W."""
    wanted: Tensor
    """Attributes, N x 40 probabilities."""


class FaceCritic:
    """Adversarial, feature matching, perceptual, face and pixel terms; those of weight zero are not computed."""

    def __init__(self, discriminator: DiscriminatorConfig, config: TrainingConfig) -> None:
        """Begin with a new discriminator.

        Raises:
            UserError: weights of the networks that compare faces are missing, damaged or of another kind.
        """
        self.discriminator = placed(MultiscaleDiscriminator(discriminator), config.device)
        self.optimizer = adam(self.discriminator, config.learning_rate, GAN_BETAS)
        self._config = config
        self._perceptual = (
            placed(PerceptualLoss(perceptual_network(config.perceptual)), config.device)
            if config.weights.perceptual
            else None
        )
        self._face_features = (
            placed(_face_features(Path(config.face_features)), config.device)
            if config.weights.face or config.weights.expression or config.weights.style_copy
            else None
        )
        self._face = None if self._face_features is None else PerceptualLoss(self._face_features)

    def teach(
        self,
        made: Tensor,
        pictures: Tensor,
        mask: Tensor,
        learners: Sequence[torch.optim.Optimizer],
        energies: Sequence[Tensor] | None = None,
    ) -> Losses:
        """One step of the networks behind ``learners``, and one of the discriminator.

        Both learn from the same judgement, as in the reference.

        Args:
            made: N x 3 x H x W in [-1, 1], computed by the networks behind ``learners``.
            pictures: the real faces, likewise.
            mask: one-hot, N x num_classes x H x W.
            learners: optimizers of the networks that made the faces.
            energies: of the layers that made them (see ``droplets``), if they count.

        Returns:
            Each term, unweighted.
        """
        weights = self._config.weights
        losses: dict[str, Tensor] = {}
        total = torch.zeros((), device=pictures.device)
        adversarial = bool(weights.adversarial or weights.feature_matching)
        places = place_weights(mask, self._config.class_balance)
        with autocast(self._config):
            if adversarial:
                variation = draw(len(pictures), pictures.device) if self._config.critic.augment else None
                judged_real = self._judged(mask, pictures, variation)
                judged_made = self._judged(mask, made.to(pictures.dtype), variation)
                losses["adversarial"] = self._verdict(judged_made)
                losses["discriminator"] = (
                    hinge_discriminator(judged_real, judged_made)
                    if self._config.critic.loss == "hinge"
                    else lsgan_discriminator(judged_real, judged_made)
                )
                losses["feature_matching"] = feature_matching(
                    judged_real,
                    judged_made,
                    places if places is None or variation is None else variation.placed(places),
                )
                total = total + weights.adversarial * losses["adversarial"]
                total = total + weights.feature_matching * losses["feature_matching"]
            if self._perceptual is not None:
                losses["perceptual"] = self._perceptual(made, pictures, places)
                total = total + weights.perceptual * losses["perceptual"]
            if weights.face and self._face is not None:
                losses["face"] = self._face(made, pictures, places)
                total = total + weights.face * losses["face"]
            losses["pixel"] = weighted_l1(made, pictures, places)
            total = total + weights.pixel * losses["pixel"]
        if energies is not None:
            losses["droplet"] = droplets(energies)
            total = total + weights.droplet * losses["droplet"]
        for optimizer in (*learners, self.optimizer):
            optimizer.zero_grad(set_to_none=True)
        # Naming the inputs keeps each backward pass out of the other networks' weights, so that the
        # discriminator need not look at the made picture twice.
        torch.autograd.backward(total, retain_graph=adversarial, inputs=[p for o in learners for p in _parameters(o)])
        if adversarial:
            torch.autograd.backward(losses["discriminator"], inputs=_parameters(self.optimizer))
            # Drawn, not counted: a run that goes on then needs no count.
            if self._config.critic.r1_weight and float(torch.rand(())) < 1 / _PENALTY_EVERY:
                penalty = self._config.critic.r1_weight * _PENALTY_EVERY * self._gradient_penalty(mask, pictures)
                torch.autograd.backward(penalty, inputs=_parameters(self.optimizer))
        taught = [*learners, self.optimizer] if adversarial else [*learners]
        average_gradients(p for optimizer in taught for p in _parameters(optimizer))
        for optimizer in taught:
            optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}

    @torch.no_grad()
    def attributes(self, pictures: Tensor) -> Tensor:
        """What the network of ``config.face_features`` finds in faces, N x 40 probabilities."""
        assert self._face_features is not None
        with autocast(self._config):
            return self._face_features.attributes(pictures).float().sigmoid()

    def teach_exchanges(self, borrowed: Sequence[Borrowed], learner: torch.optim.Optimizer) -> Losses:
        """One step of the network behind ``learner``, on faces that borrowed something from others.

        There are no photographs of these. They must look real to the discriminator, which learns nothing here, and
        have the attributes that such a face would have.

        Args:
            borrowed: faces computed by that network.
            learner: its optimizer.

        Returns:
            Each term, unweighted.
        """
        assert self._face_features is not None
        adversarial = self._config.weights.adversarial
        losses: dict[str, Tensor] = {}
        totals = []
        with autocast(self._config):
            for exchange, weight, made, mask, wanted in borrowed:
                found = exchange.distance(self._face_features.attributes(made), wanted)
                losses[exchange.name] = found
                totals.append(weight * found)
                if adversarial:
                    verdict = self._verdict(self._judged(mask, made.float(), None))
                    losses[f"{exchange.name}_adversarial"] = verdict
                    totals.append(adversarial * verdict)
        descend(learner, torch.stack(totals).sum())
        return {name: loss.detach() for name, loss in losses.items()}

    def _judged(self, mask: Tensor, image: Tensor, variation: Variation | None) -> Judged:
        if variation is None:
            return self.discriminator(mask, image)
        return self.discriminator(variation.placed(mask), variation.picture(image))

    def _verdict(self, judged_made: Judged) -> Tensor:
        """What the networks that made the faces minimise."""
        return hinge(judged_made) if self._config.critic.loss == "hinge" else lsgan(judged_made, 1.0)

    def _gradient_penalty(self, mask: Tensor, pictures: Tensor) -> Tensor:
        image = pictures.detach().requires_grad_()
        with autocast(self._config):
            return gradient_penalty(self.discriminator(mask, image), image)

    @torch.no_grad()
    def distance(self, made: Tensor, pictures: Tensor) -> Tensor:
        """What is far from the pictures in the perceptual network's features, or in pixels where there is none."""
        with autocast(self._config):
            return F.l1_loss(made.float(), pictures) if self._perceptual is None else self._perceptual(made, pictures)


def _face_features(path: Path) -> FaceFeatures:
    classifier, info = load_weights(path, kind="attributes")
    assert isinstance(classifier, AttributeClassifier)
    return FaceFeatures(classifier, info.resolution)


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
