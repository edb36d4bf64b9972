"""Training that is killed again and again: what stands in the run folder can always be read, and the run goes on."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

from maskgan.checkpoints.weights import load_weights
from maskgan.errors import MaskGANError

_IMAGES = 96
_FINISH_SECONDS = 600.0


def kill_training(times: int, seed: int = 0) -> list[str]:
    """Kill a small run at random moments, let it end, and return what was wrong."""
    chance, faults = random.Random(seed), []
    with tempfile.TemporaryDirectory() as temporary:
        run = Path(temporary) / "run"
        command = [sys.executable, "-m", "maskgan", "train", "mask-vae", "--preset", "tiny", "--data", "synthetic:8"]
        command += ["--images", str(_IMAGES), "--batch-size", "2", "--workers", "0", "--snapshot-minutes", "0.005"]
        command += ["--run", str(run)]
        for number in range(times):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(chance.uniform(2, 12))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            faults += [f"kill {number}: {problem}" for problem in _unreadable(run)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_FINISH_SECONDS, check=False)
        if ended.returncode:
            faults.append(f"after {times} kills the run does not go on: {ended.stderr.strip().splitlines()[-1:]}")
        elif not list(run.glob("*.safetensors")):
            faults.append(f"after {times} kills the run ended without weights")
        faults += _unreadable(run)
    return faults


def _unreadable(run: Path) -> list[str]:
    problems = []
    for path in run.rglob("*.safetensors"):
        if path.name.startswith("."):
            continue
        try:
            load_weights(path)
        except MaskGANError as error:
            problems.append(str(error))
    return problems
