"""What a bulk run has done, for people."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from maskgan.bulk.shard_runner import ShardReport

_LISTED = 5  # failures of a shard that are shown; the file beside the shard lists all
_log = logging.getLogger(__name__)


@dataclass
class Totals:
    """Sums over the shards of a run."""

    shards: int
    missing: int
    """Shards that were not done when the run began."""
    done: int = 0
    pictures: int = 0
    samples: int = 0
    filtered: int = 0
    failures: int = 0

    def bar(self) -> Any:
        """A progress bar over the shards, where stderr is a terminal."""
        return tqdm(total=self.missing, unit="shard", leave=False, disable=None)

    def add(self, report: ShardReport | None) -> None:
        """Count a shard, and show its first failures; ``None``: another process has it."""
        if report is None:
            return
        self.done += 1
        self.pictures += report.pictures
        self.samples += report.samples
        self.filtered += report.filtered
        self.failures += len(report.failures)
        for failure in report.failures[:_LISTED]:
            by = "" if failure.recipe is None else f" by {failure.recipe}"
            _log.warning("%s.tar: %s%s: %s", report.shard, failure.key or "damaged", by, failure.error)
        if len(report.failures) > _LISTED:
            _log.warning("%s.report.json lists all %d failures", report.shard, len(report.failures))

    def summary(self, seconds: float) -> str:
        """One line."""
        before = self.shards - self.missing
        parts = [
            f"{self.done} of {self.shards} shards" + (f" ({before} were done)" if before else ""),
            f"{self.pictures} photographs",
            f"{self.samples} results",
        ]
        if self.filtered:
            parts.append(f"{self.filtered} left out")
        if self.failures:
            parts.append(f"{self.failures} failures")
        if self.pictures:
            parts.append(f"{self.pictures / seconds:.2f} photographs/s")
        return ", ".join(parts)
