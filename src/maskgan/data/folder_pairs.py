"""Pairs in folders: which files are pictures, which are masks, and which belong together.

Layouts that are read, each nested to some depth, too::

    images/NAME.jpg  masks/NAME.png      or other usual names of the two folders (imgs, labels, annotations, ...)
    NAME.jpg         NAME.png            side by side
    NAME.jpg         NAME_mask.png       side by side or in two folders
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from maskgan.data.pairs import (
    MASK_SUFFIXES,
    MASK_WORDS,
    PICTURE_SUFFIXES,
    FacePair,
    checked_pair,
    composed,
    pair_suffixes,
)
from maskgan.errors import UserError
from maskgan.images import read_label_map, read_picture

PICTURE_FOLDERS = ("images", "image", "imgs", "img", "pictures", "photos", "photographs", "faces", "jpegimages")
MASK_FOLDERS = (
    *("masks", "mask", "labels", "label", "annotations", "annotation", "label_maps", "labelmaps", "segmentation"),
    *("segmentations", "segmentationclass", "parsing", "seg", "segs", "gt"),
)

_MASK_NAME = re.compile(rf"(.+)[_-](?:{'|'.join(MASK_WORDS)})", re.IGNORECASE)
_DEPTH = 5  # levels of folders that are looked into
_LISTED = 6  # folders and kinds of files that a message names
_log = logging.getLogger(__name__)


class FolderPairs:
    """Pictures and label maps of the same name: side by side, or in two folders such as ``images/`` and ``masks/``.

    A key is a picture's name without its suffix; in nested folders where names come again, its path. Hidden files are
    passed over, and so are pictures without a mask, with a warning.

    Raises:
        UserError: no such folder, no pair in it (the message says what is there), or two pictures of one name.
    """

    def __init__(self, folder: Path, order: str = "celebamask-hq", masks: Path | None = None) -> None:
        """List the pairs.

        Args:
            folder: of both, or of the pictures alone if ``masks`` is given.
            order: label order of the masks (see ``pairs.from_order``).
            masks: folder of the masks.
        """
        self._order = "celebamask-hq" if order == "auto" else order
        folders = (folder, masks) if masks is not None else _two_folders(folder)
        if folders is not None:
            pictures = files_by_key(folders[0], PICTURE_SUFFIXES)
            label_maps = _masks_by_key(folders[1], set(pictures))
        else:
            pictures, label_maps = _side_by_side(folder)
        self._paths = {key: (path, label_maps[key]) for key, path in pictures.items() if key in label_maps}
        if not self._paths:
            raise _no_pairs(folder, folders)
        if bare := [key for key in pictures if key not in label_maps]:
            _log.warning("%s: %d pictures have no mask and are left out, %s first", folder, len(bare), bare[0])
        if bare := [key for key in label_maps if key not in pictures]:
            _log.warning("%s: %d masks have no picture and are left out, %s first", folder, len(bare), bare[0])
        self.keys: Sequence[str] = list(self._paths)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> FacePair:
        key = self.keys[index]
        picture, label_map = self._paths[key]
        return checked_pair(key, read_picture(picture), read_label_map(label_map, self._order), str(picture))


def picture_folder(folder: Path) -> Path:
    """Where the pictures of a folder lie: its ``images/`` or the like, or itself."""
    return _child(folder, PICTURE_FOLDERS) or folder


def files_by_key(folder: Path, suffixes: Collection[str]) -> dict[str, Path]:
    """Files of these suffixes by key: the name without it, or the path in nested folders where names come again.

    Nested folders are looked into where the folder itself has no such file. Hidden files are passed over.

    Raises:
        UserError: the folder cannot be read, or two files of one folder have one name.
    """
    here = [path for path in _walk(folder, depth=1) if path.suffix.lower() in suffixes]
    return _by_key(folder, here or [path for path in _walk(folder) if path.suffix.lower() in suffixes])


def _by_key(folder: Path, paths: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        key = composed(path.relative_to(folder).with_suffix("").as_posix() if path.suffix else path.name)
        if key in found:
            raise UserError(f"{path}: {found[key].name} has the same name; keep one of the two")
        found[key] = path
    names = Counter(key.rpartition("/")[2] for key in found)
    if max(names.values(), default=1) == 1:
        found = {key.rpartition("/")[2]: path for key, path in found.items()}
    return dict(sorted(found.items()))


def _walk(folder: Path, depth: int = _DEPTH) -> Iterator[Path]:
    """Files by name, of ``depth`` levels; what begins with a dot is unfinished, or a trace of the file manager."""

    def fail(error: OSError) -> None:
        raise UserError(f"{error.filename}: not a folder that can be read ({error.strerror})") from error

    for base, folders, names in os.walk(folder, onerror=fail):
        level = len(Path(base).relative_to(folder).parts) + 1
        below = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        folders[:] = below if level < depth else []
        yield from (Path(base) / name for name in sorted(names) if not name.startswith("."))


def _child(folder: Path, names: Sequence[str]) -> Path | None:
    """The first of these folders that ``folder`` holds, in whatever case."""
    try:
        present = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    except OSError as error:
        raise UserError(f"{folder}: not a folder that can be read ({error.strerror})") from error
    return next((present[name] for name in names if name in present), None)


def _two_folders(folder: Path) -> tuple[Path, Path] | None:
    """The folders of pictures and of masks, if ``folder`` holds such."""
    pictures, masks = _child(folder, PICTURE_FOLDERS), _child(folder, MASK_FOLDERS)
    return None if pictures is None or masks is None else (pictures, masks)


def _masks_by_key(folder: Path, pictures: Collection[str]) -> dict[str, Path]:
    """Masks by the keys of their pictures, which their names may follow with ``_mask``."""
    masks = files_by_key(folder, MASK_SUFFIXES)
    if not masks.keys() & set(pictures):
        bare = {match[1]: path for key, path in masks.items() if (match := _MASK_NAME.fullmatch(key))}
        nested = {key.rpartition("/")[2]: path for key, path in masks.items()}
        masks = next((m for m in (bare, nested) if m.keys() & set(pictures)), masks)
    return masks


def _side_by_side(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Pictures, and masks by the keys of their pictures, that lie in the same folders."""
    for depth in (1, _DEPTH):
        pictures, masks = _beside(_walk(folder, depth))
        if masks:
            break
    keys = _by_key(folder, sorted(pictures))
    return keys, {key: masks[path] for key, path in keys.items() if path in masks}


