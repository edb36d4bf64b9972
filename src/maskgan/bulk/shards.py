"""The pictures of a collection: WebDataset shards, or folders of photographs, read from front to back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from maskgan.data.stream_reader import CUT_OFF, open_shard
from maskgan.data.tar import TarReader, member_key
from maskgan.data.tar_pairs import expand_shards
from maskgan.errors import UserError
from maskgan.files import require_file

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".heic", ".heif", ".gif")
"""Files that are pictures."""


@dataclass(frozen=True)
class Shard:
    """Some pictures of a collection, which become one tar file."""

    name: str
    """Of the tar file that it becomes, without ``.tar``."""
    tar: Path | None
    """Where the pictures are; ``None``: in ``files``."""
    files: tuple[Path, ...] = ()

    def fingerprint(self) -> dict[str, Any]:
        """Number and bytes of its files, and the SHA-256 of their names, sizes and modification times.

        A changed input is noticed by it without being read. Plain JSON types.
        """
        digest, total = hashlib.sha256(), 0
        files = self.files if self.tar is None else (self.tar,)
        for path in files:
            try:
                found = path.stat()
                size, modified = found.st_size, found.st_mtime_ns
            except OSError:
                size, modified = 0, -1
            total += size
            digest.update(f"{path.name}\0{size}\0{modified}\n".encode(errors="surrogateescape"))
        return {"files": len(files), "bytes": total, "stat_sha256": digest.hexdigest()}


class EncodedPicture(NamedTuple):
    """A picture's file."""

    key: str
    """Its name in the collection."""
    suffix: str
    data: bytes
    problem: str | None = None
    """Why it cannot be used; ``None`` if it can."""


def find_shards(inputs: Sequence[str], pictures_per_shard: int) -> tuple[Shard, ...]:
    """The shards of a collection.

    Args:
        inputs: tar files, globs or ranges (``faces-{000..127}.tar``) of them, folders of tar files, or folders of
            photographs.
        pictures_per_shard: how many photographs of a folder become one shard.

    Raises:
        UserError: there is none, one is missing, two would get one name, a file is no tar though its name does not say
            that it is one, or none of the tars can be read.
    """
    shards: list[Shard] = []
    for given in inputs:
        folder = Path(given)
        if folder.is_dir():
            tars = sorted(folder.glob("*.tar"))
            shards += _of_tars(tars) if tars else _of_folder(folder, pictures_per_shard)
            continue
        tars = expand_shards(given)
        if not tars:
            raise UserError(f"{given}: no such tar file, pattern or folder")
        shards += _of_tars(tars)
    names: set[str] = set()
    for shard in shards:
        if shard.name in names:
            raise UserError(f"{shard.name}.tar: two inputs would become this shard; rename one, or run twice")
        names.add(shard.name)
    _require_tars(shards)
    return tuple(shards)


def read_pictures(shard: Shard) -> Iterator[EncodedPicture]:
    """The pictures of a shard, in its order; one that cannot be used comes with its problem.

    Where a key has a PNG beside another picture, as in the shards of ``maskgan prepare``, the PNG is its mask.

    Raises:
        UserError: a tar cannot be opened.
    """
    if shard.tar is None:
        yield from _of_files(shard.files)
        return
    with open_shard(str(shard.tar.absolute())) as stream:
        yield from _grouped(TarReader(stream))


def _require_tars(shards: Sequence[Shard]) -> None:
    """Refuse what is no collection at all; a damaged tar among others is told when its turn comes.

    Raises:
        UserError: a file is no tar and is not called one, or no tar can be read.
    """
    tars = [shard.tar for shard in shards if shard.tar is not None]
    for path in tars:
        if ".tar" not in path.name and (problem := _tar_problem(path)) is not None:
            raise UserError(problem)
    first: str | None = None
    for path in tars if len(tars) == len(shards) else ():
        if (problem := _tar_problem(path)) is None:
            return
        first = first or problem
    if first is not None:
        others = f"; none of the {len(tars) - 1} others can be read either" if len(tars) > 1 else ""
        raise UserError(first + others)


def _tar_problem(path: Path) -> str | None:
    """Why a file cannot be read as a tar from its beginning; ``None`` if it can."""
    try:
        with open_shard(str(path.absolute())) as stream:
            next(iter(TarReader(stream)), None)
    except (UserError, OSError, *CUT_OFF) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return f"{path}: no tar file, or a damaged one ({reason}); give tar files, or a folder of photographs"
    return None


def _of_files(files: Sequence[Path]) -> Iterator[EncodedPicture]:
    seen: set[str] = set()
    for path in files:
        key, suffix = path.stem.replace(".", "_"), path.suffix.lower()  # a key ends at its first dot
        try:
            problem = "its key comes twice" if key in seen else None
            yield EncodedPicture(key, suffix, b"" if problem else require_file(path).read_bytes(), problem)
        except (UserError, OSError) as error:
            yield EncodedPicture(key, suffix, b"", f"cannot be read: {error}")
        seen.add(key)


def _grouped(reader: TarReader) -> Iterator[EncodedPicture]:
    key: str | None = None
    files: dict[str, tuple[bytes, str | None]] = {}
    seen: set[str] = set()

    def finished() -> Iterator[EncodedPicture]:
        if key is None or (chosen := _picture_among(list(files))) is None:
            return
        repeated = "its key comes twice" if key in seen else None
        several = None if len(chosen) == 1 else f"has several pictures: {', '.join(sorted(chosen))}"
        seen.add(key)
        data, problem = files[chosen[0]]
        yield EncodedPicture(key, chosen[0], data, problem or repeated or several)

    damage: str | None = None
    try:
        for member in reader:
            named = member_key(member.name)
            if named is None or named[1] not in SUFFIXES:
                continue
            if named[0] != key:
                yield from finished()
                key, files = named[0], {}
            problem = None if member.problem is None else f"is {member.problem}"
            files[named[1]] = (b"" if problem else reader.read(), problem)
    except CUT_OFF as error:
        damage = (str(error).splitlines() or [type(error).__name__])[0]
    yield from finished()
    if damage is not None:
        yield EncodedPicture("", "", b"", f"the tar file is damaged or cut off ({damage})")


def _picture_among(suffixes: list[str]) -> list[str] | None:
    """The suffixes that may be the picture's: one, or too many."""
    if not suffixes:
        return None
    return [suffix for suffix in suffixes if suffix != ".png"] or suffixes


def _of_tars(paths: Sequence[Path]) -> list[Shard]:
    return [Shard(require_file(path).name.partition(".tar")[0], path) for path in paths]


def _of_folder(folder: Path, count: int) -> list[Shard]:
    try:
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.name[0] != ".")
    except OSError as error:
        raise UserError(f"{folder}: cannot be read: {error.strerror}") from error
    if not files:
        raise UserError(f"{folder}: holds neither tar files nor photographs ({', '.join(SUFFIXES)})")
    named = {path.with_suffix("") for path in files if path.suffix.lower() != ".png"}
    files = [path for path in files if path.suffix.lower() != ".png" or path.with_suffix("") not in named]
    name = folder.resolve().name or "photographs"
    starts = range(0, len(files), count)
    return [Shard(f"{name}-{i:05d}", None, tuple(files[start : start + count])) for i, start in enumerate(starts)]
