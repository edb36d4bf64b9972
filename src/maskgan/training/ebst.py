"""Stage 2, editing behaviour simulated training (EBST): renderings of edited masks must blend back into the face.

MaskVAE makes two masks beside the face's own, a step towards another face's mask and a step away from it. All three
are rendered in one style; the alpha blender joins the renderings of the two, and the blend must equal the face.
Source: the paper's section on dual-editing consistency, and the reference code for the order of the updates.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from maskgan.checkpoints.weights import load_weights
from maskgan.config import preset
from maskgan.data.batches import Faces
from maskgan.distributed import all_gather, shard
from maskgan.images import Picture
from maskgan.losses.pixel_weights import class_balanced_pixel_weights
from maskgan.networks.blender import AlphaBlender
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.layers import one_hot
from maskgan.networks.mask_vae import MaskVAE
from maskgan.training.dense_mapping import build_generator
from maskgan.training.gan_step import GANStep
from maskgan.training.initialisation import load_from_run
from maskgan.training.schedule import Progress, warmup_decay
from maskgan.training.stage import (
    GAN_BETAS,
    FaceTensors,
    Losses,
    StageSetup,
    adam,
    autocast,
    colour_column,
    ema_copy,
    export_weights,
    grid,
    steps_of,
    to_device,
    update_ema,
)
from maskgan.training.stage_configs import EBSTTrainingConfig


class EBSTStage:
    """Generator, blender and discriminators, which are conditioned on the face's own mask throughout."""

    def __init__(self, config: EBSTTrainingConfig, setup: StageSetup) -> None:
        """Start from the networks of ``config.init_run``, with the MaskVAE or the stored edits of ``config``.

        Raises:
            UserError: they are missing, damaged or of other sizes; so are the weights of a loss network.
        """
        self._config = config
        self._generator = build_generator(config)
        self._gan = GANStep(preset(config.preset).discriminator, config)
        if not setup.resumes:
            load_from_run(Path(config.init_run), config.device, self._generator, self._gan.discriminator)
        self._blender = to_device(AlphaBlender(preset(config.preset).blender), config.device)
        self._generator_ema, self._blender_ema = ema_copy(self._generator), ema_copy(self._blender)
        self._vae = None if config.edits else _load_vae(config)
        self._generator_optimizer = adam(self._generator, config.learning_rate, GAN_BETAS)
        self._blender_optimizer = adam(self._blender, config.learning_rate, GAN_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "generator": self._generator,
            "blender": self._blender,
            "discriminator": self._gan.discriminator,
            "ema": self._generator_ema,
            "blender_ema": self._blender_ema,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "generator": self._generator_optimizer,
            "blender": self._blender_optimizer,
            "discriminator": self._gan.optimizer,
        }

    def train_step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``. In order: discriminators and generator on the face, then both and the blender."""
        batch = FaceTensors.of(faces, self._generator.config.num_classes)
        pixel_weights = class_balanced_pixel_weights(batch.mask, self._config.class_balance)
        with autocast(self._config):
            fake = self._generator(batch.mask, batch.real, batch.mask)
        optimizers = [self._generator_optimizer]
        losses = self._gan.train_step(fake, batch.real, batch.mask, optimizers, pixel_weights)
        # The other mask is that of the face before, in the batch of all processes.
        inter, outer = self._edited_masks(faces, shard(all_gather(faces.label_maps).roll(1, dims=0)))
        with autocast(self._config):
            first, second = self._render(self._generator, batch.real, batch.mask, [inter, outer])
            blend, _ = self._blender(first, second)
        optimizers = [self._generator_optimizer, self._blender_optimizer]
        blend_losses = self._gan.train_step(blend, batch.real, batch.mask, optimizers, pixel_weights)
        update_ema(self._generator_ema, self._generator, ema_decay)
        # The generator's EMA starts from trained weights, the blender's from random ones.
        warmup = warmup_decay(steps_of(self._blender_optimizer))
        update_ema(self._blender_ema, self._blender, min(ema_decay, warmup))
        return {**losses, **{f"blend_{name}": loss for name, loss in blend_losses.items()}}

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """Distance of reconstructions from the faces plus that of blends."""
        pictures, label_maps, _ = faces
        mask = one_hot(label_maps, self._generator.config.num_classes)
        inter, outer = self._edited_masks(faces, label_maps.roll(1, dims=0))
        with autocast(self._config):
            fake, first, second = self._render(self._generator_ema, pictures, mask, [label_maps, inter, outer])
            blend, _ = self._blender_ema(first, second)
        return self._gan.val_loss(fake, pictures) + self._gan.val_loss(blend, pictures)

    @torch.no_grad()
    def samples(self, faces: Faces) -> Picture:
        """Columns: face, mask, its rendering; both edited masks and their renderings; alpha; the blend."""
        pictures, label_maps, _ = faces
        mask = one_hot(label_maps, self._generator.config.num_classes)
        inter, outer = self._edited_masks(faces, label_maps.roll(1, dims=0))
        with autocast(self._config):
            fake, first, second = self._render(self._generator_ema, pictures, mask, [label_maps, inter, outer])
            blend, alpha = self._blender_ema(first, second)
        masks = [colour_column(labels) for labels in (label_maps, inter, outer)]
        return grid([pictures, masks[0], fake, masks[1], first, masks[2], second, alpha * 2 - 1, blend])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``dense-mapping.safetensors`` and ``blender.safetensors``, the EMAs."""
        export_weights(folder, self._generator_ema, self._config, progress)
        export_weights(folder, self._blender_ema, self._config, progress)

    @torch.no_grad()
    def _edited_masks(self, faces: Faces, others: Tensor) -> tuple[Tensor, Tensor]:
        """The stored edits, or new ones: a step towards the masks of other faces and a step away from them."""
        if self._vae is None:
            inter, outer = faces.edits.unbind(1)
            return inter, outer
        with autocast(self._config):
            return self._vae.simulate_edits(faces.label_maps, others, self._config.strength)

    def _render(
        self, generator: DenseMappingNetwork, pictures: Tensor, mask: Tensor, targets: list[Tensor]
    ) -> tuple[Tensor, ...]:
        """Each target mask (N x S x S labels) in the images' own style, in one pass."""
        style = generator.encode_style(pictures, mask)
        masks = one_hot(torch.cat(targets), generator.config.num_classes)
        return generator.synthesise(masks, style.repeat(len(targets), 1)).chunk(len(targets))


def _load_vae(config: EBSTTrainingConfig) -> MaskVAE:
    vae, _ = load_weights(Path(config.mask_vae), model_type="mask-vae")
    assert isinstance(vae, MaskVAE)
    return to_device(vae, config.device)
