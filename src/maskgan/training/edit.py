"""The edit network: it fills holes in photographs, shaped like edits, whose true content is known.

Discriminators classify patches in the holes by frozen features (Projected GANs, Sauer et al., NeurIPS 2021). A full
training step is in ``EditStage.train_step``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from maskgan.config import preset
from maskgan.data.batches import Faces
from maskgan.face_alignment import alignment
from maskgan.images import Picture
from maskgan.losses.edit_terms import (
    edit_reconstruction_terms,
    hinge_d_loss_in_holes,
    hinge_g_loss_in_holes,
    hole_pixel_weights,
)
from maskgan.losses.frozen_features import FrozenFeatures, PictureFeatures
from maskgan.losses.loss_terms import weighted_sum
from maskgan.networks.coarse_edit_network import CoarseEditNetwork
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.feature_discriminator import FeatureDiscriminator, HeadOutput
from maskgan.networks.layers import one_hot
from maskgan.networks.regions import mask_to_regions
from maskgan.training.edit_config import EditTrainingConfig, HoleConfig, coarse_side
from maskgan.training.holes import sample_holes
from maskgan.training.initialisation import load_from_run, load_from_weights
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
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

_BETAS = (0.0, 0.99)
_MAX_GRADIENT_NORM = 20.0
_COVERED = 0.95  # fraction of a region in the hole beyond which its style counts as unseen


class _Batch(NamedTuple):
    """Photographs with their holes, as a step needs them."""

    real: Tensor  # N x 3 x S x S in [-1, 1]
    mask: Tensor  # one-hot
    hole: Tensor  # N x 1 x S x S
    alignment: Tensor  # N x 2 x 3
    aligned: Tensor  # N, bool


class EditStage:
    """Edit network and discriminators."""

    def __init__(self, config: EditTrainingConfig, setup: StageSetup) -> None:
        """Start from scratch, from the networks of ``config.init_run``, or from the file ``config.init_weights``.

        Raises:
            UserError: that run or file is missing, damaged or of other sizes; or a package with frozen networks is.
        """
        self._config = config
        self._weights: Mapping[str, float] = asdict(config.weights)
        sizes = preset(config.preset).edit
        self._network = to_device(EditNetwork(sizes), config.device)
        self._coarse_side = coarse_side(config.preset)
        self._frozen = to_device(FrozenFeatures(), config.device)
        self._discriminator = to_device(
            FeatureDiscriminator(FrozenFeatures.OBJECT_MAPS, FrozenFeatures.FACE_MAPS, sizes.num_classes), config.device
        )
        if config.init_run and not setup.resumes:
            load_from_run(Path(config.init_run), config.device, self._network, self._discriminator)
        if config.init_weights and not setup.resumes:
            load_from_weights(Path(config.init_weights), self._network)
        self._ema = ema_copy(self._network)
        self._optimizer = adam(self._network, config.learning_rate, _BETAS)
        self._d_optimizer = adam(self._discriminator, config.learning_rate, _BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "generator": self._network,
            "discriminator": self._discriminator,
            "ema": self._ema,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "generator": self._optimizer,
            "discriminator": self._d_optimizer,
        }

    def train_step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``."""
        batch = self._draw_holes(faces)
        with autocast(self._config):
            with torch.no_grad():
                real_features = self._frozen(batch.real, batch.alignment)
            network = self._at_size(self._network, batch.real)
            style = network.encode_style(batch.real, batch.mask, self._draw_dropped_regions(batch))
            fake = network(batch.mask, style, batch.real, batch.hole)
            fake_features = self._frozen(fake, batch.alignment)
            # The discriminators learn first, so the network gets the answer of what they know now.
            d_real = self._discriminate(batch, batch.real, real_features)
            d_fake = self._discriminate(batch, fake.detach(), fake_features.detached())
            d_loss = hinge_d_loss_in_holes(d_real, d_fake)
        optimizer_step(self._d_optimizer, d_loss)
        with autocast(self._config):
            terms = edit_reconstruction_terms(
                (fake, fake_features),
                (batch.real, real_features),
                self._frozen.objects.weights,
                hole_pixel_weights(batch.mask, batch.hole, self._config.class_balance),
                batch.aligned,
            )
            terms["adversarial"] = hinge_g_loss_in_holes(self._discriminate(batch, fake, fake_features))
        optimizer_step(self._optimizer, weighted_sum(terms, self._weights), _MAX_GRADIENT_NORM)
        update_ema(self._ema, self._network, ema_decay)
        return {name: term.detach() for name, term in {**terms, "d_loss": d_loss}.items()}

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """Perceptual distance of full images, generated from their own masks and styles, from the photographs."""
        matrices, _ = alignment(faces.label_maps)
        generated = self._generate(faces, faces.label_maps, torch.ones_like(faces.pictures[:, :1]))
        fake, real = (self._frozen(x, matrices).objects for x in (generated, faces.pictures))
        distances = [
            w * (f.float() - r.float()).abs().mean()
            for w, f, r in zip(self._frozen.objects.weights, fake, real, strict=True)
        ]
        return torch.stack(distances).sum()

    @torch.no_grad()
    def samples(self, faces: Faces) -> Picture:
        """Columns: face, mask, full reconstruction, the same in the next row's style, a hole, and the filled hole."""
        full = torch.ones_like(faces.pictures[:, :1])
        generator = torch.Generator(faces.pictures.device).manual_seed(0)
        donors = faces.label_maps.roll(-1, dims=0)
        hole = sample_holes(faces.label_maps, donors, HoleConfig(full_image=0.0), generator)
        return grid(
            [
                faces.pictures,
                colour_column(faces.label_maps),
                self._generate(faces, faces.label_maps, full),
                self._generate(faces, faces.label_maps, full, roll_style=True),
                faces.pictures * (1 - hole),
                self._generate(faces, faces.label_maps, hole),
            ]
        )

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``edit.safetensors``, the EMA."""
        export_weights(folder, self._ema, self._config, progress)

    def _generate(self, faces: Faces, label_maps: Tensor, hole: Tensor, roll_style: bool = False) -> Tensor:
        """Fill holes with the EMA: N x 3 x S x S in [-1, 1]."""
        classes = self._ema.config.num_classes
        own, mask = one_hot(faces.label_maps, classes), one_hot(label_maps, classes)
        network = self._at_size(self._ema, faces.pictures)
        with autocast(self._config):
            style = network.encode_style(faces.pictures, own)
            return network(mask, style.roll(-1, dims=0) if roll_style else style, faces.pictures, hole)

    def _at_size(self, network: EditNetwork, pictures: Tensor) -> EditNetwork | CoarseEditNetwork:
        """The part of the network that draws pictures of this size: small ones teach the coarse network alone."""
        return network.coarse if pictures.shape[2] <= self._coarse_side else network

    def _draw_holes(self, faces: Faces) -> _Batch:
        real = faces.pictures.contiguous(memory_format=torch.channels_last)
        hole = sample_holes(faces.label_maps, faces.label_maps.roll(1, dims=0), self._config.holes)
        matrices, aligned = alignment(faces.label_maps)
        return _Batch(real, one_hot(faces.label_maps, self._network.config.num_classes), hole, matrices, aligned)

    def _draw_dropped_regions(self, batch: _Batch) -> Tensor:
        """Regions whose style the network must do without, N x regions: any of them, and often those it cannot see.

        An edit that adds a hat to who wears none has no style for it.
        """
        regions = mask_to_regions(batch.mask)
        covered = (regions * batch.hole).sum((2, 3)) > _COVERED * regions.sum((2, 3))
        draw = torch.rand(covered.shape, device=covered.device)
        unseen = torch.rand(len(covered), 1, device=covered.device) < self._config.drop_unseen_styles
        return (draw < self._config.drop_styles) | (covered & unseen)

    def _discriminate(self, batch: _Batch, image: Tensor, features: PictureFeatures) -> list[HeadOutput]:
        condition = torch.cat([batch.mask, batch.hole], dim=1).contiguous(memory_format=torch.channels_last)
        return self._discriminator(image, features.objects[1:], features.faces, condition, batch.alignment)
