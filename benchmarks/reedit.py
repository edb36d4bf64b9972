"""What a stroke costs the server, part by part, and how many times less than before.

    python -m benchmarks.reedit [--before ../other-checkout] [--rounds 20] [--busy 0]

A process opens a portrait at 512 px as the server does, and paints on; parts of previews and of full pictures are timed
one by one. Another process does so with the package of another checkout, in turns stroke by stroke, so that a busy
machine slows both alike. ``--busy`` adds processes that compute all the time, as a browser may. Prints the median
milliseconds of each part, and the ratio to before.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

_HERE = Path(__file__).parent.parent
_WARM_UP = 2  # strokes that are not counted
_SIDE = 512


def paint() -> None:
    """Wait for a line, paint a stroke, write the seconds of its parts as JSON; and so on."""
    import torch

    from maskgan.assets import portrait, shipped_weights
    from maskgan.editing.face_model import analyse_face
    from maskgan.editing.pipeline import Edit, finish, generate
    from maskgan.editing.renderer import Renderer
    from maskgan.images import read_label_map, read_picture, resize_label_map, resize_picture
    from maskgan.labels import INDEX
    from maskgan.server.image_encoding import encode

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    picture, own = (read(path) for read, path in zip((read_picture, read_label_map), portrait(7), strict=True))
    picture, own = resize_picture(picture, (_SIDE, _SIDE)), resize_label_map(own, (_SIDE, _SIDE))
    renderer = Renderer.from_weights(shipped_weights("edit"))
    model = analyse_face(renderer, picture, own)
    model.prepare()
    for number, _ in enumerate(sys.stdin):
        seconds = {}
        for quality, face in (("preview", model.preview), ("full", model)):
            mask = own.copy()
            row = 90 + number % 40
            mask[row : row + 12, 180:260] = INDEX["hat"]
            edit = Edit(face, mask)
            moments = [time.perf_counter()]
            edit.region.hole(face.renderer.working_size(mask))
            moments.append(time.perf_counter())
            [generated] = generate([edit])
            moments.append(time.perf_counter())
            result = finish(edit, generated)
            moments.append(time.perf_counter())
            encode(result, *(("jpeg", True) if quality == "preview" else ("png", False)))
            moments.append(time.perf_counter())
            parts = zip(("hole", "network", "paste", "encoding"), moments, moments[1:], strict=False)
            seconds |= {f"{quality}, {name}": end - start for name, start, end in parts}
            seconds[f"{quality}, all"] = moments[-1] - moments[0]
        print(json.dumps(seconds), flush=True)


def compute() -> None:
    """Keep a core busy."""
    while True:
        pass


def painter(checkout: Path, stack: ExitStack) -> subprocess.Popen[str]:
    """A process that paints with the package of a checkout."""
    # Threads wait as those of maskgan serve, unless the environment says otherwise.
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONPATH": str(checkout / "src")}
    command = [sys.executable, __file__, "--painter"]
    pipe = subprocess.PIPE
    process = stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment))
    stack.callback(process.terminate)
    return process


def stroke(process: subprocess.Popen[str]) -> dict[str, float]:
    """The seconds of a stroke's parts."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit("a painter failed")
    seconds: dict[str, float] = json.loads(line)
    return seconds


def main() -> None:
    """Paint in turns, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="checkout to compare with")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--busy", type=int, default=0, help="processes that compute meanwhile")
    parser.add_argument("--painter", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.painter:
        paint()
        return
    with ExitStack() as stack:
        painters = [painter(path, stack) for path in (_HERE, arguments.before) if path is not None]
        for _ in range(arguments.busy):
            other = multiprocessing.Process(target=compute, daemon=True)
            other.start()
            stack.callback(other.terminate)
        rounds = [[stroke(each) for each in painters] for _ in range(_WARM_UP + arguments.rounds)][_WARM_UP:]
    print(f"load {os.getloadavg()[0]:.1f}, {len(os.sched_getaffinity(0))} cores; median milliseconds of a stroke")
    for name in rounds[0][0]:
        now, *before = (statistics.median(seconds[i][name] for seconds in rounds) for i in range(len(painters)))
        ratio = "".join(f"   before {1000 * b:7.1f}   {b / now:5.2f} times" for b in before)
        print(f"{name:28s}{1000 * now:8.1f}{ratio}")


if __name__ == "__main__":
    main()
