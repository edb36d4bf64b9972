"""The edit network learns that a face follows its mouth.

Holes in photographs, which the stage ``edit`` fills, always have a face around them that agrees with the mask. An edit
does not: a smiling mouth comes into a face that does not smile, or the other way round. Here mouths are exchanged
between faces as an edit would exchange them. A classifier of attributes says whether the result has the expression of
its mouth, a recogniser whether it is the same person, and the discriminators of ``edit`` whether it could be a
photograph; what the network draws may otherwise change little. Only the deep levels of the coarse network learn: what a
face shows, and not how skin or teeth are painted, which a classifier alone would spoil.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from maskgan.checkpoints.weights import load_weights
from maskgan.config import preset
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.batches import Faces
from maskgan.editing.edit_region import EditRegion, MovingFace, hole_around_mouth
from maskgan.editing.face_detail import keep_face_detail
from maskgan.face_alignment import alignment
from maskgan.face_parts import LIPS, MOUTH
from maskgan.images import Picture
from maskgan.labels import INDEX, LabelMap
from maskgan.losses.edit_terms import hinge_d_loss_in_holes, hinge_g_loss_in_holes
from maskgan.losses.frozen_features import FrozenFeatures, PictureFeatures
from maskgan.losses.loss_terms import weighted_sum
from maskgan.networks.coarse_edit_network import CoarseEditNetwork
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.feature_discriminator import FeatureDiscriminator, HeadOutput
from maskgan.networks.layers import one_hot
from maskgan.networks.resnet import AttributeClassifier
from maskgan.training.edit_config import ExpressionTrainingConfig, HoleConfig
from maskgan.training.holes import sample_holes
from maskgan.training.initialisation import load_from_weights
from maskgan.training.mouth_exchange import MouthDonors, exchange_mouths
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

_SMILING = ATTRIBUTES.index("Smiling")
_TEETH = INDEX["mouth"]  # what lies between the lips
_TEETH_SHARE = 0.15  # share of a mouth above which it counts as open
_BETAS, _D_BETAS = (0.9, 0.99), (0.0, 0.99)
_DONORS = 256  # masks: among so many nearly every face finds one of its pose
_MAX_GRADIENT_NORM = 5.0
_FINE_LEVELS = 2  # of encoder and decoder, at the largest sizes, which stay as they are
_LIPS_WEIGHT, _TEETH_WEIGHT = 4.0, 0.2  # of the distance: a classifier takes white lips for teeth
_REHEARSED = HoleConfig(full_image=0.1)  # fewer than in edit: they cost most
# How far the classifier's view is moved and scaled, as a fraction of the side, and its brightness and contrast changed.
_MOVE, _SCALE, _BRIGHTNESS, _CONTRAST = 0.03, 0.08, 0.08, 0.1


class _Practice(NamedTuple):
    """What the network is to draw into N faces."""

    style: Tensor  # of the faces, N x style_size
    labels: Tensor  # the mask to follow, N x S x S
    hole: Tensor  # N x 1 x S x S
    around: Tensor  # the face around the mouth before, N x 1 x S x S, 1 there
    moving: Sequence[MovingFace | None]  # None: the face's own mask, as a rehearsal of what it could do before
    target: Tensor  # whether the result is to smile, N, 0 or 1

    @property
    def exchanged(self) -> Tensor:
        """Which faces have another's mouth, N, bool."""
        return torch.tensor([moves is not None for moves in self.moving], device=self.hole.device)

    @property
    def touched(self) -> Tensor:
        """Where faces with another's mouth may differ from the photograph, N x 1 x S x S, 1 there."""
        return torch.maximum(self.hole, self.around) * self.exchanged[:, None, None, None]


class _Edit(NamedTuple):
    """What became of N faces, N x 3 x S x S in [-1, 1] each."""

    drawn: Tensor  # by the network that learns
    before: Tensor  # by the network as it was before this training
    result: Tensor  # as a person sees it


