"""What a bulk run is asked to do, and the record of it in the output folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from maskgan import __version__
from maskgan.bulk.requirements import Requirement
from maskgan.bulk.shards import Shard
from maskgan.editing.recipes import Recipe, read_recipe
from maskgan.errors import UserError
from maskgan.files import atomic_path, make_folder

RECORD = "bulk.json"
_FORBIDDEN = frozenset("/.+\\")  # in the name of a recipe, which becomes part of the keys of samples


@dataclass(frozen=True)
class BulkOptions:
    """How to edit."""

    weights: Path
    """Of the network that renders faces."""
    device: str = "cpu"
    precision: Literal["fp32", "bf16"] = "fp32"
    framed: bool = False
    """Whether each picture is one face, framed as in CelebA-HQ, so that none has to be looked for."""
    batch_size: int = 8
    """Photographs edited together; each network runs on batches of so many faces."""
    format: Literal["same", "png", "jpeg"] = "same"
    """Of the edited pictures; ``same``: JPEG for JPEG, otherwise PNG."""
    max_bad_samples: int = 100
    """Failures in one shard from which the run ends."""


@dataclass(frozen=True)
class NamedRecipe:
    """A recipe, and what it is called in the results."""

    name: str
    recipe: Recipe


@dataclass(frozen=True)
class BulkJob:
    """Shards to edit, by which recipes, and where to."""

    shards: tuple[Shard, ...]
    recipes: tuple[NamedRecipe, ...]
    output: Path
    requirements: tuple[Requirement, ...]
    options: BulkOptions
    hashes: Mapping[str, str]
    """SHA-256 of the weights in use, by model type."""

    def target(self, shard: Shard) -> Path:
        """The shard that ``shard`` becomes."""
        return self.output / f"{shard.name}.tar"

    def report(self, shard: Shard) -> Path:
        """The file that says what became of ``shard``."""
        return self.output / f"{shard.name}.report.json"

    def is_done(self, shard: Shard) -> bool:
        """Whether ``shard`` is done and its input has not changed since."""
        if not self.target(shard).exists():
            return False
        known = self._told(shard).get("input")
        return known is None or known == shard.fingerprint()

    @property
    def missing(self) -> list[Shard]:
        """Shards that are not done yet, or whose input has changed since they were."""
        return [shard for shard in self.shards if not self.is_done(shard)]

    def failures(self, shard: Shard) -> int:
        """How many failures the report of a shard lists."""
        listed = self._told(shard).get("failures")
        return len(listed) if isinstance(listed, list) else 0

    def _told(self, shard: Shard) -> dict[str, Any]:
        """The report of a shard; empty if there is none."""
        try:
            told = json.loads(self.report(shard).read_bytes())
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def record(self) -> dict[str, Any]:
        """All that decides what the results are, apart from the inputs, as plain JSON types."""
        options = asdict(self.options)
        for name in ("weights", "max_bad_samples"):
            del options[name]
        return {
            "program": f"maskgan {__version__}",
            "weights": dict(sorted(self.hashes.items())),
            "require": [str(requirement) for requirement in self.requirements],
            **options,
            "recipes": {named.name: named.recipe.to_json() for named in self.recipes},
        }

    def prepare_output(self) -> None:
        """Create the output folder with the record of this job, which a run that goes on must have written.

        Raises:
            UserError: the folder holds the results of another job, or cannot be written.
        """
        make_folder(self.output)
        path, record = self.output / RECORD, self.record()
        if not path.exists():
            if found := sorted(self.output.glob("*.tar")):
                raise UserError(f"{self.output}: holds {found[0].name} but no {RECORD}; choose an empty folder")
            with atomic_path(path) as temporary:
                temporary.write_text(json.dumps(record, indent=1) + "\n")
            return
        try:
            earlier = json.loads(path.read_bytes())
            others = sorted(name for name in {*earlier, *record} if earlier.get(name) != record.get(name))
        except (OSError, ValueError, TypeError):
            raise UserError(f"{path}: cannot be read; choose another output folder") from None
        if others:
            raise UserError(
                f"{self.output}: was begun with other settings ({', '.join(others)}); repeat those, or choose another "
                "folder"
            )


def read_recipes(paths: Sequence[Path]) -> tuple[NamedRecipe, ...]:
    """Recipes, called by the names of their files.

    Raises:
        UserError: one cannot be read, or has no name of its own.
    """
    named = [NamedRecipe(path.stem, read_recipe(path)) for path in paths]
    for path, one in zip(paths, named, strict=True):
        if not one.name or _FORBIDDEN & set(one.name) or not one.name.isprintable():
            raise UserError(f"{path}: names samples, so it may hold no '.' or '+'; rename it")
        if sum(other.name == one.name for other in named) > 1:
            raise UserError(f"{path}: another recipe is called {one.name} too; rename one")
    return tuple(named)
