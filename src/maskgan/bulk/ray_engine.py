"""The shards of a job edited by Ray Data, on this machine or a cluster; each actor loads the networks once.

All machines must see the input shards and the output folder under the same paths.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

from maskgan.assets import WEIGHTS_VARIABLE
from maskgan.bulk.batch_editor import BatchEditor, Failure
from maskgan.bulk.job import BulkJob
from maskgan.bulk.shard_runner import ShardReport, edit_shard
from maskgan.bulk.shards import Shard
from maskgan.errors import MaskGANError, UserError

_MAX_BLOCKS = 10_000  # of rows, the units that Ray hands to actors


def run_ray(job: BulkJob, shards: list[Shard], actors: int | None) -> Iterator[ShardReport | None]:
    """Edit shards in Ray's actors; what became of them, as they are done.

    Args:
        job: what is asked for.
        shards: what to edit.
        actors: how many at most; ``None``: as many as Ray has cores, or GPUs where they compute.

    Raises:
        UserError: Ray is not installed, or as for ``edit_shard``.
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise UserError("--engine ray needs Ray: run pip install 'maskgan[ray]'") from None
    on_gpu = job.options.device == "cuda"
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    variables = {name: os.environ[name] for name in ("PYTHONPATH", WEIGHTS_VARIABLE) if name in os.environ}
    started = not ray.is_initialized()
    if started:
        ray.init(
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": "1", **variables}},
        )
    try:
        resources = ray.cluster_resources()
        actors = actors or max(int(resources.get("GPU" if on_gpu else "CPU", 1)), 1)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = False
        numbers = {shard.name: number for number, shard in enumerate(job.shards)}
        rows = ray.data.from_items(
            [{"number": numbers[shard.name]} for shard in shards], override_num_blocks=min(len(shards), _MAX_BLOCKS)
        )
        outcomes = rows.map(
            _ShardEditor,
            fn_constructor_args=(job,),
            concurrency=min(actors, len(shards)),
            num_cpus=1,
            num_gpus=1 if on_gpu else 0,
        )
        for outcome in outcomes.iter_rows():
            yield _report(outcome)
    finally:
        if started:
            ray.shutdown()


class _ShardEditor:
    """An actor."""

    def __init__(self, job: BulkJob) -> None:
        import torch

        torch.set_num_threads(1)
        self._job = job
        self._editor: BatchEditor | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Edit the shard of a row; errors are part of the answer, for Ray would try again and wrap them."""
        try:
            if self._editor is None:
                self._editor = BatchEditor(self._job.options)
            report = edit_shard(self._job, self._job.shards[int(row["number"])], self._editor)
        except MaskGANError as error:
            return _outcome(None, str(error), error.exit_code)
        return _outcome(report)


def _outcome(report: ShardReport | None, error: str = "", exit_code: int = 0) -> dict[str, Any]:
    """A row of one shape, whatever became of the shard."""
    found = ShardReport("") if report is None else report
    return {
        "shard": found.shard,
        "counts": [found.pictures, found.samples, found.filtered],
        "failures": [[failure.key, failure.recipe or "", failure.error] for failure in found.failures],
        "error": error,
        "exit_code": exit_code,
    }


def _report(outcome: dict[str, Any]) -> ShardReport | None:
    if outcome["error"]:
        raise UserError(outcome["error"]) if outcome["exit_code"] == 2 else MaskGANError(outcome["error"])
    if not outcome["shard"]:
        return None
    failures = [Failure(key, recipe or None, error) for key, recipe, error in outcome["failures"]]
    pictures, samples, filtered = (int(count) for count in outcome["counts"])
    return ShardReport(outcome["shard"], pictures, samples, filtered, failures)
