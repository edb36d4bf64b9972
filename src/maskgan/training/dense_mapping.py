"""Stage 1: the dense mapping network learns to reconstruct each face from its mask and its own style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from maskgan.config import preset
from maskgan.config_dict import with_overrides
from maskgan.data.batches import Faces
from maskgan.images import Picture
from maskgan.losses.pixel_weights import class_balanced_pixel_weights
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.layers import one_hot
from maskgan.training.gan_step import GANStep
from maskgan.training.initialisation import load_from_run, load_from_weights
from maskgan.training.schedule import Progress
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
    to_device,
    update_ema,
)
from maskgan.training.stage_configs import DenseMappingTrainingConfig, GANTrainingConfig


class DenseMappingStage:
    """Generator and discriminators, trained by ``GANStep`` on reconstructions."""

    def __init__(self, config: DenseMappingTrainingConfig, setup: StageSetup) -> None:
        """Start from scratch, from the networks of ``config.init_run``, or from the file ``config.init_weights``.

        Raises:
            UserError: that run or file is missing, damaged or of other sizes; so are the weights of a loss network.
        """
        self._config = config
        self._generator = build_generator(config)
        self._gan = GANStep(preset(config.preset).discriminator, config)
        if config.init_run and not setup.resumes:
            load_from_run(Path(config.init_run), config.device, self._generator, self._gan.discriminator)
        if config.init_weights and not setup.resumes:
            load_from_weights(Path(config.init_weights), self._generator)
        self._ema = ema_copy(self._generator)
        self._optimizer = adam(self._generator, config.learning_rate, GAN_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "generator": self._generator,
            "discriminator": self._gan.discriminator,
            "ema": self._ema,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "generator": self._optimizer,
            "discriminator": self._gan.optimizer,
        }

    def train_step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``."""
        batch = FaceTensors.of(faces, self._generator.config.num_classes)
        with autocast(self._config):
            fake = self._generator(batch.mask, batch.real, batch.mask)
        pixel_weights = class_balanced_pixel_weights(batch.mask, self._config.class_balance)
        losses = self._gan.train_step(fake, batch.real, batch.mask, [self._optimizer], pixel_weights)
        update_ema(self._ema, self._generator, ema_decay)
        return losses

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """Distance of reconstructions from the faces."""
        mask = one_hot(faces.label_maps, self._ema.config.num_classes)
        with autocast(self._config):
            fake = self._ema(mask, faces.pictures, mask)
        return self._gan.val_loss(fake, faces.pictures)

    @torch.no_grad()
    def samples(self, faces: Faces) -> Picture:
        """Columns: the face, its mask, the mask in its own style, and in the style of the next row's face."""
        mask = one_hot(faces.label_maps, self._ema.config.num_classes)
        with autocast(self._config):
            style = self._ema.encode_style(faces.pictures, mask)
            own, other = (self._ema.synthesise(mask, s) for s in (style, style.roll(-1, dims=0)))
        return grid([faces.pictures, colour_column(faces.label_maps), own, other])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``dense-mapping.safetensors``, the EMA."""
        export_weights(folder, self._ema, self._config, progress)


def build_generator(config: GANTrainingConfig) -> DenseMappingNetwork:
    """The preset's dense mapping network with the changes of ``config.network`` and ``config.fusion``, untrained.

    Raises:
        UserError: ``config.network`` names a field that does not exist, or a value that is not allowed.
    """
    sizes = with_overrides(preset(config.preset).dense_mapping, config.network, "--network")
    if config.fusion is not None:
        sizes = replace(sizes, style_encoder=replace(sizes.style_encoder, fusion=config.fusion))
    return to_device(DenseMappingNetwork(sizes), config.device)