class ExpressionStage:
    """The deep levels of an edit network's coarse part; all else stays as it is."""

    def __init__(self, config: ExpressionTrainingConfig, setup: StageSetup) -> None:
        """Start from ``config.init_weights``, with the classifier of ``config``.

        Raises:
            UserError: a file is missing, damaged, or of another model type or size; or a package with frozen networks
                is missing.
        """
        self._config = config
        self._weights: Mapping[str, float] = asdict(config.weights)
        sizes = preset(config.preset)
        self._network = to_device(EditNetwork(sizes.edit), config.device)
        if not setup.resumes:
            load_from_weights(Path(config.init_weights), self._network)
        self._before, self._ema = ema_copy(self._network), ema_copy(self._network)
        self._side = sizes.edit_phases[-1][1]
        classifier, info = load_weights(Path(config.classifier), model_type="attributes")
        assert isinstance(classifier, AttributeClassifier)
        self._classifier = to_device(classifier, config.device).requires_grad_(False)
        self._classifier_side = info.resolution
        self._frozen = to_device(FrozenFeatures(), config.device)
        self._discriminator = to_device(
            FeatureDiscriminator(
                FrozenFeatures.OBJECT_MAPS, FrozenFeatures.FACE_MAPS, self._network.config.num_classes
            ),
            config.device,
        )
        self._donors = MouthDonors(_DONORS, config.final_side)
        self._network.requires_grad_(False)
        deep_levels = _deep_levels(self._network.coarse).requires_grad_(True)
        self._optimizer = adam(deep_levels, config.learning_rate, _BETAS)
        self._d_optimizer = adam(self._discriminator, config.learning_rate, _D_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "generator": self._network,
            "discriminator": self._discriminator,
            "ema": self._ema,
            # The file that it starts from may be another one by the time that a run resumes.
            "before": self._before,
            "donors": self._donors,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "generator": self._optimizer,
            "discriminator": self._d_optimizer,
        }

    def train_step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``."""
        practice = self._sample_practice(faces, self._config.rehearsals, self._donors.exchange)
        matrices, aligned = alignment(faces.label_maps)
        with autocast(self._config):
            with torch.no_grad():
                real_features = self._frozen(faces.pictures, matrices)
            edit = self._edit(self._network, faces, practice)
            fake_features = self._frozen(edit.result, matrices)
            # The discriminators learn first, so the network gets the answer of what they know now.
            d_real = self._discriminate(faces.pictures, real_features, faces.label_maps, practice, matrices)
            d_fake = self._discriminate(
                edit.result.detach(), fake_features.detached(), practice.labels, practice, matrices
            )
            d_loss = hinge_d_loss_in_holes(d_real, d_fake)
        optimizer_step(self._d_optimizer, d_loss)
        terms = self._terms(edit, practice, (fake_features.embedding, real_features.embedding), aligned, augment=True)
        with autocast(self._config):
            d_fake = self._discriminate(edit.result, fake_features, practice.labels, practice, matrices)
            terms["adversarial"] = hinge_g_loss_in_holes(d_fake)
        optimizer_step(self._optimizer, weighted_sum(terms, self._weights), _MAX_GRADIENT_NORM)
        update_ema(self._ema, self._network, ema_decay)
        logged = {name: term.detach() for name, term in {**terms, "d_loss": d_loss}.items()}
        return {**logged, "exchanged": practice.exchanged.float().mean()}

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """The terms of exchanged mouths but ``adversarial``, weighted; the mean over those faces that can exchange."""
        practice = self._sample_practice(faces, rehearsals=0)
        matrices, aligned = alignment(faces.label_maps)
        with autocast(self._config):
            edit = self._edit(self._ema, faces, practice)
            fake, real = (self._frozen(pictures, matrices).embedding for pictures in (edit.result, faces.pictures))
        terms = self._terms(edit, practice, (fake, real), aligned, augment=False)
        return weighted_sum({name: term for name, term in terms.items() if name != "rehearsal"}, self._weights)

    @torch.no_grad()
    def samples(self, faces: Faces) -> Picture:
        """Columns: face, the mask with another's mouth, the edit as it was before this training, and as it is now."""
        generator = torch.Generator(faces.pictures.device).manual_seed(0)
        practice = self._sample_practice(faces, rehearsals=0, generator=generator)
        with autocast(self._config):
            unedited = self._unedited(faces, practice)
            drawn = [self._draw(network.coarse, faces, practice) for network in (self._before, self._ema)]
        edits = [_composed(each, unedited, faces.pictures, practice.moving) for each in drawn]
        return grid([faces.pictures, colour_column(practice.labels), *edits])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``edit.safetensors``, the EMA with the detail level as it was."""
        export_weights(folder, self._ema, self._config, progress, self._side)

    def _edit(self, network: EditNetwork, faces: Faces, practice: _Practice) -> _Edit:
        with torch.no_grad():
            unedited, before = self._unedited(faces, practice), self._draw(self._before.coarse, faces, practice)
        drawn = self._draw(network.coarse, faces, practice)
        return _Edit(drawn, before, _composed(drawn, unedited, faces.pictures, practice.moving))

    def _terms(
        self,
        edit: _Edit,
        practice: _Practice,
        embeddings: tuple[Tensor, Tensor],  # of the edit and of the photograph
        aligned: Tensor,  # whether a face could be aligned, N, bool
        augment: bool,
    ) -> dict[str, Tensor]:
        """The terms of ``ExpressionLossWeights`` but ``adversarial``, unweighted scalars."""
        exchanged = practice.exchanged
        with autocast(self._config):
            logits = self._classifier(self._view(edit.result, augment))[:, _SMILING].float()
        entropy = F.binary_cross_entropy_with_logits(logits, practice.target, reduction="none")
        similarity = F.cosine_similarity(embeddings[0].float(), embeddings[1].float())
        distance = _distance(edit.drawn, edit.before, practice)
        return {
            "expression": _mean(entropy, exchanged & _teachable(practice)),
            "identity": _mean(1 - similarity, exchanged & aligned),
            "change": _mean(distance, exchanged),
            "rehearsal": _mean(distance, ~exchanged),
        }

    def _discriminate(
        self, pictures: Tensor, features: PictureFeatures, labels: Tensor, practice: _Practice, matrices: Tensor
    ) -> list[HeadOutput]:
        """Photographs or edits with their masks, N x S x S, and the alignment of their faces."""
        mask = one_hot(labels, self._network.config.num_classes)
        condition = torch.cat([mask, practice.touched], dim=1).contiguous(memory_format=torch.channels_last)
        return self._discriminator(pictures, features.objects[1:], features.faces, condition, matrices)

    def _sample_practice(
        self,
        faces: Faces,
        rehearsals: float,
        exchange: Callable[[NDArray[np.uint8], NDArray[np.bool_]], list[LabelMap | None]] = exchange_mouths,
        generator: torch.Generator | None = None,
    ) -> _Practice:
        """Exchange mouths, but not in a fraction of the faces, nor where there is no other expression."""
        with torch.no_grad(), autocast(self._config):
            smiles = self._classifier(self._view(faces.pictures, augment=False))[:, _SMILING] > 0
            # Style encoders do not learn here.
            one_hots = one_hot(faces.label_maps, self._before.config.num_classes)
            style = self._before.coarse.encode_style(faces.pictures, one_hots)
        own = faces.label_maps.cpu().numpy()
        device, size = faces.pictures.device, (own.shape[1], own.shape[2])
        rehearsed = torch.rand(len(own), generator=generator, device=device) < rehearsals
        holes = sample_holes(faces.label_maps, faces.label_maps.roll(1, dims=0), _REHEARSED, generator)
        labels, moving, around = own.copy(), list[MovingFace | None](), torch.zeros_like(holes)
        edited = exchange(own, smiles.cpu().numpy())
        for i, (after, keeps) in enumerate(zip(edited, rehearsed.tolist(), strict=True)):
            region = None if after is None or keeps else EditRegion(own[i], after)
            moves = None if region is None else region.moving_face(size)
            moving.append(moves)
            if region is not None and moves is not None:
                labels[i], holes[i] = region.after, region.hole(size)[0].to(device)
                around[i] = hole_around_mouth(own[i], size)[0].to(device)
        return _Practice(style, torch.from_numpy(labels).to(device), holes, around, moving, (~smiles).float())

    def _unedited(self, faces: Faces, practice: _Practice) -> Tensor:
        """What the network before this training draws around the mouths with the faces' own masks."""
        own = practice._replace(labels=faces.label_maps, hole=practice.around)
        return self._draw(self._before.coarse, faces, own)

    def _draw(self, network: CoarseEditNetwork, faces: Faces, practice: _Practice) -> Tensor:
        pictures = faces.pictures.contiguous(memory_format=torch.channels_last)
        mask = one_hot(practice.labels, network.config.num_classes)
        return network(mask, practice.style, pictures, practice.hole, network.window(practice.hole)).float()

    def _view(self, pictures: Tensor, augment: bool) -> Tensor:
        """Faces as the classifier sees them.

        Args:
            pictures: N x 3 x S x S in [-1, 1].
            augment: differently each time, or the network would learn to fool it with single pixels.
        """
        count, side = len(pictures), self._classifier_side
        small = F.adaptive_avg_pool2d(pictures.float(), side)
        if not augment:
            return small
        draw = torch.rand(count, 6, device=pictures.device) * 2 - 1
        scale, flip = 1 + _SCALE * draw[:, 0], draw[:, 1].sign()
        move = 2 * _MOVE * draw[:, 2:4]
        zero = torch.zeros_like(scale)
        matrices = torch.stack([scale * flip, zero, move[:, 0], zero, scale, move[:, 1]], dim=1).view(count, 2, 3)
        # In bfloat16 pixels would be sampled from up to half a pixel beside their places.
        with torch.autocast(pictures.device.type, enabled=False):
            places = F.affine_grid(matrices, list(small.shape), align_corners=False)
            moved = F.grid_sample(small, places, padding_mode="reflection", align_corners=False)
        contrast, brightness = 1 + _CONTRAST * draw[:, 4], _BRIGHTNESS * draw[:, 5]
        return moved * contrast[:, None, None, None] + brightness[:, None, None, None]


