"""Whether ``maskgan bulk`` writes the same files however often it is killed, and by however many processes.

    python -m benchmarks.bulk_kill [--faces 1000] [--kills 10] [--seed 0] [--ray] [--weights FILE]

Draws faces, and edits them by three recipes: in one unbroken run of one process; in a run that is killed (SIGKILL, with
all its processes) at random moments and given again as often, by one process and two in turns; in one of two processes;
with ``--ray``, in one of two of Ray's actors. Compares the files of all byte for byte, prints the resident memory of
the unbroken run in tenths of the shards, and exits with 1 if a file differs or too few kills struck.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch
from benchmarks.memory import resident_megabytes

from maskgan.checkpoints.weights import WeightsInfo, save_weights
from maskgan.config import preset
from maskgan.data.synthetic.export import write_shards
from maskgan.networks.edit_network import EditNetwork

RECIPES = {
    "smile": [{"name": "smile", "amount": 0.7}],
    "glasses": [{"name": "glasses", "amount": "clear"}, {"name": "brows-raised", "amount": 0.5}],
    "ginger": [{"name": "hair-colour", "amount": "#b5642d"}, {"name": "lips-fuller", "amount": 0.6}],
}
_POLL = 0.25  # seconds between looks at a run
_PARTS = 10  # of the run for which memory is printed


@dataclass
class Watched:
    """What was seen of a run."""

    seconds: float = 0.0
    memory: list[tuple[int, int]] = field(default_factory=list)
    """Shards done, and resident megabytes of the process."""


class Collection:
    """Shards, recipes and weights in a folder, and the command over them."""

    def __init__(self, folder: Path, faces: int, side: int, per_shard: int, seed: int, weights: Path | None) -> None:
        self.folder = folder
        self.shards = -(-faces // per_shard)
        write_shards(folder / "faces", faces, side, seed, pairs_per_shard=per_shard)
        for name, edits in RECIPES.items():
            recipe = {"format": "maskgan-recipe", "version": 1, "edits": edits}
            (folder / f"{name}.json").write_text(json.dumps(recipe))
        self.weights = weights or _untrained(folder / "edit.safetensors", seed)

    def start(self, output: Path, *more: str) -> subprocess.Popen[bytes]:
        """A run, in a process group of its own."""
        recipes = [text for name in RECIPES for text in ("--recipe", str(self.folder / f"{name}.json"))]
        command = [sys.executable, "-m", "maskgan", "bulk", str(self.folder / "faces"), *recipes, "-o", str(output)]
        command += ["--framed", "--device", "cpu", "--weights", str(self.weights), *more]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def run(self, output: Path, *more: str) -> Watched:
        """A whole run.

        Raises:
            SystemExit: it failed.
        """
        watched, begun = Watched(), time.monotonic()
        process = self.start(output, *more)
        while process.poll() is None:
            watched.memory.append((_done(output), resident_megabytes(process.pid)))
            time.sleep(_POLL)
        watched.seconds = time.monotonic() - begun
        if process.returncode:
            raise SystemExit(f"{' '.join(map(str, process.args))}: exit code {process.returncode}")  # type: ignore[arg-type]
        return watched


def _untrained(path: Path, seed: int) -> Path:
    """Weights of a small edit network that has learnt nothing."""
    torch.manual_seed(seed)
    network = EditNetwork(preset("tiny").edit)
    save_weights(path, network, WeightsInfo("edit", network.config, 64, 0, "untrained", "none"))
    return path


def run_and_kill(
    collection: Collection, output: Path, kills: int, seconds: float, seed: int
) -> list[tuple[float, int]]:
    """Kill a run at random moments, and give the command again until it is done.

    Args:
        collection: what to edit.
        output: folder.
        kills: how often it is killed.
        seconds: of an unbroken run; within so many, all kills are expected to strike.
        seed: of the moments.

    Returns:
        For each kill that struck, seconds since the command was given, and shards done then.
    """
    source = random.Random(seed)
    struck: list[tuple[float, int]] = []
    for number in range(kills):
        process = collection.start(output, "--processes", str(1 + number % 2))
        moment = source.uniform(0, 1.6 * seconds / (kills + 1))
        try:
            process.wait(moment)
            break  # done before it could be killed
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        struck.append((moment, _done(output)))
        print(f"  killed after {moment:5.1f} s, {struck[-1][1]} of {collection.shards} shards done", flush=True)
    collection.run(output, "--processes", "1")
    return struck


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the files of a run, by name; hidden ones are no results."""
    files = sorted(path for path in folder.iterdir() if path.name[0] != ".")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def memory_by_part(memory: Sequence[tuple[int, int]], shards: int) -> list[int]:
    """Median resident megabytes in each tenth of the shards; tenths that were never seen are left out."""
    parts: dict[int, list[int]] = {}
    for done, resident in memory:
        if 0 < done < shards:
            parts.setdefault(done * _PARTS // shards, []).append(resident)
    return [round(statistics.median(found)) for _, found in sorted(parts.items())]


def _done(output: Path) -> int:
    return len(list(output.glob("*.tar")))  # those under way end with .partial


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=1000)
    parser.add_argument("--side", type=int, default=128, help="of the faces, in pixels")
    parser.add_argument("--faces-per-shard", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the faces, the network and the moments")
    parser.add_argument("--weights", type=Path, help="of the face network; default: a small untrained edit network")
    parser.add_argument("--ray", action="store_true", help="run in Ray's actors, too")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary one")
    options = parser.parse_args(arguments)
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        collection = Collection(
            folder, options.faces, options.side, options.faces_per_shard, options.seed, options.weights
        )
        print(f"{options.faces} faces of {options.side} px in {collection.shards} shards, {len(RECIPES)} recipes")
        unbroken = collection.run(folder / "unbroken", "--processes", "1")
        print(f"unbroken, 1 process: {unbroken.seconds:.0f} s", flush=True)
        print("resident MB by tenths of the shards:", *memory_by_part(unbroken.memory, collection.shards))
        struck = run_and_kill(collection, folder / "killed", options.kills, unbroken.seconds, options.seed)
        print(f"killed {len(struck)} times, then done", flush=True)
        two = collection.run(folder / "two", "--processes", "2")
        print(f"unbroken, 2 processes: {two.seconds:.0f} s", flush=True)
        if options.ray:
            ray = collection.run(folder / "ray", "--engine", "ray", "--processes", "2")
            print(f"unbroken, 2 of Ray's actors: {ray.seconds:.0f} s", flush=True)
        expected = digests(folder / "unbroken")
        equal = len(struck) == options.kills
        for other in ("killed", "two", *(["ray"] if options.ray else [])):
            found = digests(folder / other)
            differing = sorted(key for key in {*expected, *found} if expected.get(key) != found.get(key))
            equal = equal and not differing
            print(
                f"{other}: {len(found)} files, "
                + (f"{len(differing)} differ: {differing[0]}" if differing else "equal")
            )
        print("all files:", hashlib.sha256(json.dumps(expected).encode()).hexdigest())
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
