"""How long a person waits for the picture while the server fits its network to a photograph.

    python -m benchmarks.refining [--strokes 12] [--rest 1.0]

Starts ``maskgan serve`` and draws strokes as the page does: previews while the pen moves, the sharper picture 0.2 s
after it is lifted, then a rest. First without, then with a refinement going on, begun anew whenever it is done. Prints
how long the pictures took, and how long the refinement takes where nobody draws.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time

import httpx
from benchmarks.serving import Person, Seen, running_server

_POLL = 0.1


async def refined(client: httpx.AsyncClient, path: str) -> None:
    """Fit the network once."""
    (await client.post(f"{path}/refinement", json={})).raise_for_status()
    while (await client.get(f"{path}/refinement")).json()["state"] == "running":
        await asyncio.sleep(_POLL)


async def again_and_again(client: httpx.AsyncClient, path: str) -> None:
    """Fit the network until cancelled."""
    while True:
        await refined(client, path)


async def drawn(client: httpx.AsyncClient, strokes: int, rest: float, refining: bool) -> Seen:
    """What somebody saw who drew strokes."""
    seen = Seen()
    person = Person(client, 6, seen, lift=0.2)
    await person.begin()
    job = asyncio.create_task(again_and_again(client, person.path)) if refining else None
    for _ in range(strokes):
        await asyncio.sleep(rest)
        await person.stroke()
    if job is not None:
        job.cancel()
        await client.delete(f"{person.path}/refinement")
    return seen


async def measure(address: str, strokes: int, rest: float) -> None:
    """Draw without and with refinement, and print."""
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        for refining in (False, True):
            seen = await drawn(client, strokes, rest, refining)
            for name, waits in (("pen-up to picture", seen.full), ("previews", seen.preview)):
                print(
                    f"{'refining' if refining else 'alone':9} {name:18} "
                    f"median {statistics.median(waits):6.3f} s   longest {max(waits):6.3f} s"
                )
        person = Person(client, 6, Seen())
        await person.begin()
        began = time.perf_counter()
        await refined(client, person.path)
        print(f"refinement where nobody draws    {time.perf_counter() - began:6.1f} s")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strokes", type=int, default=12)
    parser.add_argument("--rest", type=float, default=1.0)
    arguments = parser.parse_args()
    with running_server(None) as (address, _):
        asyncio.run(measure(address, arguments.strokes, arguments.rest))


if __name__ == "__main__":
    main()
