"""Readers tried with variant after variant in a process that may be killed: no traceback, no hang, bounded memory."""

from __future__ import annotations

import json
import logging
import multiprocessing
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
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
_SAY_SECONDS = 60.0  # between two lines of progress


@dataclass
class Findings:
    """What the readers did."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    peak_bytes: int = 0
    slowest: float = 0.0

    def add(self, other: Findings) -> None:
        """Take in what another process did."""
        self.tried += other.tried
        self.refused += other.refused
        self.faults += other.faults
        self.peak_bytes = max(self.peak_bytes, other.peak_bytes)
        self.slowest = max(self.slowest, other.slowest)


class Record:
    """What has been tried, in a file, so that a later run goes on where this one stopped.

    Attributes:
        findings: of all runs so far.
        next: the number that each process begins with.
    """

    def __init__(self, path: Path | None, first: int, processes: int) -> None:
        self._path, self._lock = path, threading.Lock()
        self._began, self._before, self._said = time.monotonic(), 0, time.monotonic()
        self.findings = Findings()
        self.next = [first + own for own in range(processes)]
        if path is not None and path.exists():
            values = json.loads(path.read_text())
            if len(values["next"]) != processes:
                raise SystemExit(f"{path}: was made with --processes {len(values['next'])}; give that number again")
            self.next = values.pop("next")
            self.findings = Findings(Counter(values.pop("tried")), Counter(values.pop("refused")), **values)
            self._before = self.findings.tried.total()

    def add(self, own: int, found: Findings, following: int | None) -> None:
        """Take in what process ``own`` found up to the number ``following``, and say now and then how far it is."""
        with self._lock:
            self.findings.add(found)
            self.next[own] = self.next[own] if following is None else following
            if self._path is not None:
                half = self._path.with_suffix(".half")
                half.write_text(json.dumps({"next": self.next, **vars(self.findings)}, indent=1))
                half.replace(self._path)
            if time.monotonic() - self._said > _SAY_SECONDS:
                self._said = time.monotonic()
                total = self.findings.tried.total()
                rate = (total - self._before) / (self._said - self._began)
                faults = len(self.findings.faults)
                print(f"  {total:,} inputs, {rate:.0f} a second, {faults} findings", file=sys.stderr, flush=True)


def fuzz(seconds: float, first: int = 0, processes: int = 1, record: Path | None = None) -> Findings:
    """Try variants from number ``first`` on, the readers in turns, until the time is over.

    Args:
        seconds: to go on for.
        first: number of the first variant.
        processes: that try variants at once.
        record: file to note progress in; if it is there already, what it notes is gone on with.
    """
    noted = Record(record, first, processes)
    deadline = time.monotonic() + seconds
    with ThreadPoolExecutor(processes) as pool:  # each waits for a process
        list(pool.map(lambda own: _fuzz(deadline, noted, own, processes), range(processes)))
    return noted.findings


def _fuzz(deadline: float, noted: Record, own: int, processes: int) -> None:
    context = multiprocessing.get_context("spawn")
    while time.monotonic() < deadline:
        numbers = range(noted.next[own], _LAST, processes)
        here, there = context.Pipe()
        worker = context.Process(target=_work, args=(there, numbers, deadline - time.monotonic()), daemon=True)
        worker.start()
        there.close()
        last = _watch(here, lambda found, following: noted.add(own, found, following))
        worker.kill()
        worker.join()
        if last is None:
            break  # it did not even begin, or had no time left
        noted.next[own] = last + processes


def _watch(reports: Connection, note: Callable[[Findings, int | None], None]) -> int | None:
    """Take a worker's reports until it ends or hangs.

    Args:
        reports: the worker's.
        note: told what was found, and the number that comes next once all before it are counted.

    Returns:
        The last number that it began, if any.
    """
    doing, number = "starting", None
    patience = 120.0  # while it imports
    while True:
        try:
            if not reports.poll(patience):
                note(Findings(faults=[f"{doing}: took over {HANG_SECONDS:g} s"]), None)
                return number
            report = reports.recv()
        except EOFError:
            if doing != "done":
                note(Findings(faults=[f"{doing}: ended the process"]), None)
            return number
        patience = HANG_SECONDS * 3  # a busy machine is no hang; what took too long is told by the worker as well
        kind, value = report
        if kind == "doing":
            doing, number = f"{value[0]} {value[1]}", value[1]
        elif kind == "fault":
            note(Findings(faults=[value]), None)
        elif kind == "counts":
            note(*value)
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
                found = Findings(tried, refused, [], _peak() - before, slowest)
                reports.send(("counts", (found, number + numbers.step)))
                tried, refused = Counter(), Counter()
            if over:
                break
        reports.send(("done", None))


def _peak() -> int:
    """Most memory that the process has had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
