"""The identity embedding learns to tell people apart: large margin cosine loss over the people of the table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.checkpoints.weights import load_weights
from maskgan.config import Preset
from maskgan.data.batches import LabelledFaces
from maskgan.errors import UserError
from maskgan.images import Picture
from maskgan.losses.identity import cosine_margin_logits
from maskgan.networks.resnet import AttributeClassifier, IdentityNetwork
from maskgan.training.config import TrainingConfig
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
    Losses,
    adam,
    autocast,
    ema_copy,
    export_weights,
    grid,
    optimizer_step,
    to_device,
    update_ema,
)

_BETAS = (0.9, 0.999)
# A margin would be more than so few faces of each person can bear: with 0.2 nothing was learnt in 30,000 pictures.
_MARGIN, _SCALE = 0.0, 16.0


class IdentityStage:
    """A ResNet-18 and a centre for each person, which is of no use after training."""

    def __init__(self, preset: Preset, config: TrainingConfig, people: int) -> None:
        """Begin anew, or with the features of the attribute classifier ``config.base``.

        Raises:
            UserError: there are fewer than two people to tell apart, or the classifier is missing or of another size.
        """
        if people < 2:
            raise UserError("--table: names fewer than two identities; telling people apart needs more")
        self._config = config
        self._network = to_device(IdentityNetwork(preset.identity), config.device)
        if config.base:
            self._take_features(Path(config.base))
        self._ema = ema_copy(self._network)
        self._centres = nn.Linear(preset.identity.embedding_size, people, bias=False).to(config.device)
        self._optimizer = adam(nn.ModuleList([self._network, self._centres]), config.learning_rate, _BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "identity": self._network,
            "centres": self._centres,
            "ema": self._ema,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"identity": self._optimizer}

    def _take_features(self, path: Path) -> None:
        classifier, _ = load_weights(path, model_type="attributes")
        assert isinstance(classifier, AttributeClassifier)
        if classifier.config.base_channels != self._network.config.base_channels:
            raise UserError(f"{path}: has {classifier.config.base_channels} channels; another --preset made it")
        own_head = self._network.trunk.head
        # Loaded weights are frozen and in eval mode; these go on learning.
        self._network.trunk = to_device(classifier.trunk, self._config.device).requires_grad_(True).train()
        self._network.trunk.head = own_head

    def step(self, faces: LabelledFaces, ema_decay: float) -> Losses:
        """See ``Stage.step``."""
        with autocast(self._config):
            embedding = self._network(faces.pictures.contiguous(memory_format=torch.channels_last))
        with torch.autocast(embedding.device.type, enabled=False):
            logits = cosine_margin_logits(embedding, self._centres.weight, faces.identities, _MARGIN, _SCALE)
            loss = F.cross_entropy(logits, faces.identities, ignore_index=-1)
        optimizer_step(self._optimizer, loss)
        update_ema(self._ema, self._network, ema_decay)
        accuracy = (logits.detach().argmax(1) == faces.identities).float().mean()
        return {"cross_entropy": loss.detach(), "accuracy": accuracy}

    @torch.no_grad()
    def val_loss(self, faces: LabelledFaces) -> Tensor:
        """Mean cosine of different people less that of the same, where the batch holds both."""
        embedding = self._ema(faces.pictures)
        same = faces.identities[:, None] == faces.identities[None]
        cosines = embedding @ embedding.T
        others = ~torch.eye(len(same), dtype=torch.bool, device=same.device)
        own = cosines[same & others]
        return cosines[~same].mean() - (own.mean() if len(own) else 0.0)

    @torch.no_grad()
    def samples(self, faces: LabelledFaces) -> Picture:
        """Columns: the face, and the face of the others that lies nearest to it."""
        embedding = self._ema(faces.pictures)
        nearest = (embedding @ embedding.T - 3 * torch.eye(len(embedding), device=embedding.device)).argmax(1)
        return grid([faces.pictures, faces.pictures[nearest]])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``identity.safetensors``, the moving average."""
        export_weights(folder, self._ema, self._config, progress)
