"""Everything at once, within a time: ``python -m benchmarks.attack [--minutes 20]``, from the repository's root.

Three fifths of the time go to the readers (in processes of their own), a fifth to painters; misuses of the interface,
sessions and kills in training are counted by it, and take more than what is left. Prints what was tried, and ends with
code 1 if there are findings; ``--reader NAME --number N`` reads one variant again. ``--readers-only --record FILE``
gives the readers all of the time, and goes on another day.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from benchmarks.attack.fuzzing import MEMORY_BYTES, fuzz
from benchmarks.attack.kills import kill_training
from benchmarks.attack.painters import paint
from benchmarks.attack.readers import all_readers, try_one
from benchmarks.attack.server import Misuse, fill_and_empty, misuse_interface, serving

_KILL_SECONDS = 10  # of one kill and what follows


def main() -> None:
    """Attack for some minutes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--first", type=int, default=1, help="number of the first variant; others are other inputs")
    parser.add_argument("--processes", type=int, default=2, help="that try inputs of readers at once")
    parser.add_argument("--readers-only", action="store_true", help="leave out server, painters and training")
    parser.add_argument("--record", type=Path, help="file that notes the readers' progress; from it they go on")
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--weights", type=Path, help="of the server; those that ship if absent")
    parser.add_argument("--reader", help="with --number: the reader of a finding")
    parser.add_argument("--number", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.reader:
        _again(arguments.reader, arguments.number)
        return
    seconds = 60 * arguments.minutes
    began = time.monotonic()
    share = 1.0 if arguments.readers_only else 0.6
    readers = fuzz(share * seconds, arguments.first, arguments.processes, arguments.record)
    print(
        f"readers      {readers.tried.total():,} inputs, {readers.refused.total():,} refused with one line", flush=True
    )
    print(
        f"             {len(readers.tried)} readers, slowest {readers.slowest:.2f} s, {readers.peak_bytes >> 20} MB "
        f"(bound {MEMORY_BYTES >> 20} MB)"
    )
    if arguments.readers_only:
        _end(readers.faults, began)
    misuse = Misuse()
    with serving(arguments.weights, misuse) as served:
        load = paint(served, arguments.people, 0.2 * seconds, misuse)
        misuse_interface(served, max(round(arguments.minutes * 10), 1), misuse, arguments.first)
        full, empty = fill_and_empty(served, max(round(arguments.minutes * 5), 5), misuse)
    print(
        f"painters     {arguments.people}: {load.seen.statuses.total()} pictures, pen-up p95 {load.pen_up_p95:.2f} s, "
        f"server's memory {' '.join(map(str, load.memory))} MB",
        flush=True,
    )
    print(f"interface    {misuse.tried} misuses", flush=True)
    print(f"sessions     the server's memory with many {full} MB, after they ended {empty} MB", flush=True)
    kills = max(round(0.1 * seconds / _KILL_SECONDS), 1)
    killed = kill_training(kills)
    print(f"training     {kills} kills")
    _end([*readers.faults, *misuse.faults, *killed], began)


def _end(faults: list[str], began: float) -> NoReturn:
    print(f"findings     {len(faults)}, after {(time.monotonic() - began) / 60:.1f} minutes")
    for fault in faults:
        print(f"  {fault}")
    raise SystemExit(1 if faults else 0)


def _again(name: str, number: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        reader = next(reader for reader in all_readers(Path(temporary)) if reader.name == name)
        result = try_one(reader, number, Path(temporary))
    print({None: "read", "": "refused"}.get(result, result))


if __name__ == "__main__":
    main()
