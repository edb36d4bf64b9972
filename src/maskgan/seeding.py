"""Random streams that do not overlap: each is seeded from a hash of what it is for.

A stream is named by the run's seed, its purpose, the process that draws from it and the step (or epoch) at which it
begins. Sums of these, such as seed + rank + step, would give one stream to several users.
"""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

MAX_SEED = 2**63 - 1
"""Largest seed that a run may be given; the smallest is 0."""


def stream_seed(seed: int, purpose: str, *, rank: int = 0, step: int = 0) -> int:
    """The seed of one random stream, 0..2**63 - 1: the start of a SHA-256.

    Args:
        seed: the run's.
        purpose: what the stream is for, such as ``augmentation``.
        rank: the process that draws from it; 0 for streams that all processes share.
        step: step, epoch or other number at which the stream begins.
    """
    name = f"{seed}|{purpose}|{rank}|{step}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little") >> 1


def torch_stream(seed: int, purpose: str, *, rank: int = 0, step: int = 0) -> torch.Generator:
    """A generator on the CPU at the start of a stream; arguments as for ``stream_seed``."""
    import torch  # here, because options are checked without it

    return torch.Generator().manual_seed(stream_seed(seed, purpose, rank=rank, step=step))


def python_stream(seed: int, purpose: str, *, rank: int = 0, step: int = 0) -> random.Random:
    """A generator of the standard library at the start of a stream; arguments as for ``stream_seed``."""
    return random.Random(stream_seed(seed, purpose, rank=rank, step=step))
