"""What a bulk run has done, for people."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from maskgan.bulk.job import BulkJob
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
    earlier_failures: int = 0
    """Of shards that were done when the run began."""
    unreadable: list[str] = field(default_factory=list)
    """Shards that could not be read at all."""

    @classmethod
    def of(cls, job: BulkJob) -> Totals:
        """Before anything is done, with a line about the shards that are done again."""
        missing = job.missing
        names = {shard.name for shard in missing}
        earlier = sum(job.failures(shard) for shard in job.shards if shard.name not in names)
        if changed := [shard.name for shard in missing if job.target(shard).exists()]:
            shown = ", ".join(changed[:_LISTED]) + (", ..." if len(changed) > _LISTED else "")
            _log.warning("done again, because their inputs have changed since: %s", shown)
        return cls(len(job.shards), len(missing), earlier_failures=earlier)

    def bar(self) -> Any:
        """A progress bar over the shards, where stderr is a terminal."""
        return tqdm(total=self.missing, unit="shard", leave=False, disable=None)

    def add(self, report: ShardReport | None) -> None:
        """Count a shard, and show its first failures; ``None``: another process has it."""
        if report is None:
            return
        if report.is_unreadable:
            self.unreadable.append(report.shard)
        else:
            self.done += 1
        if not report.pictures and not report.failures:
            _log.warning("%s.tar: holds no pictures", report.shard)
        self.pictures += report.pictures
        self.samples += report.samples
        self.filtered += report.filtered
        self.failures += len(report.failures)
        for failure in report.failures[:_LISTED]:
            by = "" if failure.recipe is None else f" by {failure.recipe}"
            what = f"{failure.key}{by}: " if failure.key else ""
            _log.warning("%s.tar: %s%s", report.shard, what, failure.error)
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

    def problem(self) -> str | None:
        """One line about what failed, in this run or in shards that were done before; ``None``: nothing did."""
        parts = []
        if count := self.failures - len(self.unreadable) + self.earlier_failures:
            before = f" ({self.earlier_failures} in shards done before)" if self.earlier_failures else ""
            parts.append(f"{count} failure{'s' * (count > 1)}{before}, listed in the .report.json files")
        if self.unreadable:
            shown = ", ".join(f"{name}.tar" for name in sorted(self.unreadable)[:_LISTED])
            more = ", ..." if len(self.unreadable) > _LISTED else ""
            parts.append(f"not done, because they cannot be read: {shown}{more}")
        return "; ".join([*parts, "all else is done"]) if parts else None
