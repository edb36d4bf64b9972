"""The attribute classifier learns CelebA's 40 attributes: binary cross entropy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import preset
from maskgan.data.batches import LabelledFaces
from maskgan.images import Picture
from maskgan.networks.resnet import AttributeClassifier
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
    BETAS,
    Losses,
    StageSetup,
    adam,
    autocast,
    ema_copy,
    export_weights,
    grid,
    optimizer_step,
    to_device,
    update_ema,
)
from maskgan.training.stage_configs import AttributesTrainingConfig


class AttributesStage:
    """A ResNet-18, trained on the labels."""

    def __init__(self, config: AttributesTrainingConfig, setup: StageSetup) -> None:
        self._config = config
        self._classifier = to_device(AttributeClassifier(preset(config.preset).attributes), config.device)
        self._ema = ema_copy(self._classifier)
        self._optimizer = adam(self._classifier, config.learning_rate, BETAS)
        self.networks: Mapping[str, nn.Module] = {"attributes": self._classifier, "ema": self._ema}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"attributes": self._optimizer}

    def train_step(self, faces: LabelledFaces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``."""
        with autocast(self._config):
            logits = self._classifier(faces.pictures.contiguous(memory_format=torch.channels_last)).float()
        labels = faces.attributes.float()
        loss = F.binary_cross_entropy_with_logits(logits, labels)
        optimizer_step(self._optimizer, loss)
        update_ema(self._ema, self._classifier, ema_decay)
        accuracy = ((logits.detach() > 0) == (labels > 0.5)).float().mean()
        return {"cross_entropy": loss.detach(), "accuracy": accuracy}

    @torch.no_grad()
    def val_loss(self, faces: LabelledFaces) -> Tensor:
        """Cross entropy."""
        return F.binary_cross_entropy_with_logits(self._ema(faces.pictures).float(), faces.attributes.float())

    @torch.no_grad()
    def samples(self, faces: LabelledFaces) -> Picture:
        """Columns: the face; its labels as bars; the predicted probabilities as bars."""
        predicted = self._ema(faces.pictures).float().sigmoid()
        return grid([faces.pictures, _bars(faces.attributes.float(), faces.pictures), _bars(predicted, faces.pictures)])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``attributes.safetensors``, the EMA."""
        export_weights(folder, self._ema, self._config, progress)


def _bars(probabilities: Tensor, like: Tensor) -> Tensor:
    """N x 40 probabilities as rows of bars, N x 3 x S x S in [-1, 1]."""
    side = like.shape[-1]
    rows = F.interpolate(probabilities[:, None], size=side, mode="nearest")[:, 0]
    filled = torch.linspace(0, 1, side, device=probabilities.device)[None, None] <= rows[:, :, None]
    return (filled.float() * 2 - 1)[:, None].expand(-1, 3, -1, -1)
