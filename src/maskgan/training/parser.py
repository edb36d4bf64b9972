"""The face parser learns to segment faces: cross entropy per pixel, and the intersection over union of classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import preset
from maskgan.data.batches import Faces
from maskgan.images import Picture
from maskgan.losses.masks import class_balanced_weights, soft_jaccard_loss
from maskgan.networks.parser import FaceParser
from maskgan.training.initialisation import load_from_weights
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
    BETAS,
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
from maskgan.training.stage_configs import ParserTrainingConfig


class ParserStage:
    """The parser, trained on the label maps."""

    def __init__(self, config: ParserTrainingConfig, setup: StageSetup) -> None:
        """Start from scratch, or from the file ``config.init_weights``.

        Raises:
            UserError: that file is missing, damaged or of other sizes.
        """
        self._config = config
        self._parser = to_device(FaceParser(preset(config.preset).parser), config.device)
        if config.init_weights and not setup.resumes:
            load_from_weights(Path(config.init_weights), self._parser)
        self._ema = ema_copy(self._parser)
        self._optimizer = adam(self._parser, config.learning_rate, BETAS)
        self._class_weights = class_balanced_weights(config.class_balance).to(config.device)
        self.networks: Mapping[str, nn.Module] = {"parser": self._parser, "ema": self._ema}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"parser": self._optimizer}

    def train_step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``."""
        pictures, label_maps, _ = faces
        with autocast(self._config):
            logits = self._parser(pictures.contiguous(memory_format=torch.channels_last))
        target = label_maps.long()
        terms = {"cross_entropy": F.cross_entropy(logits.float(), target, self._class_weights)}
        loss = terms["cross_entropy"]
        if self._config.jaccard_weight:
            terms["jaccard"] = soft_jaccard_loss(logits.float(), target)
            loss = loss + self._config.jaccard_weight * terms["jaccard"]
        optimizer_step(self._optimizer, loss)
        update_ema(self._ema, self._parser, ema_decay)
        accuracy = (logits.detach().argmax(1) == target).float().mean()
        return {**{name: term.detach() for name, term in terms.items()}, "accuracy": accuracy}

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """Cross entropy per pixel."""
        return F.cross_entropy(self._ema(faces.pictures).float(), faces.label_maps.long())

    @torch.no_grad()
    def samples(self, faces: Faces) -> Picture:
        """Columns: the face, its mask, the parser's mask."""
        with autocast(self._config):
            parsed = self._ema(faces.pictures).argmax(1)
        return grid([faces.pictures, colour_column(faces.label_maps), colour_column(parsed)])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``parser.safetensors``, the EMA."""
        export_weights(folder, self._ema, self._config, progress)
