"""Progress of a run, and the schedules that follow it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Progress:
    """Where a run stands; part of its saved state.

    Attributes:
        step: steps done.
        images: images seen, over all processes.
        seconds: time spent in training, over all starts of the run.
        best: lowest validation loss so far.
    """

    step: int = 0
    images: int = 0
    seconds: float = 0.0
    best: float = math.inf

    def fraction(self, images: int, minutes: float | None) -> float:
        """Fraction of the budget spent, 0..1: of the time if one is given, else of the images."""
        spent = self.seconds / (60 * minutes) if minutes is not None else self.images / images
        return min(spent, 1.0)


def learning_rate(base: float, fraction: float, lr_decay_start: float) -> float:
    """Constant up to ``lr_decay_start``, then linear to zero at 1 (the reference: 100 epochs and 100 of decay)."""
    if fraction <= lr_decay_start:
        return base
    return base * (1 - fraction) / (1 - lr_decay_start)


def resolution_at(phases: Sequence[tuple[float, int]], fraction: float) -> int:
    """The side in force at ``fraction``: that of the last phase that has begun. Phases are (start, side)."""
    return [side for start, side in phases if start <= fraction][-1]


_EMA_RAMP_UP = 0.05  # EDM's; StyleGAN2 has the same
"""Half-life of an EMA, as a fraction of the images that it has seen so far, while it warms up."""


def ema_decay(halflife_kimg: float, batch_size: int) -> float:
    """Decay per step of an EMA whose half-life is ``halflife_kimg`` thousand images."""
    return float(0.5 ** (batch_size / max(1000 * halflife_kimg, 1e-8)))


def warmup_decay(updates: int) -> float:
    """Upper bound of the decay at an EMA's ``updates``-th update, counted from 1, if it started from random weights.

    The half-life grows with what the EMA itself has seen, as in the ramp-up of EDM (Karras et al., 2022, code) and
    StyleGAN2: 5 % of its images. An EMA that starts from trained weights needs none.
    """
    return float(0.5 ** (1 / (_EMA_RAMP_UP * updates)))
