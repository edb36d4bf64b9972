"""A run folder as a few small files, to take training to another machine.

The folder of a pack holds ``pack.json`` and ``chunk-00.bin``, ``chunk-01.bin``...: the run's files one after another,
cut into chunks. States are stored as in ``state_compression``, weights as float16; samples, TensorBoard logs,
``snapshots/`` and ``best/`` stay behind. Nothing in a pack is code, and nothing is written before every chunk has been
checked.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from maskgan.checkpoints.weights import load_weights, save_weights
from maskgan.errors import UserError
from maskgan.files import atomic_path, make_folder, require_file
from maskgan.training.pipeline import STAGE_CHAIN
from maskgan.training.run_folder import RunFolder
from maskgan.training.state_compression import CompressedState, compress, decompress

INDEX = "pack.json"
CHUNK_BYTES = 15 * 2**20
"""Of all chunks but the last."""

_FORMAT = 2
_MAX_CHUNKS = 256
_MAX_INDEX_BYTES = 1 << 20
_STATE, _INFO = "state.safetensors", "state.json"
# A file of a run, or of one of the stages in it; no path out of its folder is of this form.
_FILE = re.compile(r"([a-z][a-z-]{0,63}/)?(config\.json|stats\.jsonl|state\.json|[a-z][a-z-]{0,63}\.safetensors)")


def pack(run: Path, folder: Path) -> list[Path]:
    """Write the run of one stage, or of ``train all``, into ``folder``, replacing the pack that is there.

    Returns:
        The files written; each has at most 16 MiB.

    Raises:
        UserError: ``run`` holds no run, or one that cannot be read, or ``folder`` cannot be written.
    """
    stages = _stages(run)
    if not stages:
        raise UserError(f"{run}: holds no run to pack (no state.pt in it, nor in the folders of its stages)")
    files: dict[str, bytes] = {}
    for stage in stages:
        prefix = "" if stage == run else f"{stage.name}/"
        files |= {prefix + name: content for name, content in _contents(stage, part_of_all=stage != run).items()}
    if unusual := [name for name in files if not _FILE.fullmatch(name)]:
        raise UserError(f"{run / unusual[0]}: has a name that no pack holds; use a to z and - alone")
    whole = b"".join(files.values())
    chunks = [whole[start : start + CHUNK_BYTES] for start in range(0, len(whole), CHUNK_BYTES)]
    if len(chunks) > _MAX_CHUNKS:
        raise UserError(f"{run}: is too large to pack ({len(whole) / 2**20:.0f} MiB)")
    make_folder(folder)
    index = {
        "format": _FORMAT,
        "files": [[name, len(content)] for name, content in files.items()],
        "chunks": [[_chunk(number), _digest(chunk)] for number, chunk in enumerate(chunks)],
    }
    for number, chunk in enumerate(chunks):
        _write(folder / _chunk(number), chunk)
    _write(folder / INDEX, json.dumps(index, indent=1).encode())
    names = [INDEX, *(_chunk(number) for number in range(len(chunks)))]
    for old in folder.glob("chunk-*.bin"):
        if old.name not in names:
            old.unlink()
    return [folder / name for name in names]


def unpack(folder: Path, run: Path) -> None:
    """Make the run folder ``run``, which must not exist yet, from a pack.

    Raises:
        UserError: a chunk is missing or damaged, the pack is none, or ``run`` is there already.
    """
    if run.exists():
        raise UserError(f"{run}: is there already; give the name of a new run folder, or remove it first")
    files = _read(folder)
    with _new_folder(run) as temporary:
        for name, content in files.items():
            path = temporary / name
            make_folder(path.parent)
            if path.name not in (_STATE, _INFO):
                path.write_bytes(content)
        for name in files:
            if Path(name).name == _STATE:
                stage = temporary / Path(name).parent
                info = files.get(str(Path(name).with_name(_INFO)))
                RunFolder(stage).save_state(_state(folder, files[name], info))


def _stages(run: Path) -> list[Path]:
    """The folders in ``run`` that hold a saved state: itself, or those of its stages."""
    if RunFolder(run).has_state:
        return [run]
    return sorted(path for path in run.glob("*") if RunFolder(path).has_state)


def _contents(stage: Path, part_of_all: bool) -> dict[str, bytes]:
    """What of a stage's folder travels, by file name."""
    files = {}
    for name in ("config.json", "stats.jsonl"):
        if (stage / name).is_file():
            files[name] = (stage / name).read_bytes()
    state = RunFolder(stage).load_state("cpu")
    assert state is not None  # _stages found it
    # Held-out distances are measured anew: the weights that were best stay behind.
    state["progress"] = {**state["progress"], "best": None}
    if part_of_all and _is_done(stage):
        later = STAGE_CHAIN[STAGE_CHAIN.index(stage.name) + 1 :] if stage.name in STAGE_CHAIN else ()
        followed = any(RunFolder(stage.parent / name).has_state for name in later)
        state = _without_optimizers(state, begins_another=bool(later) and not followed)
        if not followed:
            files |= {path.name: _halved(path) for path in sorted(stage.glob("*.safetensors"))}
    packed = compress(state)
    files[_STATE] = save_tensors(packed.tensors)
    files[_INFO] = json.dumps(packed.info).encode()
    return files


