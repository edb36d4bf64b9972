"""Moving masks along MaskVAE's manifold: between two masks, and random ones. Numpy outside, tensors inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskgan.checkpoints.weights import load_weights
from maskgan.editing.mask_directions import load_directions
from maskgan.errors import UserError
from maskgan.face_parts import BROWS, EYES, MOUTH, NOSE
from maskgan.labels import INDEX, LabelMap, check_labels
from maskgan.networks.mask_vae import MaskVAE

_PARTS = (MOUTH, *((label,) for label in (*EYES, *BROWS, NOSE)))
_REDRAW_SHARE = 0.2  # of a part's pixels that must change before it is redrawn


class MaskManifold:
    """Masks as points that can be moved."""

    def __init__(self, vae: MaskVAE, device: str = "cpu", directions: Mapping[str, Tensor] | None = None) -> None:
        self._vae = vae.to(device=device).eval()
        self._device = device
        self._directions = {name: vector.to(device) for name, vector in (directions or {}).items()}

    @classmethod
    def from_weights(cls, path: Path, device: str = "cpu", directions: Path | None = None) -> MaskManifold:
        """The manifold of a weights file, perhaps with the directions found in it.

        Raises:
            UserError: a file is missing, damaged or of another model type, or the directions are another network's.
        """
        vae, _ = load_weights(path, model_type="mask-vae")
        assert isinstance(vae, MaskVAE)
        return cls(vae, device, None if directions is None else load_directions(directions, path))

    @property
    def directions(self) -> tuple[str, ...]:
        """Names for ``move_direction``."""
        return tuple(self._directions)

    def sample(self, count: int, seed: int, size: tuple[int, int]) -> Iterator[LabelMap]:
        """``count`` random masks, H x W uint8 each; the same for the same seed."""
        codes = self._vae.sample_codes(count, torch.Generator().manual_seed(seed))
        for code in codes:
            yield self._decode(code[None], size)

    def reconstruct(self, label_map: LabelMap) -> LabelMap:
        """The mask (H x W uint8) encoded and decoded again.

        Raises:
            UserError: a label is over 18.
        """
        return self._decode(self._encode(label_map), (label_map.shape[0], label_map.shape[1]))

    def interpolate(self, first: LabelMap, last: LabelMap, count: int) -> list[LabelMap]:
        """``count`` masks from ``first`` to ``last``, evenly spaced in code; the ends are reconstructions.

        Args:
            first: H x W uint8 0..18.
            last: of the same size.
            count: at least 2.

        Raises:
            UserError: the sizes differ, a label is over 18, or ``count`` is below 2.
        """
        if count < 2:
            raise UserError(f"an interpolation needs at least 2 masks, not {count}")
        if first.shape != last.shape:
            raise UserError(
                f"the masks are {first.shape[1]}x{first.shape[0]} and {last.shape[1]}x{last.shape[0]}; "
                "both must have one size"
            )
        start, end = self._encode(first), self._encode(last)
        size = (first.shape[0], first.shape[1])
        return [self._decode(torch.lerp(start, end, float(t)), size) for t in np.linspace(0, 1, count)]

    @torch.no_grad()
    def move_towards(self, label_map: LabelMap, other: LabelMap, amount: float) -> LabelMap:
        """A mask moved towards another face's mask, or away from it.

        Args:
            label_map: H x W uint8, 0..18.
            other: any size.
            amount: 0 moves nothing, 1 all the way, negative numbers away.

        Returns:
            H x W uint8; the details that the network cannot draw stay where nothing moved.

        Raises:
            UserError: a label is over 18.
        """
        return self._move(label_map, lambda code: amount * (self._encode(other) - code))

    @torch.no_grad()
    def towards_random(self, label_map: LabelMap, seed: int, amount: float) -> LabelMap:
        """A mask moved by ``amount`` (0..1) of the way towards a random mask, the same one for the same seed.

        Raises:
            UserError: a label is over 18.
        """
        target = self._vae.sample_codes(1, torch.Generator().manual_seed(seed))
        return self._move(label_map, lambda code: amount * (target - code))

    @torch.no_grad()
    def move_direction(self, label_map: LabelMap, direction: str, amount: float) -> LabelMap:
        """A mask moved along one of ``directions``, by ``amount`` (-1..1) of the longest sensible step.

        Raises:
            UserError: there is no such direction, or a label is over 18.
        """
        if direction not in self._directions:
            known = ", ".join(self._directions) or "none"
            raise UserError(f"unknown direction {direction!r}; known are {known}")
        return self._move(label_map, lambda _: amount * self._directions[direction])

    def encode(self, label_map: LabelMap) -> NDArray[np.float32]:
        """The code of a mask (H x W uint8), latent_size float32.

        Raises:
            UserError: a label is over 18.
        """
        return self._encode(label_map)[0].cpu().numpy()

    @torch.no_grad()
    def simulate_edits(self, label_map: LabelMap, other: LabelMap, strength: float = 2.5) -> tuple[LabelMap, LabelMap]:
        """A step towards another face's mask and a step away from it, as in editing training.

        Args:
            label_map: H x W uint8, 0..18.
            other: any size.
            strength: lambda_inter; the step is the difference of the codes divided by it.

        Raises:
            UserError: a label is over 18.
        """
        code = self._encode(label_map)
        step = (self._encode(other) - code) / strength
        size = (label_map.shape[0], label_map.shape[1])
        return self._decode(code + step, size), self._decode(code - step, size)

    def _move(self, label_map: LabelMap, step: Callable[[Tensor], Tensor]) -> LabelMap:
        code = self._encode(label_map)
        size = (label_map.shape[0], label_map.shape[1])
        return carry_over(label_map, self._decode(code, size), self._decode(code + step(code), size))

    @torch.no_grad()
    def _encode(self, label_map: LabelMap) -> Tensor:
        check_labels(label_map)
        return self._vae.encode_labels(torch.from_numpy(label_map.copy())[None].to(self._device))

    @torch.no_grad()
    def _decode(self, code: Tensor, size: tuple[int, int]) -> LabelMap:
        return self._vae.decode_labels(code, size)[0].cpu().numpy()


def carry_over(label_map: LabelMap, before: LabelMap, after: LabelMap) -> LabelMap:
    """What changes from ``before`` to ``after``, in ``label_map``.

    ``before`` is the network's reconstruction of ``label_map``, which lacks its details. Large classes change pixel by
    pixel; mouth, eyes, brows and nose are redrawn whole, or stay whole where they hardly change or would
    vanish: their outlines would break where two drawings meet.

    Args:
        label_map: H x W uint8.
        before: H x W uint8.
        after: H x W uint8.
    """
    result = np.where(before != after, after, label_map)
    for part in _PARTS:
        drawn = np.isin(before, part) | np.isin(after, part)
        own = np.isin(label_map, part)
        lost = set(np.unique(label_map[own])) - set(np.unique(after[drawn])) - {INDEX["mouth"]}  # a mouth may close
        if not lost and (before != after)[drawn].sum() > _REDRAW_SHARE * drawn.sum():
            result[drawn | own] = after[drawn | own]
        else:
            # Pixels that only the network counts to the part go back to what they were.
            result[drawn | own] = label_map[drawn | own]
    return result
