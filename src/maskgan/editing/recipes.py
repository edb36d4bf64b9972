"""Recipes: what was done to a face as a small JSON file, to do it again, or to other faces.

The format is described in docs/recipes.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from maskgan import __version__
from maskgan.assets import shipped_weights
from maskgan.checkpoints.weights import read_info, sha256
from maskgan.editing.label_patch import LabelPatch
from maskgan.editing.named_edits import EDITS, parse_edit
from maskgan.editing.photographs import AppliedEdit, parse_face_choice
from maskgan.errors import UserError
from maskgan.files import atomic_path, require_file

FORMAT, VERSION = "maskgan-recipe", 1

MAX_BYTES = 4 << 20
"""Bytes of a recipe, at most."""
MAX_EDITS = 256
"""Edits of a recipe, at most."""

_MAX_TEXT = 200  # characters of a name, an amount or a program
_DIGITS = frozenset("0123456789abcdef")
_REQUIRED, _OPTIONAL = ("format", "version", "edits"), ("face", "weights", "program")


@dataclass(frozen=True)
class Recipe:
    """Edits in their order, and what they were made with."""

    edits: tuple[AppliedEdit, ...]
    face: str = "largest"
    """Which faces of a photograph, as ``photographs.choose_faces`` takes it."""
    weights: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """SHA-256 of the weights that made it, by model type; empty: not known."""
    program: str = f"maskgan {__version__}"
    """What wrote it."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its file, for named edits are functions."""
        return parse_recipe, (encode_recipe(self), "recipe")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "program": self.program,
            "weights": dict(sorted(self.weights.items())),
            "face": self.face,
            "edits": [edit_to_json(edit) for edit in self.edits],
        }

    @property
    def digest(self) -> str:
        """SHA-256 of what it does: its edits and faces, whatever program and weights made it."""
        told = {name: self.to_json()[name] for name in ("version", "face", "edits")}
        return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def other_weights(self, in_use: Mapping[str, str]) -> list[str]:
        """Model types whose weights differ from those that made it; none where it does not say."""
        if not self.weights:
            return []
        return sorted(name for name in {*self.weights, *in_use} if self.weights.get(name) != in_use.get(name))


def weights_in_use(network: Path) -> dict[str, str]:
    """SHA-256 of the weights that edit photographs, by model type.

    Args:
        network: the weights that render faces.

    Raises:
        UserError: a file is missing or damaged.
    """
    shipped = {name: sha256(shipped_weights(name)) for name in ("parser", "face-detector")}
    return {read_info(network).model_type: sha256(network), **shipped}


def read_recipe(path: Path | str) -> Recipe:
    """Read a recipe without trusting it.

    Raises:
        UserError: no such file, or as for ``parse_recipe``.
    """
    path = require_file(Path(path))
    with open(path, "rb") as stream:
        return parse_recipe(stream.read(MAX_BYTES + 1), str(path))


def write_recipe(path: Path | str, recipe: Recipe) -> None:
    """Write a recipe.

    Raises:
        UserError: the suffix is not .json, or the file cannot be written.
    """
    path = check_recipe_path(Path(path))
    with atomic_path(path) as temporary:
        temporary.write_bytes(encode_recipe(recipe))


def check_recipe_path(path: Path) -> Path:
    """Return ``path`` if a recipe can have that name.

    Raises:
        UserError: it has another suffix than .json.
    """
    if path.suffix.lower() != ".json":
        raise UserError(f"{path}: recipes are written as .json")
    return path


def encode_recipe(recipe: Recipe) -> bytes:
    """The file of a recipe: one edit a line."""
    told = recipe.to_json()
    edits = ",\n".join(f"  {json.dumps(edit)}" for edit in told.pop("edits"))
    lines = [f' "{name}": {json.dumps(value)},' for name, value in told.items()]
    return "\n".join(["{", *lines, f' "edits": [\n{edits}\n ]\n}}\n']).encode()


def parse_recipe(text: bytes, name: str) -> Recipe:
    """The recipe of a JSON text.

    Args:
        text: UTF-8.
        name: of the file, for messages.

    Raises:
        UserError: it is too large, no JSON, no recipe, made by a newer version, has an unknown field, edit or amount,
            or too many edits.
    """
    try:
        return _parse(_load(text))
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def parse_edits(value: Any) -> tuple[AppliedEdit, ...]:
    """The field ``edits`` of a recipe.

    Raises:
        UserError: it is no list, or as for ``parse_recipe``.
    """
    if not isinstance(value, list):
        raise UserError("'edits' is no list")
    if len(value) > MAX_EDITS:
        raise UserError(f"'edits' has {len(value)} entries; at most {MAX_EDITS} are read")
    edits = []
    for number, entry in enumerate(value, start=1):
        try:
            edits.append(_edit_from_json(entry))
        except UserError as error:
            raise UserError(f"edit {number}: {error}") from None
    return tuple(edits)


