"""The editor through its real HTTP path: how long a person waits for the picture, alone and among others.

    python -m benchmarks.serving [--people 16] [--seconds 20] [--weights FILE]

Starts ``maskgan serve`` as a process of its own and asks it what the page asks: previews while the pen moves, each as
soon as the one before has come, and the sharper picture when it is lifted. Prints medians, the ratio to rendering
with ``FaceEditor`` alone (in turns with the server, so that a busy machine slows both alike), the waits of many people
with their 95th percentile, the server's memory, and what became of every request. Ends with code 1 if one was lost or
answered with an error.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import numpy as np
from benchmarks.memory import resident_megabytes

from maskgan.assets import portrait, shipped_weights
from maskgan.editing.session import FaceEditor
from maskgan.images import read_label_map, read_picture
from maskgan.labels import INDEX, LabelMap

_ALONE_ROUNDS = 12
_POINTS = 8  # of a stroke, each answered by a preview
_LOOKS = 10  # at the server's memory
_PAUSE = 1.0  # seconds between the strokes of one of many people


@dataclass
class Seen:
    """What people saw: seconds they waited, and the answers' statuses."""

    preview: list[float] = field(default_factory=list)
    full: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


class Person:
    """Someone who edits a portrait."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        number: int,
        seen: Seen,
        lift: float = 0.0,  # seconds from the last preview to asking for the sharper picture
    ) -> None:
        self._client = client
        self._number = number
        self._seen = seen
        self._generator = np.random.default_rng(number)
        self._lift = lift
        self.path = ""
        self._mask: LabelMap = np.zeros((0, 0), dtype=np.uint8)

    async def begin(self) -> None:
        """Open a portrait."""
        answer = await self._client.post("/api/sessions", json={"portrait": self._number % 9 + 1})
        answer.raise_for_status()
        about = answer.json()
        self.path = f"/api/sessions/{about['id']}"
        mask = (await self._client.get(f"{self.path}/mask")).content
        self._mask = np.frombuffer(mask, dtype=np.uint8).reshape(about["height"], about["width"]).copy()

    async def stroke(self) -> None:
        """Draw a stroke of a few points, then lift the pen."""
        row, column = self._generator.integers(150, 350, 2)
        label = self._generator.choice([INDEX[name] for name in ("skin", "hair", "mouth", "u_lip", "l_brow")])
        for step in range(_POINTS):
            self._dab(row, column + 5 * step, label)
            await self.see("preview")
        await asyncio.sleep(self._lift)
        # The last point was not seen before the pen was lifted, so nothing can be taken from the last preview.
        self._dab(row + 5, column + 5 * _POINTS, label)
        await self.see("full")

    def _dab(self, row: int, column: int, label: int) -> None:
        self._mask[row : row + 12, column : column + 12] = label

    async def see(self, quality: str) -> None:
        """Ask for the picture of the mask as it is."""
        began = time.perf_counter()
        try:
            answer = await self._client.post(
                f"{self.path}/render?quality={quality}",
                content=gzip.compress(self._mask.tobytes(), 1),
                headers={"Content-Encoding": "gzip", "Content-Type": "application/octet-stream"},
            )
        except httpx.HTTPError as error:
            self._seen.statuses[f"lost ({type(error).__name__})"] += 1
            return
        self._seen.statuses[str(answer.status_code)] += 1
        getattr(self._seen, quality).append(time.perf_counter() - began)


@contextmanager
def running_server(weights: str | None) -> Iterator[tuple[str, int]]:
    """The address and process id of a server that runs until the block ends."""
    options = [] if weights is None else ["--weights", weights]
    command = [sys.executable, "-m", "maskgan", "serve", "--port", "0", "--quiet", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            address = next((word for word in line.split() if word.startswith("http://")), None)
            if address is None:
                raise SystemExit("the server did not start")
            yield address, process.pid
        finally:
            process.terminate()


async def alone(address: str, editor: FaceEditor) -> tuple[Seen, list[float]]:
    """One person's waits, and those for ``FaceEditor`` in turns with them."""
    seen, direct = Seen(), []
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        person = Person(client, 6, seen)
        await person.begin()
        picture, mask = (read(path) for read, path in zip((read_picture, read_label_map), portrait(7), strict=True))
        editor.set_source(picture, mask)
        for round_ in range(_ALONE_ROUNDS):
            await person.stroke()
            mask = mask.copy()
            mask[200 + round_ : 212 + round_, 200:240] = INDEX["hair"]
            editor.set_mask(mask)
            began = time.perf_counter()
            editor.render()
            direct.append(time.perf_counter() - began)
    return seen, direct


async def together(address: str, people: int, seconds: float) -> tuple[Seen, float]:
    """What many people see who draw at once, and the seconds that it took."""
    seen = Seen()
    limits = httpx.Limits(max_connections=people)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        crowd = [Person(client, number, seen) for number in range(people)]
        await asyncio.gather(*(person.begin() for person in crowd))
        began = time.perf_counter()

        async def edit(person: Person) -> None:
            while time.perf_counter() - began < seconds:
                await person.stroke()
                await asyncio.sleep(_PAUSE)

        await asyncio.gather(*(edit(person) for person in crowd))
    return seen, time.perf_counter() - began


def percentile(waits: list[float], part: float) -> float:
    """Seconds that this part (0 to 1) of the waits did not exceed; 0 where there are none."""
    return sorted(waits)[min(int(len(waits) * part), len(waits) - 1)] if waits else 0.0


def _waits(waits: list[float]) -> str:
    return (
        f"median {statistics.median(waits):6.3f} s   p95 {percentile(waits, 0.95):6.3f} s   longest {max(waits):6.3f} s"
    )


async def together_and_memory(address: str, people: int, seconds: float, process: int) -> tuple[Seen, float, list[int]]:
    """What many people see, and the server's resident MB at the start and after each tenth of the time."""
    memory = [resident_megabytes(process)]

    async def look() -> None:
        while True:
            await asyncio.sleep(seconds / _LOOKS)
            memory.append(resident_megabytes(process))

    looking = asyncio.create_task(look())
    seen, took = await together(address, people, seconds)
    looking.cancel()
    return seen, took, memory


def main() -> None:
    """Measure one person, then many."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--weights")
    arguments = parser.parse_args()
    editor = FaceEditor.from_weights(arguments.weights or shipped_weights("edit"))
    with running_server(arguments.weights) as (address, process):
        one, direct = asyncio.run(alone(address, editor))
        many, seconds, memory = asyncio.run(together_and_memory(address, arguments.people, arguments.seconds, process))
    pen_up, preview = statistics.median(one.full), statistics.median(one.preview)
    print(f"one person, pen-up to picture      median {pen_up:6.3f} s   longest {max(one.full):6.3f} s")
    print(
        f"one person, previews while drawing median {preview:6.3f} s   {1 / statistics.fmean(one.preview):.1f} a second"
    )
    print(f"FaceEditor alone                   median {statistics.median(direct):6.3f} s")
    print(f"server over FaceEditor             {pen_up / statistics.median(direct):.2f}")
    print(f"{arguments.people} people, pen-up to picture       {_waits(many.full)}")
    print(f"{arguments.people} people, previews               {_waits(many.preview)}")
    print(f"{arguments.people} people, pictures a second      {(len(many.full) + len(many.preview)) / seconds:.1f}")
    print(f"server's memory in MB, start and tenths of the time: {' '.join(map(str, memory))}")
    statuses = one.statuses + many.statuses
    print("answers: " + ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())))
    if set(statuses) - {"200", "204"}:
        raise SystemExit("some requests were lost or answered with an error")


if __name__ == "__main__":
    main()
