"""The run folder is the record of a run: config, log, stats, samples, state, weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from filelock import FileLock, Timeout

from maskgan.errors import MaskGANError, UserError
from maskgan.files import atomic_path, make_folder
from maskgan.images import Picture, write_picture
from maskgan.training.config import MAY_CHANGE, TrainingConfig

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class RunFolder:
    """``config.json``, ``stats.jsonl``, ``samples/``, ``state.pt`` and the weights files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._board: SummaryWriter | None = None

    @contextmanager
    def claimed(self, config: TrainingConfig) -> Iterator[RunFolder]:
        """Hold the folder, to begin a run here or to go on with one of the same config.

        Raises:
            UserError: another run lives here (the message names the first field that differs), or another process
                trains here.
        """
        make_folder(self.path / "samples")
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            # The system gives the lock back however this process ends.
            lock.acquire()
        except Timeout:
            raise UserError(f"{self.path}: another process is training here; stop it first") from None
        with lock:
            self._record(config)
            self._board = _board(self.path / "tensorboard") if config.tensorboard else None
            try:
                yield self
            finally:
                if self._board is not None:
                    self._board.close()

    def _record(self, config: TrainingConfig) -> None:
        file = self.path / "config.json"
        wanted = config.to_dict()
        if file.exists():
            try:
                # A run of an older version lacks newer fields; what they do by default is what it did.
                found = {**TrainingConfig("", "", "").to_dict(), **json.loads(file.read_text())}
            except (OSError, ValueError, TypeError) as error:
                raise UserError(f"{file}: cannot be read as JSON ({error}); choose another --run folder") from error
            for name, value in wanted.items():
                if name not in MAY_CHANGE and found[name] != value:
                    raise UserError(
                        f"{self.path}: holds a run with {name} = {found[name]!r}, not {value!r}; "
                        "repeat its command to go on, or choose another --run folder"
                    )
        with atomic_path(file) as temporary:
            temporary.write_text(json.dumps(wanted, indent=2) + "\n")

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace the saved state."""
        with atomic_path(self.path / "state.pt") as temporary, open(temporary, "wb") as stream:
            try:
                torch.save(state, stream)
            except RuntimeError as error:
                # On a full disk torch fails a second time, over the end of its archive; the first error says why.
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise

    def keep_weights(self, name: str, count: int) -> None:
        """Copy the weights files to ``snapshots/{name}``, and keep the last ``count`` such folders."""
        folder = make_folder(self.path / "snapshots" / name)
        for weights in self.path.glob("*.safetensors"):
            with atomic_path(folder / weights.name) as temporary:
                shutil.copyfile(weights, temporary)
        for old in sorted((self.path / "snapshots").iterdir())[:-count]:
            shutil.rmtree(old)

    def load_state(self, device: str) -> dict[str, Any] | None:
        """The saved state, or ``None`` in a new run.

        Raises:
            MaskGANError: it cannot be read.
        """
        file = self.path / "state.pt"
        if not file.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
        except Exception as error:  # the unpickler raises many kinds
            raise MaskGANError(
                f"{file}: cannot be read ({type(error).__name__}); remove it to begin the run anew"
            ) from error
        return state

    def add_stats(self, row: dict[str, float | int]) -> None:
        """Append one line to ``stats.jsonl``."""
        with open(self.path / "stats.jsonl", "a") as stats:
            stats.write(json.dumps(row) + "\n")
        if self._board is not None:
            for name, value in row.items():
                if name not in ("step", "images"):
                    self._board.add_scalar(name, value, row["images"])

    def save_samples(self, images: int, picture: Picture) -> None:
        """Write ``samples/{images}.png``, the number with leading zeros."""
        write_picture(self.path / "samples" / f"{images:09d}.png", picture)
        if self._board is not None:
            self._board.add_image("samples", picture, images, dataformats="HWC")


def _board(folder: Path) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError("--tensorboard needs TensorBoard: run pip install 'maskgan[tensorboard]'") from None
    return SummaryWriter(str(folder))
