"""The recipe of ``maskgan train all``: every network that ships, trained stage by stage in one run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from maskgan.config import preset
from maskgan.training.config import LossWeights, TrainingConfig
from maskgan.training.edit_config import coarse_side
from maskgan.training.stages import STAGES


@dataclass(frozen=True)
class StageSpec:
    """One stage of the recipe: its fraction of the budget and the options that differ from the stage's defaults."""

    stage: str
    """See ``TrainingConfig.stage``."""
    budget_fraction: float
    """Fraction of the budget, relative to those of the other stages that are trained."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the stage, by the names of its config's fields."""
    max_resolution: int | None = None
    """Constant image side in pixels, capped at the preset's resolution; ``None``: the preset's progressive phases."""
    name: str = ""
    """Of its folder and in log lines; empty: the stage's."""

    @property
    def folder(self) -> str:
        """Name of its folder in the run folder."""
        return self.name or self.stage


_MEASURING = (
    StageSpec("attributes", 0.06, max_resolution=128),
    StageSpec("identity", 0.04, max_resolution=128),
)
_PUBLISHED = (
    # The supplement's batches and rates, which are the defaults; pixels of all classes count alike.
    StageSpec("mask-vae", 0.10),
    StageSpec("dense-mapping", 0.50),
    StageSpec("ebst", 0.20),
    StageSpec("parser", 0.10),
    *_MEASURING,
)

# What was found better with few faces and small networks (docs/experiments). In full, the adversarial term makes
# outlier pixels in hair at this size of networks and batches.
_SMALL_GAN = {
    "batch_size": 4,
    "class_balance": 0.5,
    "weights": LossWeights(adversarial=0.25),
}
_MASK_VAE = StageSpec("mask-vae", 0.10, {"class_balance": 0.25})
_PARSER = StageSpec("parser", 0.16, {"class_balance": 0.25, "jaccard_weight": 1.0})
TEACHER = "expression-teacher"
"""Folder of the classifier that teaches ``expression``: of another seed than the one that ships, which measures."""
_EXPRESSION = (
    StageSpec("attributes", 0.04, max_resolution=128, name=TEACHER),
    StageSpec("expression", 0.16),
)
_SMALL = (
    _MASK_VAE,
    StageSpec("dense-mapping", 0.20, _SMALL_GAN),
    StageSpec("ebst", 0.10, _SMALL_GAN),
    StageSpec("edit", 0.34),
    *_EXPRESSION,
    _PARSER,
    *_MEASURING,
)

RECIPES: Mapping[str, Sequence[StageSpec]] = MappingProxyType(
    {
        "paper": _PUBLISHED,
        "demo": (_MASK_VAE, StageSpec("edit", 0.44), *_EXPRESSION, _PARSER, *_MEASURING),
        "tiny": _SMALL,  # every stage, for tests
    }
)
"""The stages of each preset, in training order."""


def stage_config(stage: str, given: Mapping[str, Any]) -> TrainingConfig:
    """The config of a single stage: options that are given, else its preset's recipe, else the stage's defaults.

    Args:
        stage: a key of ``STAGES``.
        given: options by the names of the config's fields; ``data`` among them. ``weights`` and ``gan`` are mappings
            that name some of their fields.

    Raises:
        UserError: there is no such preset, or a value is not allowed.
    """
    recipe = recipe_options(given.get("preset", TrainingConfig.preset), stage)
    return _build(STAGES[stage].config_type, recipe, given)


def recipe_options(preset_name: str, stage: str) -> dict[str, Any]:
    """What a preset's recipe sets for a stage trained alone; nothing for stages in no recipe, such as baselines.

    Raises:
        UserError: there is no such preset.
    """
    preset(preset_name)
    specs = [spec for spec in (*RECIPES[preset_name], *_SMALL) if spec.folder == stage]
    return dict(specs[0].options) if specs else {}


# What the stages take over from the base config; the others have defaults that differ between stages.
_SHARED_OPTIONS = {option.name for option in fields(TrainingConfig)} - {"batch_size", "learning_rate", "augment"}

_DEFAULTS = {option.name: option.default for option in fields(TrainingConfig)}

STAGE_CHAIN = ("dense-mapping", "ebst")
"""Stages that train the same networks in turn: each starts from the one before, in every recipe that has them."""

LABELLED_PEOPLE = "..9192"
"""CelebA identities for training; later ones are held out to evaluate the classifier and the embedding."""


