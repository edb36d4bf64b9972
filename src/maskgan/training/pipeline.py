"""MaskVAE, dense mapping and editing behaviour simulated training, one after another in one run folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from maskgan.training.config import SimulationOptions, TrainingConfig


@dataclass(frozen=True)
class _Part:
    """One stage's part of the whole budget, and what the supplement sets for it."""

    stage: str
    share: float
    batch_size: int
    learning_rate: float


_PARTS = (
    _Part("mask-vae", 0.15, 16, 2e-4),
    _Part("dense-mapping", 0.6, 8, 2e-4),
    _Part("editing", 0.25, 8, 5e-5),
)


def pipeline(
    whole: TrainingConfig, folder: Path, batch_size: int | None = None, learning_rate: float | None = None
) -> list[tuple[Path, TrainingConfig]]:
    """The run folder and config of each stage, in order.

    Args:
        whole: the budget of all three together, and what they share.
        folder: gets a folder for each stage, named like it.
        batch_size: of every stage; the supplement's (16 for MaskVAE, else 8) if ``None``.
        learning_rate: of every stage; the supplement's (5e-5 for editing, else 2e-4) if ``None``.
    """
    simulation = SimulationOptions(
        mask_vae=str(folder / "mask-vae" / "mask-vae.safetensors"),
        strength=whole.simulation.strength,
    )
    return [
        (
            folder / part.stage,
            replace(
                whole,
                stage=part.stage,
                batch_size=part.batch_size if batch_size is None else batch_size,
                learning_rate=part.learning_rate if learning_rate is None else learning_rate,
                images=max(round(whole.images * part.share), 1),
                minutes=None if whole.minutes is None else whole.minutes * part.share,
                base=str(folder / "dense-mapping") if part.stage == "editing" else "",
                simulation=simulation,
            ),
        )
        for part in _PARTS
    ]