def edit_to_json(applied: AppliedEdit) -> dict[str, Any]:
    """An entry of a recipe's ``edits``."""
    edit, amount = applied
    if isinstance(edit, LabelPatch):
        runs = [number for run in edit.runs for number in run]
        return {"patch": {"height": edit.height, "width": edit.width, "runs": runs}}
    return {"name": edit.name, "amount": amount}


def _load(text: bytes) -> dict[str, Any]:
    if len(text) > MAX_BYTES:
        raise UserError(f"is over {MAX_BYTES >> 20} MB, too large for a recipe")
    try:
        value = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except UserError:
        raise
    except (ValueError, RecursionError):
        raise UserError("is no JSON; a recipe is what 'maskgan edit --save-recipe' writes") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise UserError(f'is no recipe: its "format" is not "{FORMAT}"')
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"has the field {twice!r:.40} twice in one object; leave one of them out")
    return fields


def _refuse_constant(text: str) -> float:
    raise UserError(f"holds {text}, which is no number in JSON")


def _parse(value: dict[str, Any]) -> Recipe:
    version = value.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise UserError(
            f"has the format version {version!r:.20}; maskgan {__version__} reads 1..{VERSION}; update maskgan"
        )
    _check_fields(value, _REQUIRED, _OPTIONAL)
    face = value.get("face", "largest")
    program = value.get("program", "")
    if not isinstance(program, str) or len(program) > _MAX_TEXT:
        raise UserError("'program' is no short text")
    if not isinstance(face, str):
        raise UserError("'face' is no text; it takes largest, all, a number or X,Y")
    parse_face_choice(face, "'face'")
    return Recipe(parse_edits(value["edits"]), face, _weights(value.get("weights", {})), program)


def _weights(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) > 16:
        raise UserError("'weights' is no object of hashes by model type")
    for name, digest in value.items():
        if not isinstance(digest, str) or len(digest) != 64 or not set(digest) <= _DIGITS or len(name) > _MAX_TEXT:
            raise UserError(f"'weights': {name!r:.40} has no SHA-256 of 64 hexadecimal digits")
    return MappingProxyType(value)


def _check_fields(value: dict[str, Any], required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    if missing := [name for name in required if name not in value]:
        raise UserError(f"lacks '{missing[0]}'")
    if unknown := [name for name in value if name not in (*required, *optional)]:
        raise UserError(f"has the unknown field {unknown[0]!r:.40}")


def _edit_from_json(value: Any) -> AppliedEdit:
    if not isinstance(value, dict):
        raise UserError("is no object")
    if "patch" in value:
        _check_fields(value, ("patch",))
        return _patch(value["patch"]), 1.0
    _check_fields(value, ("name", "amount"))
    name, amount = value["name"], value["amount"]
    if not isinstance(name, str) or len(name) > _MAX_TEXT or "=" in name:
        raise UserError("'name' is no name of an edit")
    if isinstance(amount, bool) or not isinstance(amount, (int, float, str)) or len(str(amount)) > _MAX_TEXT:
        raise UserError(f"{name}: 'amount' is no number and no text")
    if isinstance(amount, str) and name in EDITS and not EDITS[name].choices:
        raise UserError(f"{name}: takes a number, {EDITS[name].range}, not the text {json.dumps(amount):.40}")
    return parse_edit(f"{name}={amount}")


def _patch(value: Any) -> LabelPatch:
    if not isinstance(value, dict):
        raise UserError("'patch' is no object")
    _check_fields(value, ("height", "width", "runs"))
    height, width, runs = value["height"], value["width"], value["runs"]
    if not isinstance(runs, list) or len(runs) % 3 or not all(type(n) is int for n in (height, width, *runs)):
        raise UserError(
            "'patch': height and width are integers, runs a list of gap, length, class, gap, length, class..."
        )
    return LabelPatch(height, width, tuple(zip(runs[0::3], runs[1::3], runs[2::3], strict=True)))
