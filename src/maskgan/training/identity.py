"""The identity embedding learns to tell people apart: large margin cosine loss over the identities of the table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.checkpoints.weights import load_weights
from maskgan.config import preset
from maskgan.data.batches import LabelledFaces
from maskgan.distributed import all_gather, world_size
from maskgan.errors import UserError
from maskgan.images import Picture
from maskgan.losses.identity import cosine_margin_logits
from maskgan.networks.resnet import AttributeClassifier, IdentityNetwork
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
from maskgan.training.stage_configs import IdentityTrainingConfig

# With so few faces per person a margin hinders: with 0.2 nothing was learnt in 30,000 images.
_MARGIN, _SCALE = 0.0, 16.0


class IdentityStage:
    """A ResNet-18, and a centre per identity that is used in training only."""

    def __init__(self, config: IdentityTrainingConfig, setup: StageSetup) -> None:
        """Start from scratch, or with the features of ``config.init_classifier``.

        Raises:
            UserError: there are fewer than two identities, or the classifier is missing or of another size.
        """
        if setup.num_identities < 2:
            raise UserError("--table: names fewer than two identities; telling people apart needs more")
        self._config = config
        sizes = preset(config.preset).identity
        self._network = to_device(IdentityNetwork(sizes), config.device)
        if config.init_classifier and not setup.resumes:
            self._load_features(Path(config.init_classifier))
        self._ema = ema_copy(self._network)
        self._centres = nn.Linear(sizes.embedding_size, setup.num_identities, bias=False).to(config.device)
        self._optimizer = adam(nn.ModuleList([self._network, self._centres]), config.learning_rate, BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "identity": self._network,
            "centres": self._centres,
            "ema": self._ema,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"identity": self._optimizer}

    def _load_features(self, path: Path) -> None:
        classifier, _ = load_weights(path, model_type="attributes")
        assert isinstance(classifier, AttributeClassifier)
        if classifier.config.base_channels != self._network.config.base_channels:
            raise UserError(f"{path}: has {classifier.config.base_channels} channels; another --preset made it")
        own_head = self._network.trunk.head
        # Loaded weights are frozen and in eval mode; these are trained.
        self._network.trunk = to_device(classifier.trunk, self._config.device).requires_grad_(True).train()
        self._network.trunk.head = own_head

    def train_step(self, faces: LabelledFaces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``."""
        known = faces.identities >= 0
        with autocast(self._config):
            embedding = self._network(faces.pictures.contiguous(memory_format=torch.channels_last))
        with torch.autocast(embedding.device.type, enabled=False):
            logits = cosine_margin_logits(embedding, self._centres.weight, faces.identities, _MARGIN, _SCALE)
            loss = mean_over_known(F.cross_entropy(logits, faces.identities, ignore_index=-1, reduction="none"), known)
        optimizer_step(self._optimizer, loss)
        update_ema(self._ema, self._network, ema_decay)
        correct = (logits.detach().argmax(1) == faces.identities).float()
        return {"cross_entropy": loss.detach(), "accuracy": mean_over_known(correct, known)}

    @torch.no_grad()
    def val_loss(self, faces: LabelledFaces) -> Tensor:
        """Mean cosine of different people minus that of the same; either is 0 where the batch has no such pair."""
        known = faces.identities >= 0
        embedding, identities = self._ema(faces.pictures[known]), faces.identities[known]
        same = identities[:, None] == identities[None]
        cosines = embedding @ embedding.T
        pairs = ~torch.eye(len(same), dtype=torch.bool, device=same.device)
        return _mean_or_zero(cosines[~same]) - _mean_or_zero(cosines[same & pairs])

    @torch.no_grad()
    def samples(self, faces: LabelledFaces) -> Picture:
        """Columns: the face, and its nearest neighbour among the others."""
        embedding = self._ema(faces.pictures)
        nearest = (embedding @ embedding.T - 3 * torch.eye(len(embedding), device=embedding.device)).argmax(1)
        return grid([faces.pictures, faces.pictures[nearest]])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``identity.safetensors``, the EMA."""
        export_weights(folder, self._ema, self._config, progress)


def mean_over_known(values: Tensor, known: Tensor) -> Tensor:
    """Mean over the faces of known identity, such that the average over all processes is that over the whole batch.

    Args:
        values: N numbers.
        known: N bool; without a single one in all processes the mean is 0.
    """
    mean_count = all_gather(known.sum()[None]).float().mean()
    return (values * known).sum() / mean_count.clamp(min=1 / world_size())


def _mean_or_zero(values: Tensor) -> Tensor:
    return values.mean() if len(values) else values.new_zeros(())
