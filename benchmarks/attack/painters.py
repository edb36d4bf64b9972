"""Many people who paint at once: how long they wait, what is lost, and what memory the server takes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from benchmarks.attack.server import Misuse, Served
from benchmarks.serving import Seen, percentile, together


@dataclass
class Load:
    """What a crowd saw.

    Attributes:
        seen: waits and statuses.
        memory: of the server in MB, before, in the middle and at the end.
    """

    seen: Seen = field(default_factory=Seen)
    memory: tuple[int, int, int] = (0, 0, 0)

    @property
    def pen_up_p95(self) -> float:
        """Seconds from lifting the pen to the picture, which 95 of 100 did not exceed."""
        return percentile(self.seen.full, 0.95)


def paint(served: Served, people: int, seconds: float, misuse: Misuse) -> Load:
    """Let people paint, and count every request that was not answered with a picture as a fault."""
    before = served.memory()
    first, _ = asyncio.run(together(served.address, people, seconds / 2))
    middle = served.memory()
    seen, _ = asyncio.run(together(served.address, people, seconds / 2))
    seen.statuses += first.statuses
    seen.full += first.full
    seen.preview += first.preview
    for status, count in seen.statuses.items():
        if status not in ("200", "204"):
            misuse.faults.append(f"{count} x {status} while {people} people painted")
    return Load(seen, (before, middle, served.memory()))
