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
from maskgan.losses.adversarial import discriminator_loss, feature_matching, generator_loss, r1_penalty
from maskgan.losses.attribute_swaps import AttributeSwap
from maskgan.losses.diffaugment import DiffAugment
from maskgan.losses.face_features import FaceFeatures
from maskgan.losses.feature_outliers import feature_outlier_penalty
from maskgan.losses.outlier_pixels import outlier_pixel_loss
from maskgan.losses.perceptual import PerceptualLoss, perceptual_network
from maskgan.losses.pixel_weights import class_balanced_pixel_weights, weighted_l1
from maskgan.networks.discriminator import MultiscaleDiscriminator, PatchOutput
from maskgan.networks.resnet import AttributeClassifier
from maskgan.training.config import TrainingConfig
from maskgan.training.stage import GAN_BETAS, Losses, adam, autocast, parameters_of, to_device

_PENALTY_EVERY = 16  # steps, on average, between two gradient penalties, which then weigh so many times as much


class Borrowed(NamedTuple):
    """Faces that borrowed something from others."""

    exchange: AttributeSwap
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
            UserError: weights of the networks that compare faces are missing, damaged or of another model type.
        """
        self.discriminator = to_device(MultiscaleDiscriminator(discriminator), config.device)
        self.optimizer = adam(self.discriminator, config.learning_rate, GAN_BETAS)
        self._config = config
        self._perceptual = (
            to_device(PerceptualLoss(perceptual_network(config.perceptual)), config.device)
            if config.weights.perceptual
            else None
        )
        self._face_features = (
            to_device(_face_features(Path(config.face_features)), config.device)
            if config.weights.needs_face_features
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
            energies: of the layers that made them (see ``feature_outlier_penalty``), if they count.

        Returns:
            Each term, unweighted.
        """
        weights = self._config.weights
        losses: dict[str, Tensor] = {}
        total = torch.zeros((), device=pictures.device)
        adversarial = bool(weights.adversarial or weights.feature_matching)
        places = class_balanced_pixel_weights(mask, self._config.class_balance)
        with autocast(self._config):
            if adversarial:
                variation = DiffAugment.sample(len(pictures), pictures.device) if self._config.critic.augment else None
                judged_real = self._judged(mask, pictures, variation)
                judged_made = self._judged(mask, made.to(pictures.dtype), variation)
                losses["adversarial"] = self._verdict(judged_made)
                losses["discriminator"] = self._lesson(judged_real, judged_made)
                losses["feature_matching"] = feature_matching(
                    [output.features for output in judged_real],
                    [output.features for output in judged_made],
                    places if places is None or variation is None else variation.augment_map(places),
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
            losses["droplet"] = feature_outlier_penalty(energies)
            total = total + weights.droplet * losses["droplet"]
        lesson = losses.get("discriminator")
        # Drawn, not counted: a run that goes on then needs no count.
        if lesson is not None and self._config.critic.r1_weight and float(torch.rand(())) < 1 / _PENALTY_EVERY:
            lesson = lesson + self._config.critic.r1_weight * _PENALTY_EVERY * self._gradient_penalty(mask, pictures)
        self._descend(learners, total, lesson)
        return {name: loss.detach() for name, loss in losses.items()}

    @torch.no_grad()
    def attributes(self, pictures: Tensor) -> Tensor:
        """What the network of ``config.face_features`` finds in faces, N x 40 probabilities."""
        assert self._face_features is not None
        with autocast(self._config):
            return self._face_features.attributes(pictures).float().sigmoid()

    def teach_exchanges(
        self,
        borrowed: Sequence[Borrowed],
        pictures: Tensor,
        mask: Tensor,
        learner: torch.optim.Optimizer,
        energies: Sequence[Tensor] | None = None,
    ) -> Losses:
        """One step of the network behind ``learner``, and one of the discriminator, on faces that borrowed something.

        There are no photographs of these: they must look like photographs of others, and have the attributes that such
        a face would have.

        Args:
            borrowed: faces computed by that network.
            pictures: the faces as they were, N x 3 x H x W in [-1, 1].
            mask: theirs, one-hot, N x num_classes x H x W.
            learner: the network's optimizer.
            energies: as in ``teach``.

        Returns:
            Each term, unweighted.
        """
        assert self._face_features is not None
        weights = self._config.weights
        losses: dict[str, Tensor] = {}
        total = torch.zeros((), device=pictures.device)
        with autocast(self._config):
            for exchange, weight, made, _, wanted in borrowed:
                losses[exchange.name] = exchange.loss(self._face_features.attributes(made), wanted)
                total = total + weight * losses[exchange.name]
            if weights.adversarial:
                judged_real = self._judged(mask, pictures, None)
                judged_made = self._judged(
                    torch.cat([b.mask for b in borrowed]),
                    torch.cat([b.made for b in borrowed]).to(pictures.dtype),
                    None,
                )
                losses["exchanged_adversarial"] = self._verdict(judged_made)
                losses["exchanged_discriminator"] = self._lesson(judged_real, judged_made)
                # Each of them counts as much as a face that is given back.
                total = total + weights.adversarial * len(borrowed) * losses["exchanged_adversarial"]
        if weights.speck:
            losses["speck"] = outlier_pixel_loss(
                torch.cat([b.made for b in borrowed]), torch.cat([b.mask for b in borrowed])
            )
            total = total + weights.speck * losses["speck"]
        if energies is not None:
            losses["exchanged_droplet"] = feature_outlier_penalty(energies)
            total = total + weights.droplet * losses["exchanged_droplet"]
        self._descend([learner], total, losses.get("exchanged_discriminator"))
        return {name: loss.detach() for name, loss in losses.items()}

    def _descend(self, learners: Sequence[torch.optim.Optimizer], total: Tensor, lesson: Tensor | None) -> None:
        """One step of the learners down ``total``, and one of the discriminator down its ``lesson``, if any."""
        for optimizer in (*learners, self.optimizer):
            optimizer.zero_grad(set_to_none=True)
        # Naming the inputs keeps each backward pass out of the other networks' weights, so that the
        # discriminator need not look at the made picture twice.
        learning = [p for o in learners for p in parameters_of(o)]
        torch.autograd.backward(total, retain_graph=lesson is not None, inputs=learning)
        taught = [*learners]
        if lesson is not None:
            torch.autograd.backward(lesson, inputs=parameters_of(self.optimizer))
            taught.append(self.optimizer)
        average_gradients(p for optimizer in taught for p in parameters_of(optimizer))
        for optimizer in taught:
            optimizer.step()

    def _judged(self, mask: Tensor, image: Tensor, variation: DiffAugment | None) -> list[PatchOutput]:
        if variation is None:
            return self.discriminator(mask, image)
        return self.discriminator(variation.augment_map(mask), variation.augment_image(image))

    def _verdict(self, judged_made: list[PatchOutput]) -> Tensor:
        """What the networks that made the faces minimise."""
        return generator_loss(self._config.critic.loss, [output.logits for output in judged_made])

    def _lesson(self, judged_real: list[PatchOutput], judged_made: list[PatchOutput]) -> Tensor:
        """What the discriminator minimises."""
        real, fake = ([output.logits for output in outputs] for outputs in (judged_real, judged_made))
        return discriminator_loss(self._config.critic.loss, real, fake)

    def _gradient_penalty(self, mask: Tensor, pictures: Tensor) -> Tensor:
        image = pictures.detach().requires_grad_()
        with autocast(self._config):
            return r1_penalty([output.logits for output in self.discriminator(mask, image)], image)

    @torch.no_grad()
    def val_loss(self, made: Tensor, pictures: Tensor) -> Tensor:
        """What is far from the pictures in the perceptual network's features, or in pixels where there is none."""
        with autocast(self._config):
            return F.l1_loss(made.float(), pictures) if self._perceptual is None else self._perceptual(made, pictures)


def _face_features(path: Path) -> FaceFeatures:
    classifier, info = load_weights(path, model_type="attributes")
    assert isinstance(classifier, AttributeClassifier)
    return FaceFeatures(classifier, info.resolution)