@dataclass(frozen=True)
class LabelledData:
    """Faces with attributes and identities."""

    data: str
    """See ``maskgan.data.labelled.open_labelled``."""
    table: str | None = None
    """File of their labels; synthetic faces need none."""
    identities: str | None = None
    """Identities to train on; ``None``: ``LABELLED_PEOPLE``."""


def pipeline(
    base_config: TrainingConfig,
    folder: Path,
    labelled: LabelledData | None = None,
    *,
    ebst: bool = True,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> list[tuple[Path, TrainingConfig]]:
    """The run folder and config of each stage, in order.

    Args:
        base_config: the total budget and the options that all stages share.
        folder: run folder; each stage gets a folder in it, named like it.
        labelled: faces with labels. Without them the classifiers, the identity embedding and ``expression`` are
            left out.
        ebst: whether to add editing behaviour simulated training after stage 1.
        options: options that replace the recipe's in every stage that has them, as ``stage_config`` takes them.

    Raises:
        UserError: there is no such preset, or a value is not allowed.
    """
    left_out = set() if ebst else {"ebst"}
    left_out |= set() if labelled else {"attributes", "identity", "expression"}
    specs = [spec for spec in RECIPES[base_config.preset] if spec.stage not in left_out]
    planned = []
    for spec in specs:
        fraction = spec.budget_fraction / sum(other.budget_fraction for other in specs)
        shared = {
            # What nobody set stays the stage's own default.
            **{name: value for name in _SHARED_OPTIONS if (value := getattr(base_config, name)) != _DEFAULTS.get(name)},
            "images": max(round(base_config.images * fraction), 1),
            "minutes": None if base_config.minutes is None else base_config.minutes * fraction,
        }
        if labelled is not None and STAGES[spec.stage].config_type.labelled:
            shared |= _labelled_options(labelled)
        if spec.name == TEACHER:
            shared["seed"] = base_config.seed + 1
        given = {**shared, **_resolution(spec, base_config), **_inputs(spec, folder, specs), **options}
        config_type = STAGES[spec.stage].config_type
        names = {option.name for option in fields(config_type)}
        given = {name: value for name, value in given.items() if name in names}
        planned.append((folder / spec.folder, _build(config_type, spec.options, given)))
    return planned


def _build(config_type: type[TrainingConfig], recipe: Mapping[str, Any], given: Mapping[str, Any]) -> TrainingConfig:
    """A config from what is given, else the recipe, else the defaults."""
    values = {**recipe, **given}
    for option in fields(config_type):
        if isinstance(changes := values.get(option.name), Mapping):
            assert option.default_factory is not MISSING
            before = recipe.get(option.name, option.default_factory())
            known = {part.name for part in fields(before)}
            values[option.name] = replace(before, **{n: value for n, value in changes.items() if n in known})
    return config_type(**values)


def _resolution(spec: StageSpec, base_config: TrainingConfig) -> dict[str, int]:
    """A constant resolution, if the base config or the spec asks for one."""
    if spec.stage == "expression":
        side = coarse_side(base_config.preset)  # it learns at no other
        return {"resolution": min(base_config.resolution or side, side)}
    if base_config.resolution is not None:
        return {"resolution": base_config.resolution}
    if spec.max_resolution is not None:
        return {"resolution": min(spec.max_resolution, preset(base_config.preset).resolution)}
    return {}


def _inputs(spec: StageSpec, folder: Path, specs: Sequence[StageSpec]) -> dict[str, str]:
    """The results of earlier stages that a stage starts from or uses."""
    if spec.stage == "expression":
        return {
            "init_weights": str(folder / "edit" / "edit.safetensors"),
            "classifier": str(folder / TEACHER / "attributes.safetensors"),
        }
    chain = [other.stage for other in specs if other.stage in STAGE_CHAIN]
    inputs = {
        "init_classifier": str(folder / "attributes" / "attributes.safetensors"),
        "mask_vae": str(folder / "mask-vae" / "mask-vae.safetensors"),
    }
    if place := chain.index(spec.stage) if spec.stage in chain else 0:
        inputs["init_run"] = str(folder / chain[place - 1])
    return inputs


def _labelled_options(labelled: LabelledData) -> dict[str, Any]:
    return {
        "data": labelled.data,
        "order": "auto",
        "table": labelled.table,
        "identities": labelled.identities or LABELLED_PEOPLE,
        "keys": None,
        "val_keys": None,
        "stream": False,
    }
