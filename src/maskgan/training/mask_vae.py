"""MaskVAE learns to reconstruct masks from latent codes: cross entropy and a KL term."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import preset
from maskgan.data.batches import Faces
from maskgan.images import Picture
from maskgan.losses.masks import class_balanced_weights, kl_divergence
from maskgan.networks.layers import one_hot
from maskgan.networks.mask_vae import MaskVAE
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
    GAN_BETAS,
    Losses,
    StageSetup,
    adam,
    autocast,
    colour_column,
    ema_copy,
    export_weights,
    grid,
    optimizer_step,
    to_device,
    update_ema,
)
from maskgan.training.stage_configs import MaskVAETrainingConfig

_PRIOR_MOMENTUM = 0.02


class MaskVAEStage:
    """MaskVAE; uses the masks alone."""

    def __init__(self, config: MaskVAETrainingConfig, setup: StageSetup) -> None:
        self._config = config
        self._vae = to_device(MaskVAE(preset(config.preset).mask_vae), config.device)
        self._ema = ema_copy(self._vae)
        self._optimizer = adam(self._vae, config.learning_rate, GAN_BETAS)
        self._class_weights = class_balanced_weights(config.class_balance).to(config.device)
        self.networks: Mapping[str, nn.Module] = {"mask_vae": self._vae, "ema": self._ema}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"mask_vae": self._optimizer}

    def train_step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``."""
        label_maps = self._vae.resize_labels(faces.label_maps)
        target = label_maps.long()
        with autocast(self._config):
            logits, mean, log_variance = self._vae(one_hot(label_maps, self._vae.config.num_classes))
        cross_entropy = F.cross_entropy(logits.float(), target, self._class_weights)
        divergence = kl_divergence(mean.float(), log_variance.float())
        optimizer_step(self._optimizer, cross_entropy + self._config.kl_weight * divergence)
        self._vae.update_prior(mean.detach().float(), log_variance.detach().float(), _PRIOR_MOMENTUM)
        update_ema(self._ema, self._vae, ema_decay)
        accuracy = (logits.detach().argmax(1) == target).float().mean()
        return {"cross_entropy": cross_entropy.detach(), "kl": divergence.detach(), "accuracy": accuracy}

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """Cross entropy of masks reconstructed from the means of their codes."""
        label_maps = self._ema.resize_labels(faces.label_maps)
        logits = self._ema.decode(self._ema.encode_labels(label_maps))
        return F.cross_entropy(logits.float(), label_maps.long())

    @torch.no_grad()
    def samples(self, faces: Faces) -> Picture:
        """Columns: the mask, its reconstruction, the midpoint to the next row's, and a sample from the prior."""
        vae = self._ema
        label_maps = vae.resize_labels(faces.label_maps)
        codes = vae.encode_labels(label_maps)
        midpoints = (codes + codes.roll(-1, dims=0)) / 2
        sampled = vae.sample_codes(len(codes), torch.Generator().manual_seed(0))
        shown = [label_maps, *(vae.decode_labels(z) for z in (codes, midpoints, sampled))]
        return grid([colour_column(labels) for labels in shown])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``mask-vae.safetensors``, the EMA."""
        export_weights(folder, self._ema, self._config, progress, side=self._ema.config.resolution)
