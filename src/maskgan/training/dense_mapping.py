"""Stage 1: the dense mapping network learns to give back each face from its mask and its own style."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from maskgan.config import DenseMappingConfig, Preset
from maskgan.data.batches import Faces
from maskgan.images import Picture
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.layers import one_hot
from maskgan.training.config import TrainingConfig
from maskgan.training.critic import FaceCritic
from maskgan.training.exchanges import teach_exchanges
from maskgan.training.initialisation import load_from_run, load_from_weights
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
    GAN_BETAS,
    Losses,
    adam,
    autocast,
    colour_column,
    ema_copy,
    export_weights,
    grid,
    to_device,
    update_ema,
)


class DenseMappingStage:
    """The generator learns from the critic."""

    def __init__(
        self,
        preset: Preset,
        config: TrainingConfig,
        network: DenseMappingConfig,
        base: Path | None = None,
        base_weights: Path | None = None,
    ) -> None:
        """Begin anew, or with the networks of a run (``base``), or with the generator of a file (``base_weights``).

        Raises:
            UserError: that run or that file is missing, damaged or of other sizes.
        """
        self._config = config
        self._generator = to_device(DenseMappingNetwork(network), config.device)
        self._critic = FaceCritic(preset.discriminator, config)
        if base is not None:
            load_from_run(base, config.device, self._generator, self._critic.discriminator)
        if base_weights is not None:
            load_from_weights(base_weights, self._generator)
        self._ema = ema_copy(self._generator)
        self._optimizer = adam(self._generator, config.learning_rate, GAN_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "generator": self._generator,
            "discriminator": self._critic.discriminator,
            "ema": self._ema,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "generator": self._optimizer,
            "discriminator": self._critic.optimizer,
        }

    def step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.step``."""
        pictures = faces.pictures.contiguous(memory_format=torch.channels_last)
        mask = one_hot(faces.label_maps, self._generator.config.num_classes)
        with autocast(self._config), self._generator.backbone.record_activation_energies() as recorded:
            made = self._generator(mask, pictures, mask)
        energies = recorded if self._config.weights.droplet else None
        losses = self._critic.teach(made, pictures, mask, [self._optimizer], energies)
        exchanged = teach_exchanges(
            self._generator, self._critic, self._config, pictures, faces.label_maps, mask, self._optimizer
        )
        update_ema(self._ema, self._generator, ema_decay)
        return {**losses, **exchanged}

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """Of faces given back from their own masks and styles."""
        mask = one_hot(faces.label_maps, self._ema.config.num_classes)
        with autocast(self._config):
            made = self._ema(mask, faces.pictures, mask)
        return self._critic.val_loss(made, faces.pictures)

    @torch.no_grad()
    def samples(self, faces: Faces) -> Picture:
        """Columns: the face, its mask, the mask in its own style, and in the style of the next row's face."""
        mask = one_hot(faces.label_maps, self._ema.config.num_classes)
        with autocast(self._config):
            style = self._ema.encode_style(faces.pictures, mask)
            own, borrowed = (self._ema.synthesise(mask, s) for s in (style, style.roll(-1, dims=0)))
        return grid([faces.pictures, colour_column(faces.label_maps), own, borrowed])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``dense-mapping.safetensors``, the moving average."""
        export_weights(folder, self._ema, self._config, progress)
