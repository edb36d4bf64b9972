"""The GAN step: generator and discriminators each take one optimizer step on real and fake images.

The stages ``dense-mapping`` and ``ebst`` render the fakes; what happens to them then is all here.
Source: Pix2PixHD (Wang et al., CVPR 2018), section 3, for the terms; the reference code for their weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import torch
import torch.nn.functional as F
from torch import Tensor

from maskgan.config import DiscriminatorConfig
from maskgan.distributed import backward
from maskgan.losses.adversarial import discriminator_loss
from maskgan.losses.loss_terms import Terms, adversarial_terms, reconstruction_terms, weighted_sum
from maskgan.losses.perceptual import PerceptualLoss, perceptual_network
from maskgan.networks.discriminator import MultiscaleDiscriminator, PatchOutput
from maskgan.training.stage import GAN_BETAS, Losses, adam, autocast, parameters_of, to_device
from maskgan.training.stage_configs import GANTrainingConfig


class GANStep:
    """Discriminators, the networks that compare real and fake images, and the training step.

    Args:
        sizes: of the discriminators, which start from scratch.
        config: of the run.

    Raises:
        UserError: the weights of the perceptual network are missing, damaged or of another network.
    """

    def __init__(self, sizes: DiscriminatorConfig, config: GANTrainingConfig) -> None:
        self._config = config
        self._weights: Mapping[str, float] = asdict(config.weights)
        self.discriminator = to_device(MultiscaleDiscriminator(sizes), config.device)
        self.optimizer = adam(self.discriminator, config.learning_rate, GAN_BETAS)
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
    ) -> Losses:
        """One step of the generator networks and one of the discriminators, on fakes that should equal real images.

        Both use the same discriminator outputs, as in the reference code.

        Args:
            fake: N x 3 x H x W in [-1, 1], with the graph of the networks behind ``optimizers``.
            real: N x 3 x H x W in [-1, 1].
            mask: one-hot mask of the real images, N x num_classes x H x W.
            optimizers: of the networks that rendered ``fake``.
            pixel_weights: N x 1 x H x W, see ``weighted_l1``.

        Returns:
            Each term of the generator unweighted, and ``d_loss``.
        """
        terms: Terms = {}
        d_loss = None
        with autocast(self._config):
            if self._weights["adversarial"] or self._weights["feature_matching"]:
                d_real, d_fake = self.discriminator(mask, real), self.discriminator(mask, fake.to(real.dtype))
                terms |= adversarial_terms(d_real, d_fake, pixel_weights)
                d_loss = self._d_loss(d_real, d_fake)
            terms |= reconstruction_terms(fake, real, self._perceptual, pixel_weights)
        self._optimizer_steps(optimizers, weighted_sum(terms, self._weights), d_loss)
        return _detached(terms if d_loss is None else {**terms, "d_loss": d_loss})

    @torch.no_grad()
    def val_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        """Perceptual distance, or L1 distance without a perceptual network: a scalar, the mean over the images."""
        with autocast(self._config):
            return F.l1_loss(fake.float(), real) if self._perceptual is None else self._perceptual(fake, real)

    def _d_loss(self, real: Sequence[PatchOutput], fake: Sequence[PatchOutput]) -> Tensor:
        real_logits, fake_logits = ([output.logits for output in outputs] for outputs in (real, fake))
        return discriminator_loss(real_logits, fake_logits)

    def _optimizer_steps(
        self, optimizers: Sequence[torch.optim.Optimizer], g_loss: Tensor, d_loss: Tensor | None
    ) -> None:
        """One step of the generator networks on ``g_loss``, and one of the discriminators on ``d_loss`` if given."""
        for optimizer in (*optimizers, self.optimizer):
            optimizer.zero_grad(set_to_none=True)
        # Each backward pass fills only the gradients of the named inputs, so the discriminator's output for the fake
        # serves both: generator gradients pass through the discriminator without reaching its weights.
        generator_parameters = [p for optimizer in optimizers for p in parameters_of(optimizer)]
        backward(g_loss, generator_parameters, retain_graph=d_loss is not None)
        stepping = [*optimizers]
        if d_loss is not None:
            backward(d_loss, parameters_of(self.optimizer))
            stepping.append(self.optimizer)
        for optimizer in stepping:
            optimizer.step()


def _detached(terms: Mapping[str, Tensor]) -> Losses:
    return {name: term.detach() for name, term in terms.items()}
