"""Whether a graph is being exported."""

from __future__ import annotations

import torch


def is_traced() -> bool:
    """Whether a graph is traced: then sizes must stay free, and its runtimes keep channels before pixels in memory."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined,no-untyped-call]