def _beside(paths: Iterable[Path]) -> tuple[list[Path], dict[Path, Path]]:
    """Pictures among ``paths``, and masks by their pictures.

    Raises:
        UserError: two pictures have one name.
    """
    groups: dict[Path, list[Path]] = {}
    for path in paths:
        if path.suffix.lower() in PICTURE_SUFFIXES or path.suffix.lower() in MASK_SUFFIXES:
            groups.setdefault(path.with_suffix(""), []).append(path)
    pictures: list[Path] = []
    masks: dict[Path, Path] = {}
    alone: dict[Path, Path] = {}
    for stem, group in groups.items():
        if len(group) == 1:
            alone[stem] = group[0]
            continue
        by_suffix = {path.suffix.lower(): path for path in group}
        try:
            picture, mask = pair_suffixes(by_suffix, str(stem))
        except UserError:
            raise UserError(f"{group[1]}: {group[0].name} has the same name; keep one of the two") from None
        pictures.append(by_suffix[picture])
        masks[by_suffix[picture]] = by_suffix[mask]
    for path in alone.values():
        match = _MASK_NAME.fullmatch(path.stem)
        if match and path.suffix.lower() in MASK_SUFFIXES and (own := alone.get(path.with_name(match[1]))):
            masks[own] = path
    pictures += [path for path in alone.values() if path in masks or path.suffix.lower() not in MASK_SUFFIXES]
    return pictures, masks


def _no_pairs(folder: Path, folders: tuple[Path, Path] | None) -> UserError:
    """What is raised for a folder without pairs: what is there, and how to say which folder is which."""
    if folders is not None:
        pictures, masks = folders
        lossy = [path for path in _walk(masks) if path.suffix.lower() in (".jpg", ".jpeg")]
        if lossy and not any(path.suffix.lower() in MASK_SUFFIXES for path in _walk(masks)):
            return UserError(f"{lossy[0]}: a JPEG mask has blurred labels, so no pairs found; save masks as PNG")
        seen = f"{pictures} holds {_contents(pictures)}, {masks} {_contents(masks)}"
        return UserError(f"{folder}: no pairs found: {seen}; a mask has its picture's name: images/a.jpg, masks/a.png")
    return UserError(
        f"{folder}: no pairs found; it holds {_contents(folder)}; expected NAME.jpg beside NAME.png or NAME_mask.png, "
        "or images/NAME.* and masks/NAME.png; say which folder is which with --data images=FOLDER,masks=FOLDER"
    )


def _contents(folder: Path) -> str:
    """Folders with what is in them, and files by kind: ``photos/ (12 .jpg), 3 .txt``."""
    here: Counter[str] = Counter()
    below: dict[str, Counter[str]] = {}
    for path in _walk(folder):
        parts = path.relative_to(folder).parts
        counts = here if len(parts) == 1 else below.setdefault(parts[0], Counter())
        counts[path.suffix.lower() or "files without a suffix"] += 1

    def kinds(counts: Mapping[str, int]) -> list[str]:
        return [f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda item: -item[1])[:_LISTED]]

    seen = [f"{name}/ ({', '.join(kinds(counts))})" for name, counts in sorted(below.items())]
    more = [f"{len(seen) - _LISTED} more folders"] if len(seen) > _LISTED else []
    return ", ".join([*seen[:_LISTED], *more, *kinds(here)]) or "nothing"
