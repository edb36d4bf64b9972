"""Readers tried with variant after variant in a process that may be killed: no traceback, no hang, bounded memory."""

from __future__ import annotations

import logging
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.attack.readers import all_readers, try_one

HANG_SECONDS = 5.0
"""Longest that an input may take."""
MEMORY_BYTES = 1 << 30
"""Memory that an input may take beyond what the process had: pictures have up to 64 megapixels."""

_REPORT = 1000  # inputs between two reports
_LAST = 10**12


@dataclass
class Findings:
    """What the readers did."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    peak_bytes: int = 0
    slowest: float = 0.0


def fuzz(seconds: float, first: int = 0, processes: int = 1) -> Findings:
    """Try variants from number ``first`` on, the readers in turns, until the time is over."""
    findings = Findings()
    deadline = time.monotonic() + seconds
    with ThreadPoolExecutor(processes) as pool:  # each waits for a process
        for own in pool.map(lambda own: _fuzz(deadline, range(first + own, _LAST, processes)), range(processes)):
            findings.tried += own.tried
            findings.refused += own.refused
            findings.faults += own.faults
            findings.peak_bytes = max(findings.peak_bytes, own.peak_bytes)
            findings.slowest = max(findings.slowest, own.slowest)
    return findings


def _fuzz(deadline: float, numbers: range) -> Findings:
    findings = Findings()
    context = multiprocessing.get_context("spawn")
    while numbers and time.monotonic() < deadline:
        here, there = context.Pipe()
        worker = context.Process(target=_work, args=(there, numbers, deadline - time.monotonic()), daemon=True)
        worker.start()
        there.close()
        last = _watch(here, findings)
        worker.kill()
        worker.join()
        if last is None:
            break  # it did not even begin
        numbers = numbers[numbers.index(last) + 1 :]
    return findings


def _watch(reports: Connection, findings: Findings) -> int | None:
    """Take a worker's reports until it ends or hangs; the last number that it began, if any."""
    doing, number = "starting", None
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


def _work(reports: Connection, numbers: range, seconds: float) -> None:
    logging.getLogger("maskgan").setLevel(logging.ERROR)
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        readers = all_readers(folder)
        for reader in readers:
            try_one(reader, 0, folder)  # libraries load themselves, which is no memory of an input
        before = _peak()
        tried: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        slowest = 0.0
        for number in numbers:
            for reader in (reader for reader in readers if number // numbers.step % reader.every == 0):
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
            over = time.monotonic() >= deadline
            if over or tried.total() >= _REPORT:
                reports.send(("counts", (tried, refused, _peak() - before, slowest)))
                tried, refused = Counter(), Counter()
            if over:
                break
        reports.send(("done", None))


def _peak() -> int:
    """Most memory that the process has had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