def _is_done(stage: Path) -> bool:
    try:
        config = json.loads((stage / "config.json").read_text())
        progress = RunFolder(stage).progress()
        return progress is not None and progress.fraction(config["images"], config["minutes"]) >= 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{stage / 'config.json'}: cannot be read ({error}); the run cannot be packed") from error


def _without_optimizers(state: Mapping[str, Any], begins_another: bool) -> dict[str, Any]:
    """The state of a run that will not resume: what the next begins with, or how far it came alone."""
    kept = ("ema", "discriminator") if begins_another else ()
    networks = {name: network for name, network in state["networks"].items() if name in kept}
    return {"progress": state["progress"], "networks": networks, "optimizers": {}}


def _halved(path: Path) -> bytes:
    network, info = load_weights(path)
    with tempfile.TemporaryDirectory() as folder:
        half = Path(folder) / path.name
        save_weights(half, network, info, torch.float16)
        return half.read_bytes()


def _read(folder: Path) -> dict[str, bytes]:
    """The files of a pack, checked."""
    sizes, chunks = _index(folder / INDEX)
    content = bytearray()
    for name, digest in chunks:
        path = require_file(folder / name)
        if path.stat().st_size > CHUNK_BYTES:
            raise UserError(f"{path}: damaged (over {CHUNK_BYTES >> 20} MiB); get this chunk again")
        chunk = path.read_bytes()
        if _digest(chunk) != digest:
            raise UserError(f"{path}: damaged, or of another pack; get this chunk again")
        content += chunk
    if sum(sizes.values()) != len(content):
        raise UserError(f"{folder / INDEX}: does not fit its chunks; get it again")
    files, position = {}, 0
    for name, size in sizes.items():
        files[name] = bytes(content[position : position + size])
        position += size
    return files


def _index(path: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Sizes by file name, and names and hashes of the chunks."""
    if require_file(path).stat().st_size > _MAX_INDEX_BYTES:
        raise UserError(f"{path}: is no index of a pack (over 1 MiB)")
    try:
        index = json.loads(path.read_bytes())
        if index["format"] != _FORMAT:
            raise UserError(f"{path}: has format {index['format']!r}, not {_FORMAT}; was it packed by another version?")
        sizes = {str(name): int(size) for name, size in index["files"]}
        chunks = [(str(name), str(digest)) for name, digest in index["chunks"]]
    except (ArithmeticError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: is no index of a pack, or damaged; get it again") from error
    foreign = [name for name in sizes if not _FILE.fullmatch(name)]
    foreign += [name for number, (name, _) in enumerate(chunks) if name != _chunk(number)]
    if foreign or min(sizes.values(), default=0) < 0 or len(chunks) > _MAX_CHUNKS:
        raise UserError(f"{path}: names what no pack holds ({foreign[:1] or 'sizes'}); get it again")
    return sizes, chunks


def _state(folder: Path, tensors: bytes, info: bytes | None) -> dict[str, Any]:
    try:
        state = decompress(CompressedState(load_tensors(tensors), json.loads(info or b"")))
        state["progress"]["best"] = math.inf
    except (SafetensorError, ValueError, UserError) as error:
        raise UserError(f"{folder}: holds no state to resume from ({error}); pack the run again") from error
    return state


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside ``path`` that becomes it on success and is removed on failure."""
    make_folder(path.parent)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _chunk(number: int) -> str:
    return f"chunk-{number:02d}.bin"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
