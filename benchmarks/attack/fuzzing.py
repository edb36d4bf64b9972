"""Readers tried with variant after variant in a process that may be killed: no traceback, no hang, bounded memory."""

from __future__ import annotations

import logging
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.attack.readers import all_readers, try_one

HANG_SECONDS = 5.0
"""Longest that an input may take."""
MEMORY_BYTES = 1 << 30
"""Memory that an input may take beyond what the process had: pictures have up to 64 megapixels."""

_REPORT = 50  # inputs between two reports


@dataclass
class Findings:
    """What the readers did."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    peak_bytes: int = 0
    slowest: float = 0.0


def fuzz(seconds: float, first: int = 0, names: Sequence[str] | None = None) -> Findings:
    """Try variants from number ``first`` on, the readers in turns, until the time is over."""
    findings, deadline, number = Findings(), time.monotonic() + seconds, first
    context = multiprocessing.get_context("spawn")
    while time.monotonic() < deadline:
        here, there = context.Pipe()
        worker = context.Process(target=_work, args=(there, number, names, deadline - time.monotonic()), daemon=True)
        worker.start()
        there.close()
        number = _watch(here, findings, number) + 1
        worker.kill()
        worker.join()
    return findings


def _watch(reports: Connection, findings: Findings, number: int) -> int:
    """Take a worker's reports until it ends or hangs; the last number that it began."""
    doing = "starting"
    patience = 120.0  # while it imports
    while True:
        try:
            if not reports.poll(patience):
                findings.faults.append(f"{doing}: took over {HANG_SECONDS:g} s")
                return number
            report = reports.recv()
        except EOFError:
            if doing != "done":
                findings.faults.append(f"{doing}: ended the process")
            return number
        patience = HANG_SECONDS * 3  # a busy machine is no hang; what took too long is told by the worker as well
        kind, value = report
        if kind == "doing":
            doing, number = f"{value[0]} {value[1]}", value[1]
        elif kind == "fault":
            findings.faults.append(value)
        elif kind == "counts":
            findings.tried.update(value[0])
            findings.refused.update(value[1])
            findings.peak_bytes = max(findings.peak_bytes, value[2])
            findings.slowest = max(findings.slowest, value[3])
        else:
            doing = "done"


def _work(reports: Connection, first: int, names: Sequence[str] | None, seconds: float) -> None:
    logging.getLogger("maskgan").setLevel(logging.ERROR)
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        readers = [reader for reader in all_readers(folder) if names is None or reader.name in names]
        for reader in readers:
            try_one(reader, 0, folder)  # libraries load themselves, which is no memory of an input
        before = _peak()
        tried: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        slowest, number = 0.0, first
        while time.monotonic() < deadline:
            for reader in readers:
                reports.send(("doing", (reader.name, number)))
                began = time.process_time()
                result = try_one(reader, number, folder)
                took = time.process_time() - began
                slowest = max(slowest, took)
                tried[reader.name] += 1
                refused[reader.name] += result == ""
                if result:
                    reports.send(("fault", f"{reader.name} {number}: {result}"))
                if took > HANG_SECONDS:
                    reports.send(("fault", f"{reader.name} {number}: took {took:.1f} s"))
                if (grown := _peak() - before) > MEMORY_BYTES:
                    reports.send(("fault", f"{reader.name} {number}: took {grown >> 20} MB"))
                    before += grown
            number += 1
            if number % _REPORT == 0 or time.monotonic() >= deadline:
                reports.send(("counts", (tried, refused, _peak() - before, slowest)))
                tried, refused = Counter(), Counter()
        reports.send(("done", None))


def _peak() -> int:
    """Most memory that the process has had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