def _deep_levels(network: CoarseEditNetwork) -> nn.ModuleList:
    """The layers that learn."""
    layers = [*network.down[_FINE_LEVELS:], network.attention, *network.residual]
    return nn.ModuleList([*layers, *network.up[: len(network.up) - _FINE_LEVELS]])


def _composed(drawn: Tensor, unedited: Tensor, pictures: Tensor, moving: Sequence[MovingFace | None]) -> Tensor:
    """The network's pictures of edits as a person sees them, N x 3 x S x S in [-1, 1]."""
    results = []
    with torch.autocast(drawn.device.type, enabled=False):
        for i, moves in enumerate(moving):
            each = drawn[i : i + 1]
            if moves is not None:
                each, without, picture = (x[i : i + 1].cpu() for x in (drawn, unedited, pictures))
                each = keep_face_detail(each, without, picture, moves)
            results.append(each.to(drawn.device))
    return torch.cat(results)


def _distance(drawn: Tensor, before: Tensor, practice: _Practice) -> Tensor:
    """Absolute difference over the area of the holes, N; lips count more than skin, teeth less."""
    labels, weights = practice.labels[:, None], practice.hole
    lips = torch.stack([labels == label for label in LIPS]).any(0)
    weights = torch.where(lips, _LIPS_WEIGHT, torch.where(labels == _TEETH, _TEETH_WEIGHT, 1.0)) * weights
    difference = ((drawn - before).abs().mean(1, keepdim=True) * weights).sum((1, 2, 3))
    return difference / practice.hole.sum((1, 2, 3)).clamp_min(1)


def _teachable(practice: _Practice) -> Tensor:
    """Where the classifier may teach, N, bool: not where lips are to smile closed.

    It would have teeth on them, or where lips are kept from that, pale streaks around them.
    """
    mouth = torch.stack([practice.labels == label for label in MOUTH]).any(0).sum((1, 2))
    teeth = (practice.labels == _TEETH).sum((1, 2))
    return (practice.target == 0) | (teeth > _TEETH_SHARE * mouth)


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    """The mean over the chosen of N values; 0 if there are none."""
    return (values * chosen).sum() / chosen.sum().clamp_min(1)
