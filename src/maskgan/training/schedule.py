"""How far a run has come, and what follows from that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Progress:
    """Where a run stands; part of its saved state.

    Attributes:
        step: steps done.
        images: pictures seen.
        seconds: time spent in training, over all starts of the run.
        best: the smallest distance from held-out pairs so far.
    """

    step: int = 0
    images: int = 0
    seconds: float = 0.0
    best: float = math.inf

    def fraction(self, images: int, minutes: float | None) -> float:
        """Share of the budget spent, 0..1: of the time if one is given, else of the pictures."""
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


def ema_decay(half_life: float, batch: int, images: int) -> float:
    """Decay a step of a moving average with ``half_life`` pictures; shorter in the beginning, when it means nothing."""
    return float(0.5 ** (batch / max(min(half_life, 0.1 * images), 1e-8)))
