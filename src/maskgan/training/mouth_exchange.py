"""Mouths exchanged between faces, as an edit would exchange them."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from maskgan.labels import LabelMap
from maskgan.metrics.face_geometry import scaled_pose
from maskgan.part_transfer import transfer_mouth

_EMPTY = 2  # beside 0 and 1, of what smiles


class MouthDonors(nn.Module):
    """The masks of the last faces that training saw, so that also a small batch finds a mouth of the same pose.

    A module, so that it is saved with the networks and a run that resumes goes on with the same donors; of several
    processes, each with those of the first.
    """

    def __init__(self, capacity: int, side: int) -> None:
        """For ``capacity`` label maps of ``side`` pixels."""
        super().__init__()
        self.label_maps: Tensor
        self.poses: Tensor
        self.smiling: Tensor
        self.next: Tensor
        self.register_buffer("label_maps", torch.zeros(capacity, side, side, dtype=torch.uint8))
        self.register_buffer("poses", torch.zeros(capacity, 3, dtype=torch.float64))
        self.register_buffer("smiling", torch.full((capacity,), _EMPTY, dtype=torch.uint8))
        self.register_buffer("next", torch.zeros((), dtype=torch.int64))

    def exchange(self, label_maps: NDArray[np.uint8], smiling: NDArray[np.bool_]) -> list[LabelMap | None]:
        """``exchange_mouths`` with these faces and those that were seen before as donors; these are kept too."""
        faces = _Faces.of(label_maps, smiling)
        for label_map, pose, smiles in zip(label_maps, faces.poses, smiling, strict=True):
            if np.isfinite(pose).all():
                place = int(self.next)
                self.label_maps[place] = torch.from_numpy(label_map)
                self.poses[place], self.smiling[place] = torch.from_numpy(pose), bool(smiles)
                self.next.copy_((self.next + 1) % len(self.smiling))
        empty = (self.smiling == _EMPTY).numpy()
        poses = np.where(empty[:, None], np.inf, self.poses.numpy())
        return _exchange(faces, _Faces(self.label_maps.numpy(), poses, self.smiling.numpy() == 1))


def exchange_mouths(label_maps: NDArray[np.uint8], smiling: NDArray[np.bool_]) -> list[LabelMap | None]:
    """Give each face the mouth of the one with the other expression that is turned most like it.

    Args:
        label_maps: N x S x S, labels 0..18.
        smiling: which of the faces smile, N.

    Returns:
        For each face its label map with that mouth, S x S; ``None`` if its own mask shows no whole face, or no other
        face has the other expression.
    """
    faces = _Faces.of(label_maps, smiling)
    return _exchange(faces, faces)


class _Faces(NamedTuple):
    label_maps: NDArray[np.uint8]  # N x S x S
    poses: NDArray[np.float64]  # ``scaled_pose`` of each, N x 3; infinite where there is none
    smiling: NDArray[np.bool_]  # N

    @classmethod
    def of(cls, label_maps: NDArray[np.uint8], smiling: NDArray[np.bool_]) -> Self:
        found = [scaled_pose(label_map) for label_map in label_maps]
        return cls(label_maps, np.stack([np.full(3, np.inf) if pose is None else pose for pose in found]), smiling)


def _exchange(faces: _Faces, donors: _Faces) -> list[LabelMap | None]:
    edited: list[LabelMap | None] = []
    for label_map, pose, smiles in zip(*faces, strict=True):
        others = np.flatnonzero((donors.smiling != smiles) & np.isfinite(donors.poses).all(axis=1))
        if not np.isfinite(pose).all() or not len(others):
            edited.append(None)
            continue
        nearest = others[((donors.poses[others] - pose) ** 2).sum(axis=1).argmin()]
        edited.append(transfer_mouth(label_map, donors.label_maps[nearest]))
    return edited
