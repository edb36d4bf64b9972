"""The edit network learns that a face follows its mouth.

Holes in photographs, which the stage ``edit`` fills, always have a face around them that agrees with the mask. An edit
does not: a smiling mouth comes into a face that does not smile, or the other way round. Here mouths are exchanged
between faces as an edit would exchange them. A classifier of attributes says whether the result has the expression of
its mouth, a recogniser whether it is the same person; what the network draws may otherwise change little. Only the deep
levels of the coarse network learn: what a face shows, and not how skin or teeth are painted, which a classifier alone
would spoil.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from maskgan.checkpoints.weights import load_weights, read_info
from maskgan.config import preset
from maskgan.data.annotations import ATTRIBUTES
from maskgan.data.batches import Faces
from maskgan.distributed import world_size
from maskgan.editing.edit_region import EditRegion, MovingFace, hole_around_mouth
from maskgan.editing.face_detail import keep_face_detail
from maskgan.errors import UserError
from maskgan.face_alignment import align, alignment
from maskgan.face_parts import LIPS, MOUTH
from maskgan.images import Picture
from maskgan.labels import INDEX, LabelMap
from maskgan.losses.loss_terms import weighted_sum
from maskgan.metrics.face_geometry import scaled_pose
from maskgan.networks.coarse_edit_network import CoarseEditNetwork
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.layers import one_hot
from maskgan.networks.resnet import AttributeClassifier
from maskgan.networks.sface import load_sface
from maskgan.part_transfer import transfer_mouth
from maskgan.training.edit_config import ExpressionTrainingConfig, HoleConfig
from maskgan.training.holes import sample_holes
from maskgan.training.initialisation import load_from_weights
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
_BETAS = (0.9, 0.99)
_MAX_GRADIENT_NORM = 5.0
_FINE_LEVELS = 2  # of encoder and decoder, at the largest sizes, which stay as they are
_LIPS_WEIGHT, _TEETH_WEIGHT = 4.0, 0.5  # of the distance: a classifier takes white lips for teeth
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


class ExpressionStage:
    """The deep levels of an edit network's coarse part; all else stays as it is."""

    def __init__(self, config: ExpressionTrainingConfig, setup: StageSetup) -> None:
        """Start from ``config.init_weights``, with the classifier of ``config``.

        Raises:
            UserError: a file is missing, damaged, or of another model type or size; or the package with SFace is; or
                there are fewer than two faces for each process.
        """
        if config.batch_size < 2 * world_size():
            raise UserError(
                f"--batch-size must be at least {2 * world_size()}: the faces of a process exchange their mouths"
            )
        self._config = config
        self._weights: Mapping[str, float] = asdict(config.weights)
        del setup  # what it starts from is what it is compared with, so a run that resumes needs it too
        self._network = to_device(EditNetwork(preset(config.preset).edit), config.device)
        load_from_weights(Path(config.init_weights), self._network)
        self._before, self._ema = ema_copy(self._network), ema_copy(self._network)
        self._side = read_info(Path(config.init_weights)).resolution
        classifier, info = load_weights(Path(config.classifier), model_type="attributes")
        assert isinstance(classifier, AttributeClassifier)
        self._classifier = to_device(classifier, config.device).requires_grad_(False)
        self._classifier_side = info.resolution
        self._sface = to_device(load_sface(), config.device).eval().requires_grad_(False)
        self._network.requires_grad_(False)
        deep_levels = _deep_levels(self._network.coarse).requires_grad_(True)
        self._optimizer = adam(deep_levels, config.learning_rate, _BETAS)
        self.networks: Mapping[str, nn.Module] = {"generator": self._network, "ema": self._ema}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"generator": self._optimizer}

    def train_step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.train_step``."""
        practice = self._sample_practice(faces, self._config.rehearsals)
        terms = self._terms(self._network, faces, practice, augment=True)
        optimizer_step(self._optimizer, weighted_sum(terms, self._weights), _MAX_GRADIENT_NORM)
        update_ema(self._ema, self._network, ema_decay)
        return {**{name: term.detach() for name, term in terms.items()}, "exchanged": practice.exchanged.float().mean()}

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """The weighted terms of exchanged mouths, the mean over those that the faces given here can exchange."""
        practice = self._sample_practice(faces, rehearsals=0)
        terms = self._terms(self._ema, faces, practice, augment=False)
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

    def _terms(self, network: EditNetwork, faces: Faces, practice: _Practice, augment: bool) -> dict[str, Tensor]:
        """The terms of ``ExpressionLossWeights``, unweighted scalars."""
        exchanged = practice.exchanged
        with autocast(self._config):
            with torch.no_grad():
                unedited, before = self._unedited(faces, practice), self._draw(self._before.coarse, faces, practice)
            drawn = self._draw(network.coarse, faces, practice)
            result = _composed(drawn, unedited, faces.pictures, practice.moving)
            logits = self._classifier(self._view(result, augment))[:, _SMILING].float()
            matrices, aligned = alignment(faces.label_maps)
            embeddings = [self._sface(align(picture, matrices))[0].float() for picture in (result, faces.pictures)]
        entropy = F.binary_cross_entropy_with_logits(logits, practice.target, reduction="none")
        similarity = F.cosine_similarity(*embeddings)
        distance = _distance(drawn, before, practice)
        return {
            "expression": _mean(entropy, exchanged & _teachable(practice)),
            "identity": _mean(1 - similarity, exchanged & aligned),
            "change": _mean(distance, exchanged),
            "rehearsal": _mean(distance, ~exchanged),
        }

    def _sample_practice(self, faces: Faces, rehearsals: float, generator: torch.Generator | None = None) -> _Practice:
        """Exchange mouths, but not in a fraction of the faces, nor where the batch holds no other expression."""
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
        edited = exchange_mouths(own, smiles.cpu().numpy())
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


def exchange_mouths(label_maps: NDArray[np.uint8], smiling: NDArray[np.bool_]) -> list[LabelMap | None]:
    """Give each face the mouth of the one with the other expression that is turned most like it.

    Args:
        label_maps: N x S x S, labels 0..18.
        smiling: which of the faces smile, N.

    Returns:
        For each face its label map with that mouth, S x S; ``None`` if its own mask shows no whole face, or no other
        face has the other expression.
    """
    found = [scaled_pose(label_map) for label_map in label_maps]
    poses = np.stack([np.full(3, np.inf) if pose is None else pose for pose in found])
    edited: list[LabelMap | None] = []
    for i, label_map in enumerate(label_maps):
        donors = np.flatnonzero((smiling != smiling[i]) & np.isfinite(poses).all(axis=1))
        if not np.isfinite(poses[i]).all() or not len(donors):
            edited.append(None)
            continue
        nearest = donors[((poses[donors] - poses[i]) ** 2).sum(axis=1).argmin()]
        edited.append(transfer_mouth(label_map, label_maps[nearest]))
    return edited


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
    """Where the classifier may teach, N, bool: not where lips are to smile closed, for it would have teeth on them."""
    mouth = torch.stack([practice.labels == label for label in MOUTH]).any(0).sum((1, 2))
    teeth = (practice.labels == _TEETH).sum((1, 2))
    return (practice.target == 0) | (teeth > _TEETH_SHARE * mouth)


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    """The mean over the chosen of N values; 0 if there are none."""
    return (values * chosen).sum() / chosen.sum().clamp_min(1)
