"""The enhancer learns to sharpen faces: downsampled photographs, and their reconstructions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from maskgan.checkpoints.weights import load_weights
from maskgan.config import preset
from maskgan.data.batches import Faces
from maskgan.data.transforms import resize_batch
from maskgan.errors import UserError
from maskgan.images import Picture
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.enhancer import Enhancer
from maskgan.networks.layers import one_hot
from maskgan.training.gan_step import GANStep
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
    GAN_BETAS,
    Losses,
    StageSetup,
    adam,
    autocast,
    ema_copy,
    export_weights,
    grid,
    to_device,
    update_ema,
)
from maskgan.training.stage_configs import EnhancerTrainingConfig

_CROP = 4
"""A step sees a square crop of each face, whose side is that of the face divided by this: detail needs no context."""


class EnhancerStage:
    """Enhancer and discriminators; the dense mapping network whose outputs are enhanced is frozen."""

    def __init__(self, config: EnhancerTrainingConfig, setup: StageSetup) -> None:
        """Start from scratch, for the outputs of the network ``config.dense_mapping``.

        Raises:
            UserError: that weights file is missing, damaged, or of a network of another resolution; so are the weights
                of the perceptual network.
        """
        self._config = config
        self._network = _load_network(Path(config.dense_mapping), config)
        self._enhancer = to_device(Enhancer(preset(config.preset).enhancer), config.device)
        self._gan = GANStep(preset(config.preset).discriminator, config)
        self._ema = ema_copy(self._enhancer)
        self._optimizer = adam(self._enhancer, config.learning_rate, GAN_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "enhancer": self._enhancer,
            "discriminator": self._gan.discriminator,
            "ema": self._ema,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "enhancer": self._optimizer,
            "discriminator": self._gan.optimizer,
        }

    def train_step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``.

        About half of the inputs are downsampled photographs, whose lost detail is known to the pixel; the others are
        their reconstructions by the network, which is what will be enhanced.
        """
        classes = self._enhancer.config.num_classes
        small, small_maps = _halve(faces)
        small_mask = one_hot(small_maps, classes)
        reconstructed = torch.rand(len(small), device=small.device) < 0.5
        if reconstructed.any():
            small = small.clone()
            small[reconstructed] = self._reconstruct(small[reconstructed], small_mask[reconstructed])
        side = small.shape[-1] // _CROP
        top, left = torch.randint(small.shape[-1] - side + 1, (2,)).tolist()
        crop = small[..., top : top + side, left : left + side].contiguous(memory_format=torch.channels_last)
        label_maps, real = (
            t[..., 2 * top : 2 * (top + side), 2 * left : 2 * (left + side)] for t in (faces.label_maps, faces.pictures)
        )
        with autocast(self._config):
            fake = self._enhancer(crop, small_mask[..., top : top + side, left : left + side])
        real = real.contiguous(memory_format=torch.channels_last)
        losses = self._gan.train_step(fake, real, one_hot(label_maps, classes), [self._optimizer])
        update_ema(self._ema, self._enhancer, ema_decay)
        return losses

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """Distance of enhanced reconstructions from the faces."""
        _, enhanced = self._enhance(faces)
        return self._gan.val_loss(enhanced, faces.pictures)

    @torch.no_grad()
    def samples(self, faces: Faces) -> Picture:
        """Columns: the face, its reconstruction, the same enhanced."""
        fake, enhanced = self._enhance(faces)
        return grid([faces.pictures, nn.functional.interpolate(fake, scale_factor=2, mode="bicubic"), enhanced])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``enhancer.safetensors``, the EMA."""
        export_weights(folder, self._ema, self._config, progress)

    def _enhance(self, faces: Faces) -> tuple[Tensor, Tensor]:
        """Reconstructions at the network's resolution, and enhanced by the EMA."""
        small, small_maps = _halve(faces)
        mask = one_hot(small_maps, self._enhancer.config.num_classes)
        fake = self._reconstruct(small, mask)
        with autocast(self._config):
            return fake, self._ema(fake, mask)

    @torch.no_grad()
    def _reconstruct(self, pictures: Tensor, mask: Tensor) -> Tensor:
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        with autocast(self._config):
            return self._network(mask, pictures, mask).float()


def _load_network(path: Path, config: EnhancerTrainingConfig) -> DenseMappingNetwork:
    network, info = load_weights(path, model_type="dense-mapping")
    assert isinstance(network, DenseMappingNetwork)
    if 2 * info.resolution != config.final_side:
        raise UserError(
            f"{path}: has a resolution of {info.resolution} px, so its enhancer is trained on faces of "
            f"{2 * info.resolution} px; this run has {config.final_side}: give --resolution {2 * info.resolution}"
        )
    return to_device(network, config.device)


def _halve(faces: Faces) -> tuple[Tensor, Tensor]:
    return resize_batch(faces.pictures, faces.label_maps, faces.pictures.shape[-1] // 2)
