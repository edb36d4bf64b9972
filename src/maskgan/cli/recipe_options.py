"""``--recipe`` and ``--save-recipe`` of ``maskgan edit``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from maskgan.assets import shipped_weights
from maskgan.editing.label_patch import LabelPatch
from maskgan.editing.named_edits import parse_edit
from maskgan.editing.photographs import AppliedEdit, parse_face_choice
from maskgan.editing.recipes import Recipe, check_recipe_path, read_recipe, weights_in_use, write_recipe
from maskgan.labels import LabelMap

_log = logging.getLogger(__name__)


class RecipeOptions:
    """What a command is to do by a recipe and by its options, and the recipe to write of it."""

    def __init__(
        self,
        path: Path | None,  # --recipe
        saved: Path | None,  # --save-recipe
        edits: Sequence[str],  # --apply, done after those of the recipe
        which: str | None,  # --face; None: as the recipe says
        weights: str | None,
    ) -> None:
        """Read the recipe.

        Raises:
            UserError: it cannot be read, an edit has no such name or amount, or ``saved`` is no name for a recipe.
        """
        if which is not None:
            parse_face_choice(which)
        recipe = Recipe(()) if path is None else read_recipe(path)
        applied = (*recipe.edits, *(parse_edit(text) for text in edits))
        self._path = path
        self._saved = None if saved is None else check_recipe_path(saved)
        in_use: dict[str, str] = {}
        if saved is not None or recipe.weights:
            network = shipped_weights("edit") if weights is None else Path(weights)
            in_use = weights_in_use(network)
        if others := recipe.other_weights(in_use):
            _log.warning("%s was made with other weights (%s), so results can differ", path, ", ".join(others))
        self.recipe = Recipe(applied, recipe.face if which is None else which, in_use)

    @property
    def edits(self) -> tuple[AppliedEdit, ...]:
        """What to do, in this order."""
        return self.recipe.edits

    def name_of(self, image: Path) -> str:
        """What messages call the edits of an image."""
        return str(image) if self._path is None else f"{image} by {self._path}"

    def paint(self, before: LabelMap, after: LabelMap) -> None:
        """Add what was painted on a mask, H x W uint8 before and after.

        Raises:
            UserError: it is more than a recipe can hold.
        """
        patch = None if self._saved is None else LabelPatch.between(before, after)
        if patch is not None:
            self.recipe = replace(self.recipe, edits=(*self.recipe.edits, (patch, 1.0)))

    def save(self) -> None:
        """Write the recipe, once, if that is asked for; called when a result stands.

        Raises:
            UserError: it cannot be written.
        """
        if self._saved is not None:
            write_recipe(self._saved, self.recipe)
            self._saved = None
