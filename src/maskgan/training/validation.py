"""The validation loss: the same for any batch size and number of processes."""

from __future__ import annotations

from typing import TypeVar

import torch

from maskgan.data.batches import Batch
from maskgan.seeding import stream_seed
from maskgan.training.config import TrainingConfig
from maskgan.training.stage import Stage

CHUNK = 8
"""Samples that are evaluated together. Not the batch size: a loss may look at several samples at once."""

BatchT = TypeVar("BatchT", bound=Batch)


def validation_loss(stage: Stage[BatchT], config: TrainingConfig, val_set: BatchT) -> float:
    """The mean of ``stage.val_loss`` over all samples, summed in float64, at the final resolution.

    Only the main process computes it: the statistics of batch norms, of which its own are saved, differ between
    processes.
    """
    count, total = len(val_set.pictures), 0.0
    for start in range(0, count, CHUNK):
        chunk = val_set.part(slice(start, start + CHUNK))
        torch.manual_seed(stream_seed(config.seed, "validation", step=start))
        loss = stage.val_loss(chunk.to(config.device).prepared(config.final_side))
        total += float(loss) * len(chunk.pictures)
    return total / count
