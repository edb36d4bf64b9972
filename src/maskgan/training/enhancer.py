"""The enhancer learns to make faces sharp: photographs made small, and what the dense mapping network makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from maskgan.checkpoints.weights import load_weights
from maskgan.config import Preset
from maskgan.data.batches import Faces
from maskgan.data.transforms import resize_batch
from maskgan.errors import UserError
from maskgan.images import Picture
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.enhancer import Enhancer
from maskgan.networks.layers import one_hot
from maskgan.training.config import TrainingConfig
from maskgan.training.critic import FaceCritic
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
    GAN_BETAS,
    Losses,
    adam,
    autocast,
    ema_copy,
    export_weights,
    grid,
    to_device,
    update_ema,
)

_WINDOW = 4
"""A step looks at a square window of each face, whose side is the face's by this: detail needs no more of it."""


class EnhancerStage:
    """The enhancer learns from the critic; the network whose pictures it enhances stays as it is."""

    def __init__(self, preset: Preset, config: TrainingConfig) -> None:
        """Begin anew, for the pictures of the dense mapping network ``config.base``.

        Raises:
            UserError: that weights file is missing, damaged, or of a network for pictures of another size.
        """
        self._config = config
        self._network = _network(Path(config.base), config)
        self._enhancer = to_device(Enhancer(preset.enhancer), config.device)
        self._critic = FaceCritic(preset.discriminator, config)
        self._ema = ema_copy(self._enhancer)
        self._optimizer = adam(self._enhancer, config.learning_rate, GAN_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "enhancer": self._enhancer,
            "discriminator": self._critic.discriminator,
            "ema": self._ema,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "enhancer": self._optimizer,
            "discriminator": self._critic.optimizer,
        }

    def step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.step``.

        About half of the faces are seen as photographs made small, whose lost detail is known to the pixel, the others
        as the network makes them, which is what there will be to enhance.
        """
        classes = self._enhancer.config.num_classes
        small, small_maps = _halved(faces)
        small_mask = one_hot(small_maps, classes)
        as_made = torch.rand(len(small), device=small.device) < 0.5
        if as_made.any():
            small = small.clone()
            small[as_made] = self._made(small[as_made], small_mask[as_made])
        side = small.shape[-1] // _WINDOW
        top, left = torch.randint(small.shape[-1] - side + 1, (2,)).tolist()
        window = small[..., top : top + side, left : left + side].contiguous(memory_format=torch.channels_last)
        label_maps, pictures = (
            t[..., 2 * top : 2 * (top + side), 2 * left : 2 * (left + side)] for t in (faces.label_maps, faces.pictures)
        )
        with autocast(self._config):
            sharp = self._enhancer(window, small_mask[..., top : top + side, left : left + side])
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        losses = self._critic.teach(sharp, pictures, one_hot(label_maps, classes), [self._optimizer])
        update_ema(self._ema, self._enhancer, ema_decay)
        return losses

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """Of faces that the network gave back, enhanced."""
        _, sharp = self._before_and_after(faces)
        return self._critic.val_loss(sharp, faces.pictures)

    @torch.no_grad()
    def samples(self, faces: Faces) -> Picture:
        """Columns: the face, what the network gives back, the same enhanced."""
        made, sharp = self._before_and_after(faces)
        return grid([faces.pictures, nn.functional.interpolate(made, scale_factor=2, mode="bicubic"), sharp])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``enhancer.safetensors``, the moving average."""
        export_weights(folder, self._ema, self._config, progress)

    def _before_and_after(self, faces: Faces) -> tuple[Tensor, Tensor]:
        small, small_maps = _halved(faces)
        mask = one_hot(small_maps, self._enhancer.config.num_classes)
        made = self._made(small, mask)
        with autocast(self._config):
            return made, self._ema(made, mask)

    @torch.no_grad()
    def _made(self, pictures: Tensor, mask: Tensor) -> Tensor:
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        with autocast(self._config):
            return self._network(mask, pictures, mask).float()


def _network(path: Path, config: TrainingConfig) -> DenseMappingNetwork:
    network, info = load_weights(path, model_type="dense-mapping")
    assert isinstance(network, DenseMappingNetwork)
    if 2 * info.resolution != config.final_side:
        raise UserError(
            f"{path}: makes pictures of {info.resolution} px, so their enhancer learns from faces of "
            f"{2 * info.resolution} px; this run has {config.final_side}: give --resolution {2 * info.resolution}"
        )
    return to_device(network, config.device)


def _halved(faces: Faces) -> tuple[Tensor, Tensor]:
    return resize_batch(faces.pictures, faces.label_maps, faces.pictures.shape[-1] // 2)
