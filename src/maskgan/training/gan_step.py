"""The GAN step: generator and discriminators each take one optimizer step on real and fake images.

The stages ``dense-mapping``, ``ebst`` and ``enhancer`` render the fakes; what happens to them then is all here.
Source: Pix2PixHD (Wang et al., CVPR 2018), section 3, for the terms; the reference code for their weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.config import DiscriminatorConfig
from maskgan.distributed import all_gather, average_gradients
from maskgan.losses.adversarial import discriminator_loss, generator_loss, r1_penalty
from maskgan.losses.diffaugment import DiffAugment
from maskgan.losses.face_features import FaceFeatures
from maskgan.losses.feature_outliers import feature_outlier_penalty
from maskgan.losses.loss_terms import (
    SwapSample,
    Terms,
    adversarial_terms,
    reconstruction_terms,
    swap_terms,
    weighted_sum,
)
from maskgan.losses.perceptual import PerceptualLoss, perceptual_network
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.discriminator import MultiscaleDiscriminator, PatchOutput
from maskgan.training.stage import GAN_BETAS, Losses, adam, autocast, parameters_of, to_device
from maskgan.training.stage_configs import GANTrainingConfig

_R1_INTERVAL = 16  # R1 is computed in one of so many steps on average, with so many times its weight


class GANStep:
    """Discriminators, the networks that compare real and fake images, and the training step.

    Args:
        sizes: of the discriminators, which start from scratch.
        config: of the run.
        classifier: attribute classifier for the term ``face`` and for swaps, if their weights are not 0.

    Raises:
        UserError: the weights of the perceptual network are missing, damaged or of another network.
    """

    def __init__(
        self, sizes: DiscriminatorConfig, config: GANTrainingConfig, classifier: FaceFeatures | None = None
    ) -> None:
        self._config = config
        self._weights: Mapping[str, float] = asdict(config.weights)
        self.discriminator = to_device(MultiscaleDiscriminator(sizes), config.device)
        self.optimizer = adam(self.discriminator, config.learning_rate, GAN_BETAS)
        self.classifier = None if classifier is None else to_device(classifier, config.device)
        self._face = PerceptualLoss(self.classifier) if self.classifier and self._weights["face"] else None
        self._perceptual = None
        if self._weights["perceptual"]:
            network = perceptual_network(config.perceptual, config.vgg_input)
            self._perceptual = to_device(PerceptualLoss(network), config.device)

    def train_step(
        self,
        fake: Tensor,
        real: Tensor,
        mask: Tensor,
        optimizers: Sequence[torch.optim.Optimizer],
        pixel_weights: Tensor | None = None,
        energies: Sequence[Tensor] = (),
    ) -> Losses:
        """One step of the generator networks and one of the discriminators, on fakes that should equal real images.

        Both use the same discriminator outputs, as in the reference code.

        Args:
            fake: N x 3 x H x W in [-1, 1], with the graph of the networks behind ``optimizers``.
            real: N x 3 x H x W in [-1, 1].
            mask: one-hot mask of the real images, N x num_classes x H x W.
            optimizers: of the networks that rendered ``fake``.
            pixel_weights: N x 1 x H x W, see ``weighted_l1``.
            energies: from ``record_energies``, for the feature-outlier penalty.

        Returns:
            Each term of the generator unweighted, and ``d_loss``.
        """
        terms: Terms = {}
        d_loss = None
        with autocast(self._config):
            if self._weights["adversarial"] or self._weights["feature_matching"]:
                augment = DiffAugment.sample(len(real), real.device) if self._config.gan.diffaugment else None
                d_real = self._discriminate(mask, real, augment)
                d_fake = self._discriminate(mask, fake.to(real.dtype), augment)
                d_weights = pixel_weights
                if augment is not None and pixel_weights is not None:
                    d_weights = augment.augment_map(pixel_weights)
                terms |= adversarial_terms(self._config.gan.adversarial_loss, d_real, d_fake, d_weights)
                d_loss = self._d_loss(d_real, d_fake)
            terms |= reconstruction_terms(fake, real, self._perceptual, self._face, pixel_weights)
        if energies:
            terms["feature_outlier"] = feature_outlier_penalty(energies)
        r1 = 0.0 if d_loss is None else self._r1(mask, real)
        g_loss = weighted_sum(terms, self._weights)
        self._optimizer_steps(optimizers, g_loss, None if d_loss is None else d_loss + r1)
        return _detached(terms if d_loss is None else {**terms, "d_loss": d_loss})

    def train_swap_step(
        self,
        samples: Sequence[SwapSample],
        real: Tensor,
        mask: Tensor,
        optimizer: torch.optim.Optimizer,
        energies: Sequence[Tensor] = (),
    ) -> Losses:
        """One step of the generator and one of the discriminators, on faces that have no photograph.

        They should look real to the discriminators, and have the attributes that their donors imply.

        Args:
            samples: rendered by the generator.
            real: the faces before the swap, N x 3 x H x W in [-1, 1].
            mask: their one-hot masks, N x num_classes x H x W.
            optimizer: the generator's.
            energies: from ``record_energies``.

        Returns:
            Each term of the generator unweighted, and ``swap_d_loss``; terms that ``train_step`` has too begin with
            ``swap_``.
        """
        assert self.classifier is not None
        d_loss = None
        with autocast(self._config):
            terms = swap_terms(samples, self.classifier, outlier_pixels=bool(self._weights["outlier_pixels"]))
            if self._weights["adversarial"]:
                d_real = self._discriminate(mask, real)
                d_fake = self._discriminate(
                    torch.cat([sample.mask for sample in samples]),
                    torch.cat([sample.fake for sample in samples]).to(real.dtype),
                )
                fake_logits = [output.logits for output in d_fake]
                terms["swap_adversarial"] = generator_loss(self._config.gan.adversarial_loss, fake_logits)
                d_loss = self._d_loss(d_real, d_fake)
        if energies:
            terms["swap_feature_outlier"] = feature_outlier_penalty(energies)
        weights = {
            **self._weights,
            # A mean over all samples: times their number, each counts as much as a reconstruction.
            "swap_adversarial": len(samples) * self._weights["adversarial"],
            "swap_feature_outlier": self._weights.get("feature_outlier", 0.0),
        }
        self._optimizer_steps([optimizer], weighted_sum(terms, weights), d_loss)
        return _detached(terms if d_loss is None else {**terms, "swap_d_loss": d_loss})

    @torch.no_grad()
    def val_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        """Perceptual distance, or L1 distance without a perceptual network: a scalar, the mean over the images."""
        with autocast(self._config):
            return F.l1_loss(fake.float(), real) if self._perceptual is None else self._perceptual(fake, real)

    @contextmanager
    def record_energies(self, generator: DenseMappingNetwork) -> Iterator[list[Tensor]]:
        """Collect activation energies of the generator inside the ``with`` block; none if they have no weight."""
        if not self._weights.get("feature_outlier"):
            yield []
            return
        with generator.backbone.record_activation_energies() as energies:
            yield energies

    def _discriminate(self, mask: Tensor, image: Tensor, augment: DiffAugment | None = None) -> list[PatchOutput]:
        if augment is None:
            return self.discriminator(mask, image)
        return self.discriminator(augment.augment_map(mask), augment.augment_image(image))

    def _d_loss(self, real: Sequence[PatchOutput], fake: Sequence[PatchOutput]) -> Tensor:
        real_logits, fake_logits = ([output.logits for output in outputs] for outputs in (real, fake))
        return discriminator_loss(self._config.gan.adversarial_loss, real_logits, fake_logits)

    def _r1(self, mask: Tensor, real: Tensor) -> Tensor | float:
        """The weighted R1 penalty in one of ``_R1_INTERVAL`` steps, in all processes alike; 0 in the others."""
        weight = self._config.gan.r1_weight
        # Drawn, not counted, so that a run that resumes needs no count. All processes take the first one's draw.
        if not weight or float(all_gather(torch.rand(1, device=real.device))[0]) >= 1 / _R1_INTERVAL:
            return 0.0
        image = real.detach().requires_grad_()
        with autocast(self._config):
            logits = [output.logits for output in self.discriminator(mask, image)]
            return weight * _R1_INTERVAL * r1_penalty(logits, image)

    def _optimizer_steps(
        self, optimizers: Sequence[torch.optim.Optimizer], g_loss: Tensor, d_loss: Tensor | None
    ) -> None:
        """One step of the generator networks on ``g_loss``, and one of the discriminators on ``d_loss`` if given."""
        for optimizer in (*optimizers, self.optimizer):
            optimizer.zero_grad(set_to_none=True)
        # Each backward pass fills only the gradients of the named inputs, so the discriminator's output for the fake
        # serves both: generator gradients pass through the discriminator without reaching its weights.
        generator_parameters = [p for optimizer in optimizers for p in parameters_of(optimizer)]
        torch.autograd.backward(g_loss, retain_graph=d_loss is not None, inputs=generator_parameters)
        stepping = [*optimizers]
        if d_loss is not None:
            torch.autograd.backward(d_loss, inputs=parameters_of(self.optimizer))
            stepping.append(self.optimizer)
        average_gradients(p for optimizer in stepping for p in parameters_of(optimizer))
        for optimizer in stepping:
            optimizer.step()


def _detached(terms: Mapping[str, Tensor]) -> Losses:
    return {name: term.detach() for name, term in terms.items()}
