"""How fast ``maskgan bulk`` edits a collection, as ratios within one run.

    python -m benchmarks.bulk [--faces 24] [--side 256] [--rounds 2] [--weights FILE] [SHARDS...]

Edits framed faces (the sample portraits, unless SHARDS are given) by one recipe: one photograph at a time, in batches,
and in batches by two processes, in turns, so that a busy machine slows all alike. Prints photographs per second, the
ratios, the CPU time of the stages, and the memory of one process after the first and after the last shard.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from benchmarks.memory import resident_megabytes

from maskgan.assets import portrait, shipped_weights
from maskgan.bulk.batch_editor import BatchEditor, Photograph
from maskgan.bulk.engines import run_here, run_processes
from maskgan.bulk.job import BulkJob, BulkOptions, NamedRecipe
from maskgan.bulk.samples import sample_files, sample_json
from maskgan.bulk.shards import find_shards, read_pictures
from maskgan.editing.named_edits import parse_edit
from maskgan.editing.recipes import Recipe
from maskgan.images import decode_source, read_picture, resize_picture, write_picture

_SHARDS = 4
_PORTRAITS = 9


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", nargs="*", help="framed faces; the sample portraits if absent")
    parser.add_argument("--faces", type=int, default=24, help="number of portraits")
    parser.add_argument("--side", type=int, default=256, help="of the portraits, in pixels")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--edit", default="smile=0.7", help="one named edit")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = options.shards or [str(_portraits(folder, options.faces, options.side))]
        job = BulkJob(
            shards=find_shards(inputs, max(options.faces // _SHARDS, 1)),
            recipes=(NamedRecipe("edit", Recipe((parse_edit(options.edit),))),),
            output=folder / "out",
            requirements=(),
            options=BulkOptions(options.weights or shipped_weights("edit"), framed=True, batch_size=options.batch_size),
            hashes={},
        )
        single = replace(job, options=replace(job.options, batch_size=1))
        ways = {"one photograph at a time": (single, 1), "batches": (job, 1), "batches, 2 processes": (job, 2)}
        seconds: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        memory: list[int] = []
        for _ in range(options.rounds):
            for way, (which, processes) in ways.items():
                seconds[way].append(_seconds(which, processes, memory if way == "batches" else []))
        wall = {way: statistics.median(w for w, _ in found) for way, found in seconds.items()}
        single, batches, two = ways
        for way in ways:
            print(f"{way:26} {1 / wall[way]:6.2f} photographs/s")
        print(f"batches against single:    {wall[single] / wall[batches]:.2f}")
        cpu = {way: statistics.median(c for _, c in seconds[way]) for way in (single, batches)}
        print(f"the same by CPU time:      {cpu[single] / cpu[batches]:.2f} ({cpu[batches]:.3f} s a photograph)")
        print(f"2 processes against 1:     {wall[batches] / wall[two]:.2f}")
        print(f"memory after the first and the last shard: {memory[0]} and {memory[-1]} MB")
        stages, size = _stages(job)
        print("CPU seconds a photograph, one thread:")
        for stage, taken in stages.items():
            print(f"  {stage:28} {taken:.3f}")
        print(f"a sample in the tar: {size / 1000:.1f} kB")
    return 0


def _portraits(folder: Path, count: int, side: int) -> Path:
    """A folder of framed portraits; each returns every ``_PORTRAITS`` files."""
    photographs = folder / "portraits"
    photographs.mkdir()
    for number in range(count):
        picture = read_picture(portrait(number % _PORTRAITS + 1)[0])
        write_picture(photographs / f"{number:05d}.jpg", resize_picture(picture, (side, side)))
    return photographs


def _seconds(job: BulkJob, processes: int, memory: list[int]) -> tuple[float, float]:
    """Seconds a photograph, and CPU seconds of this process, after the first shards, which load the networks."""
    with tempfile.TemporaryDirectory(dir=job.output.parent) as name:
        job = replace(job, output=Path(name))
        shards = list(job.shards)
        run = run_here(job, shards) if processes == 1 else run_processes(job, shards, processes)
        begun, cpu, pictures = 0.0, 0.0, 0
        # The first shard of each process warms it up.
        for done, report in enumerate(run, start=1):
            assert report is not None
            if begun:
                pictures += report.pictures
            if done == processes:
                begun, cpu = time.perf_counter(), time.process_time()
            memory.append(resident_megabytes())
        return (time.perf_counter() - begun) / pictures, (time.process_time() - cpu) / pictures


def _stages(job: BulkJob) -> tuple[dict[str, float], float]:
    """CPU seconds a photograph of the stages, which other programs hardly change, and bytes of a sample in the tar."""
    editor = BatchEditor(job.options)
    encoded = list(read_pictures(job.shards[0]))
    seconds = {}

    def clock(stage: str, begun: float) -> None:
        seconds[stage] = (time.process_time() - begun) / len(encoded)

    begun = time.process_time()
    sources = [decode_source(io.BytesIO(one.data), one.key) for one in encoded]
    clock("decode", begun)
    photographs = [
        Photograph(one.key, source, editor.find_faces(source.picture), one.suffix == ".jpg")
        for one, source in zip(encoded, sources, strict=True)
    ]
    editor.edit(photographs, job.recipes)  # warms up
    begun = time.process_time()
    results, _ = editor.edit(photographs, job.recipes)
    clock("edit and measure", begun)
    begun = time.process_time()
    files = [sample_files(one, sample_json(one, job), "same") for one in results]
    clock("encode", begun)
    begun = time.process_time()
    with tarfile.open(job.output.parent / "written.tar", "w") as tar:
        for name, content in (file for sample in files for file in sample):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    clock("write", begun)
    finder = BatchEditor(replace(job.options, framed=False))
    begun = time.process_time()
    for source in sources:
        finder.find_faces(source.picture)
    clock("find faces, without --framed", begun)
    return seconds, (job.output.parent / "written.tar").stat().st_size / len(results)


if __name__ == "__main__":
    sys.exit(main())
