"""Moving masks along MaskVAE's manifold: between two masks, and random ones. Numpy outside, tensors inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from maskgan.checkpoints.weights import load_weights
from maskgan.errors import UserError
from maskgan.labels import LabelMap, check_labels
from maskgan.networks.mask_vae import MaskVAE


class MaskManifold:
    """Masks as points that can be moved."""

    def __init__(self, vae: MaskVAE, device: str = "cpu") -> None:
        self._vae = vae.to(device=device).eval()
        self._device = device

    @classmethod
    def from_weights(cls, path: Path, device: str = "cpu") -> MaskManifold:
        """The manifold of a weights file.

        Raises:
            UserError: it is missing, damaged or of another kind.
        """
        vae, _ = load_weights(path, kind="mask-vae")
        assert isinstance(vae, MaskVAE)
        return cls(vae, device)

    def sample(self, count: int, seed: int, size: tuple[int, int]) -> Iterator[LabelMap]:
        """``count`` random masks, H x W uint8 each; the same for the same seed."""
        codes = self._vae.sample_codes(count, torch.Generator().manual_seed(seed))
        for code in codes:
            yield self._decode(code[None], size)

    def give_back(self, label_map: LabelMap) -> LabelMap:
        """The mask (H x W uint8) after its way through the code.

        Raises:
            UserError: a label is over 18.
        """
        return self._decode(self._encode(label_map), (label_map.shape[0], label_map.shape[1]))

    def interpolate(self, first: LabelMap, last: LabelMap, count: int) -> list[LabelMap]:
        """``count`` masks from ``first`` to ``last``, evenly spaced in code; the ends are given back by the network.

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
    def simulated_edits(self, label_map: LabelMap, other: LabelMap, strength: float = 2.5) -> tuple[LabelMap, LabelMap]:
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

    @torch.no_grad()
    def _encode(self, label_map: LabelMap) -> Tensor:
        check_labels(label_map)
        return self._vae.encode_labels(torch.from_numpy(label_map.copy())[None].to(self._device))

    @torch.no_grad()
    def _decode(self, code: Tensor, size: tuple[int, int]) -> LabelMap:
        return self._vae.decode_labels(code, size)[0].cpu().numpy()
