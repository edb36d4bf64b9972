"""One shard from beginning to end: read, edited, measured, written under a temporary name, renamed when it is done.

Decoding and the search for faces run one window of photographs ahead of the networks, encoding one behind, on threads.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, TypeVar

import torch
from filelock import FileLock, Timeout

from maskgan.bulk.batch_editor import BatchEditor, Failure, Photograph
from maskgan.bulk.job import BulkJob
from maskgan.bulk.samples import sample_files, sample_json
from maskgan.bulk.shards import EncodedPicture, Shard, read_pictures
from maskgan.errors import UserError
from maskgan.files import atomic_path
from maskgan.images import decode_source

ItemT = TypeVar("ItemT")

_WINDOW_PIXELS = 48_000_000  # of results in memory together, but for those of one photograph
_ENCODERS = 2


@dataclass
class ShardReport:
    """What became of a shard."""

    shard: str
    pictures: int = 0
    """Read."""
    samples: int = 0
    """Written."""
    filtered: int = 0
    """Left out because they do not meet the requirements."""
    failures: list[Failure] = field(default_factory=list)
    input: dict[str, Any] = field(default_factory=dict)
    """``Shard.fingerprint`` before it was read."""

    @property
    def is_unreadable(self) -> bool:
        """Whether the tar is damaged and no picture could be read, so that the shard is not done."""
        return not self.pictures and any(not failure.key for failure in self.failures)


def edit_shard(job: BulkJob, shard: Shard, editor: BatchEditor) -> ShardReport | None:
    """Edit all pictures of a shard.

    Args:
        job: what is asked for.
        shard: one of its shards.
        editor: the networks.

    Returns:
        What became of it; ``None`` if it is done already, or another process works on it. Of a damaged tar without any
        picture that can be read, nothing is written.

    Raises:
        UserError: too many pictures fail, or a file cannot be read or written; nothing is left under the shard's name.
    """
    target = job.target(shard)
    lock = FileLock(job.output / f".{shard.name}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    try:
        if job.is_done(shard):
            return None
        return _edit_locked(job, shard, editor)
    except OSError as error:
        raise UserError(f"{target}: cannot be written: {(error.strerror or str(error)).lower()}") from error
    finally:
        (job.output / f".{shard.name}.lock").unlink(missing_ok=True)
        lock.release()


def _edit_locked(job: BulkJob, shard: Shard, editor: BatchEditor) -> ShardReport:
    report = ShardReport(shard.name, input=shard.fingerprint())
    # One name a shard: what a killed run left is written over by the next.
    partial = job.output / f".{shard.name}.tar.partial"
    try:
        with open(partial, "wb") as stream:
            _write(job, shard, editor, report, stream)
            stream.flush()
            os.fsync(stream.fileno())
        if report.is_unreadable:
            return report
        job.target(shard).unlink(missing_ok=True)  # of another input, which the new report must not vouch for
        with atomic_path(job.report(shard)) as sidecar:
            sidecar.write_text(json.dumps(asdict(report), indent=1) + "\n")
        partial.replace(job.target(shard))
    finally:
        partial.unlink(missing_ok=True)
    return report


def _write(job: BulkJob, shard: Shard, editor: BatchEditor, report: ShardReport, stream: BinaryIO) -> None:
    encoding: deque[list[Future[list[tuple[str, bytes]]]]] = deque()

    def write_next() -> None:
        for future in encoding.popleft():
            for name, content in future.result():
                _add(tar, name, content)
            report.samples += 1

    with (
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ThreadPoolExecutor(1, "decoding", _one_thread) as decoder,
        ThreadPoolExecutor(_ENCODERS, "encoding", _one_thread) as encoder,
    ):
        for window in _ahead(_windows(job, shard, editor), decoder):
            photographs = [item for item in window if isinstance(item, Photograph)]
            report.pictures += sum(not isinstance(item, Failure) or bool(item.key) for item in window)
            results, failures = editor.edit(photographs, job.recipes)
            report.failures += [item for item in window if isinstance(item, Failure)] + failures
            _check_failures(report, job.options.max_bad_samples)
            told = [(one, sample_json(one, job)) for one in results]
            kept = [(one, json_) for one, json_ in told if all(r.holds(json_) for r in job.requirements)]
            report.filtered += len(told) - len(kept)
            encoding.append([encoder.submit(sample_files, one, json_, job.options.format) for one, json_ in kept])
            if len(encoding) > 1:
                write_next()
        while encoding:
            write_next()


def _windows(job: BulkJob, shard: Shard, editor: BatchEditor) -> Iterator[list[Photograph | Failure]]:
    """Photographs to edit together: a batch, fewer where they are large or recipes many."""
    count, most = job.options.batch_size, _WINDOW_PIXELS // max(len(job.recipes), 1)
    window: list[Photograph | Failure] = []
    pixels = 0
    for encoded in read_pictures(shard):
        opened = _opened(encoded, editor)
        window.append(opened)
        pixels += 0 if isinstance(opened, Failure) else opened.picture.size // 3
        if len(window) == count or pixels >= most:
            yield window
            window, pixels = [], 0
    if window:
        yield window


def _opened(encoded: EncodedPicture, editor: BatchEditor) -> Photograph | Failure:
    if encoded.problem is not None:
        return Failure(encoded.key, None, encoded.problem)
    try:
        source = decode_source(io.BytesIO(encoded.data), f"{encoded.key}{encoded.suffix}")
        faces = editor.find_faces(source.picture)
    except UserError as error:
        return Failure(encoded.key, None, str(error))
    return Photograph(encoded.key, source, faces, encoded.suffix in (".jpg", ".jpeg"))


def _ahead(items: Iterator[ItemT], pool: ThreadPoolExecutor) -> Iterator[ItemT]:
    """Items, the next of which is made while the caller works on one."""
    future = pool.submit(next, items, None)
    while (item := future.result()) is not None:
        future = pool.submit(next, items, None)
        yield item


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    # A fresh TarInfo carries time 0, user 0 and mode 644, so that the same samples give the same bytes.
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _check_failures(report: ShardReport, most: int) -> None:
    count = len({failure.key for failure in report.failures})
    if count > most:
        first = report.failures[0]
        raise UserError(
            f"{report.shard}: over {most} pictures failed, the first {first.key or 'the tar'}: {first.error}; "
            "mend the shard, or raise --max-bad-samples"
        )


def _one_thread() -> None:
    torch.set_num_threads(1)
