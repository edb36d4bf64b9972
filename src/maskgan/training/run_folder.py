"""The run folder, the record of a run: config, stats, samples, state, weights."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from filelock import FileLock, Timeout
from torch import nn

from maskgan.checkpoints.registry import model_type_of
from maskgan.checkpoints.weights import read_info, sha256
from maskgan.errors import MaskGANError, UserError
from maskgan.files import atomic_path, make_folder
from maskgan.images import Picture, write_picture
from maskgan.torch_files import check_records
from maskgan.training.config import KNOWN_BY_NAME, MAY_CHANGE, RELATIVE_PATHS, TrainingConfig
from maskgan.training.schedule import Progress

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_HASHES = "sha256"
_FILE_OPTIONS = frozenset(
    {"table", "keys", "val_keys", "perceptual", "init_weights", "init_classifier", "classifier"}
    | {"dense_mapping", "mask_vae"}
)
"""Options that may name a file whose content must stay the same when a run resumes."""


class RunFolder:
    """``config.json``, ``stats.jsonl``, ``samples/``, ``state.pt`` and the weights files of one run.

    ``config.json`` also records the SHA-256 of the files that the run depends on, such as tables and weights.
    """

    def __init__(self, path: Path, run_root: Path | None = None) -> None:
        """Name the folder; nothing is read or written.

        Args:
            path: the run folder.
            run_root: folder of a run of several stages. Files in it are outputs of its other stages, which change when
                those resume, so their hashes are not compared.
        """
        self.path = path
        self._run_root = run_root
        self._board: SummaryWriter | None = None

    @contextmanager
    def locked(self, config: TrainingConfig) -> Iterator[RunFolder]:
        """Hold the folder, to begin a run here or to resume one of the same config.

        Raises:
            UserError: another run lives here (the message names the first option or file that differs), or weights
                without a state to resume from, or another process trains here.
        """
        if not self.has_state and (weights := sorted(self.path.glob("*.safetensors"))):
            raise UserError(
                f"{self.path}: holds {weights[0].name} but no state.pt to resume from; choose another --run folder, or "
                "move the weights away to start over"
            )
        make_folder(self.path / "samples")
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            # The system releases the lock however this process ends.
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

    @property
    def has_state(self) -> bool:
        """Whether there is a state to resume from."""
        return (self.path / "state.pt").exists()

    def has_weights(self, networks: Mapping[str, nn.Module], images: int) -> bool:
        """Whether the weights files of all EMA networks are there, as of ``images`` images."""
        return all(
            self.has_weights_of(model_type_of(network), images) for name, network in networks.items() if "ema" in name
        )

    def has_weights_of(self, model_type: str, images: int) -> bool:
        """Whether the weights file of one network is there, as of ``images`` images."""
        path = self.path / f"{model_type}.safetensors"
        try:
            return path.is_file() and read_info(path).step == images
        except UserError:  # damaged
            return False

    def lacks_weights(self, model_type: str) -> bool:
        """Whether the state holds networks whose weights file is missing, damaged or of another image count."""
        state = self._load("cpu", mapped=True)
        if state is None or not state["networks"]:
            return False
        return not self.has_weights_of(model_type, state["progress"]["images"])

    def is_finished(self, config: TrainingConfig) -> bool:
        """Whether the run that lives here has spent the budget of ``config``.

        Raises:
            UserError: another run lives here.
            MaskGANError: its state cannot be read.
        """
        self._require_same(config)
        progress = self.progress()
        return progress is not None and progress.fraction(config.images, config.minutes) >= 1

    def _record(self, config: TrainingConfig) -> None:
        self._require_same(config)
        record = _portable(config.to_dict(), self.path)
        hashes = {**self._recorded_hashes(), **self._hashes(config)}
        with atomic_path(self.path / "config.json") as temporary:
            temporary.write_text(json.dumps({**record, _HASHES: hashes}, indent=2) + "\n")

    def _hashes(self, config: TrainingConfig) -> dict[str, str]:
        """The SHA-256 of each file that the run depends on, by option; folders and key ranges have none."""
        root = None if self._run_root is None else self._run_root.resolve()
        return {
            name: sha256(path)
            for name, path in _files(config.to_dict()).items()
            if root is None or not path.resolve().is_relative_to(root)
        }

    def _recorded_hashes(self) -> dict[str, str]:
        file = self.path / "config.json"
        return json.loads(file.read_text()).get(_HASHES, {}) if file.exists() else {}

    def _require_same(self, config: TrainingConfig) -> None:
        file = self.path / "config.json"
        if not file.exists():
            return
        try:
            # A run of an older version lacks newer options, whose defaults mean what it did.
            found = _completed(json.loads(file.read_text()), type(config).defaults())
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise UserError(f"{file}: cannot be read as JSON ({error}); choose another --run folder") from error
        given, recorded_hashes = config.to_dict(), found.get(_HASHES, {})
        hashes = self._hashes(config)
        for name, digest in hashes.items():
            if recorded_hashes.get(name, digest) != digest:
                raise UserError(
                    f"{_files(given)[name]}: has changed, or is another file, since the run in {self.path} was trained "
                    f"with it as --{name.rpartition('.')[2].replace('_', '-')} (sha256 {digest[:12]}, then "
                    f"{recorded_hashes[name][:12]}); give that file, or choose another --run folder"
                )
        for name, value in _portable(given, self.path).items():
            # Older versions wrote paths as they were given.
            recorded = found.get(name)
            if name not in MAY_CHANGE and _identity(name, recorded) not in (_identity(name, value), given[name]):
                raise UserError(
                    f"{self.path}: holds a run with {name} = {recorded!r}, not {value!r}; "
                    "repeat its command to resume, or choose another --run folder"
                )

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

    def save_snapshot(self, name: str, count: int) -> None:
        """Copy the weights files to ``snapshots/{name}``, and keep the last ``count`` such folders."""
        folder = make_folder(self.path / "snapshots" / name)
        for weights in self.path.glob("*.safetensors"):
            with atomic_path(folder / weights.name) as temporary:
                shutil.copyfile(weights, temporary)
        for old in sorted((self.path / "snapshots").iterdir())[:-count]:
            shutil.rmtree(old)

    def progress(self) -> Progress | None:
        """How far the saved state has come, or ``None`` in a new run; the networks are not read.

        Raises:
            MaskGANError: the state cannot be read.
        """
        state = self._load("cpu", mapped=True)
        return None if state is None else Progress(**state["progress"])

    def load_state(self, device: str) -> dict[str, Any] | None:
        """The saved state, or ``None`` in a new run.

        Raises:
            MaskGANError: it cannot be read.
        """
        return self._load(device, mapped=False)

    def _load(self, device: str, mapped: bool) -> dict[str, Any] | None:
        file = self.path / "state.pt"
        if not file.exists():
            return None
        try:
            if not mapped:
                check_records(file)
            state: dict[str, Any] = torch.load(file, map_location=device, weights_only=True, mmap=mapped)
        except UserError as error:
            raise MaskGANError(f"{error}; choose another --run folder to start over") from error
        except Exception as error:  # the unpickler raises many types of errors
            raise MaskGANError(
                f"{file}: damaged or not readable ({type(error).__name__}); choose another --run folder to start over"
            ) from error
        return state

    def append_stats(self, row: dict[str, float | int]) -> None:
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


def _files(config: Mapping[str, Any], prefix: str = "") -> dict[str, Path]:
    """The files that options name, by dotted option."""
    files: dict[str, Path] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            files |= _files(value, f"{prefix}{name}.")
        elif name in _FILE_OPTIONS and isinstance(value, str) and value:
            try:
                if Path(value).is_file():
                    files[prefix + name] = Path(value)
            except OSError:  # too long for a file's name: a list of keys
                continue
    return files


def _completed(found: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What was found, with what it lacks from the defaults, level by level."""
    nested = {n: _completed(found.get(n, {}), value) for n, value in defaults.items() if isinstance(value, dict)}
    return {**defaults, **found, **nested}


def _portable(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The config with paths to what lies beside the run's folder written from there, so that all can move together."""

    def from_here(path: str) -> str:
        real = Path(os.path.realpath(path))  # ``Path.resolve`` may end with a RuntimeError where links lead in a circle
        near = real.is_relative_to(folder.resolve().parent)
        return os.path.relpath(real, folder.resolve()) if path and near else path

    return {name: from_here(value) if name in RELATIVE_PATHS else value for name, value in config.items()}


def _identity(name: str, value: Any) -> Any:
    """What must be the same when the run resumes, perhaps on a machine where its data lie elsewhere."""
    return Path(value).name if name in KNOWN_BY_NAME and value is not None else value


def _board(folder: Path) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError("--tensorboard needs TensorBoard: run pip install 'maskgan[tensorboard]'") from None
    return SummaryWriter(str(folder))
