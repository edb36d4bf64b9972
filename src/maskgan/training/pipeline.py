"""The recipe of ``maskgan train all``: every network that ships, trained stage by stage in one run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from maskgan.config import preset
from maskgan.training.config import CLASSIFIER_TERMS, FaceLossWeights, GANOptions, LossWeights, TrainingConfig
from maskgan.training.stage_configs import GANTrainingConfig, GeneratorTrainingConfig
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
    seed_offset: int = 0
    """Added to the base config's seed."""
    interpolated_with: str = ""
    """Stage with whose weights the exported ones are interpolated, halfway (see ``interpolate_weights``)."""
    folder: str = ""
    """Name of its run folder if that is not the stage's."""

    @property
    def name(self) -> str:
        """Name of the spec and of its run folder."""
        return self.folder or self.stage


_FACE_FEATURES = "face-features"
_SWAPS = "swaps"

_MEASURING = (
    StageSpec("attributes", 0.06, max_resolution=128),
    StageSpec("identity", 0.04, max_resolution=128),
)

# In full, the adversarial term makes outlier pixels in hair at this size of networks and batches
# (docs/experiments/adversarial-weight.md).
_SMALL_WEIGHTS = FaceLossWeights(adversarial=0.25, face=2.0, feature_outlier=20.0)
# Cross-face samples double a step's cost and help only once faces look like faces; interpolating with the weights from
# before keeps most of their gain at a fraction of the side effects.
_SWAP_WEIGHTS = replace(_SMALL_WEIGHTS, expression=2.0, style_copy=1.0, outlier_pixels=50.0)
_SMALL_OPTIONS = {"batch_size": 4, "class_balance": 0.5}

_SMALL = (
    StageSpec("mask-vae", 0.10, {"class_balance": 0.25}),
    # Not the classifier that measures: nothing is measured with what it learnt from.
    StageSpec("attributes", 0.05, max_resolution=128, folder=_FACE_FEATURES, seed_offset=1),
    StageSpec("dense-mapping", 0.26, {**_SMALL_OPTIONS, "weights": _SMALL_WEIGHTS}),
    StageSpec(
        "dense-mapping",
        0.22,
        {**_SMALL_OPTIONS, "weights": _SWAP_WEIGHTS},
        interpolated_with="dense-mapping",
        folder=_SWAPS,
    ),
    StageSpec("ebst", 0.12, {**_SMALL_OPTIONS, "weights": _SWAP_WEIGHTS}, interpolated_with="dense-mapping"),
    StageSpec("enhancer", 0.05),
    StageSpec("parser", 0.10, {"class_balance": 0.25}, max_resolution=128),
    *_MEASURING,
)

RECIPES: Mapping[str, Sequence[StageSpec]] = MappingProxyType(
    {
        # The supplement's batches and rates, which are the defaults; pixels of all classes count alike.
        "paper": (
            StageSpec("mask-vae", 0.10),
            StageSpec("dense-mapping", 0.50),
            StageSpec("ebst", 0.20),
            StageSpec("parser", 0.10),
            *_MEASURING,
        ),
        # What was found better with few faces and small networks (docs/experiments).
        "demo": _SMALL,
        "tiny": _SMALL,
    }
)
"""The stages of each preset, in training order."""


def stage_spec(preset_name: str, name: str) -> StageSpec:
    """The spec of one stage in a preset's recipe; the small presets' where the recipe lacks it.

    Raises:
        UserError: there is no such preset.
    """
    preset(preset_name)
    return next(spec for spec in (*RECIPES[preset_name], *_SMALL) if spec.name == name)


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
    specs = [spec for spec in (*RECIPES[preset_name], *_SMALL) if spec.name == stage]
    return dict(specs[0].options) if specs else {}


# What the stages take over from the base config; the others have defaults that differ between stages.
_SHARED_OPTIONS = {option.name for option in fields(TrainingConfig)} - {"batch_size", "learning_rate", "augment"}

STAGE_CHAIN = tuple(spec.name for spec in _SMALL if spec.stage in ("dense-mapping", "ebst"))
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
        folder: run folder; each stage gets a folder in it, named like its spec.
        labelled: faces with labels. Without them the attribute classifier, the identity embedding, the face terms and
            the stage ``swaps`` are left out; the last two stay if ``face_features`` is given.
        ebst: whether to add editing behaviour simulated training after stage 1.
        options: options that replace the recipe's in every stage that has them, as ``stage_config`` takes them.

    Raises:
        UserError: there is no such preset, or a value is not allowed.
    """
    features = options.get("face_features", "")
    left_out = set() if ebst else {"ebst"}
    left_out |= set() if labelled else {_FACE_FEATURES, "attributes", "identity"}
    left_out |= {_FACE_FEATURES} if features else set()
    left_out |= set() if labelled or features else {_SWAPS}
    specs = [spec for spec in RECIPES[base_config.preset] if spec.name not in left_out]
    if any(spec.name == _FACE_FEATURES for spec in specs):
        features = str(folder / _FACE_FEATURES / "attributes.safetensors")
    planned = []
    for spec in specs:
        fraction = spec.budget_fraction / sum(other.budget_fraction for other in specs)
        shared = {
            **{name: getattr(base_config, name) for name in _SHARED_OPTIONS},
            "seed": base_config.seed + spec.seed_offset,
            "images": max(round(base_config.images * fraction), 1),
            "minutes": None if base_config.minutes is None else base_config.minutes * fraction,
        }
        if labelled is not None and STAGES[spec.stage].config_type.labelled:
            shared |= _labelled_options(labelled)
        given = {**shared, **_resolution(spec, base_config), **_inputs(spec, folder, specs), **options}
        given["face_features"] = features
        config_type = STAGES[spec.stage].config_type
        names = {option.name for option in fields(config_type)}
        given = {name: value for name, value in given.items() if name in names}
        planned.append((folder / spec.name, _build(config_type, spec.options, given)))
    return planned


def _build(config_type: type[TrainingConfig], recipe: Mapping[str, Any], given: Mapping[str, Any]) -> TrainingConfig:
    """A config from what is given, else the recipe, else the defaults."""
    values = {**recipe, **given}
    if issubclass(config_type, GANTrainingConfig):
        values["gan"] = replace(GANOptions(), **given.get("gan", {}))
        weights = recipe.get("weights", FaceLossWeights())
        if not issubclass(config_type, GeneratorTrainingConfig):
            weights = LossWeights()
        elif not given.get("face_features"):
            # The recipe's terms need a classifier; only those that are asked for are refused without one.
            weights = replace(weights, **dict.fromkeys(CLASSIFIER_TERMS, 0.0))
        known = {option.name for option in fields(weights)}
        weights = replace(weights, **{n: value for n, value in given.get("weights", {}).items() if n in known})
        values["weights"] = weights
        if isinstance(weights, FaceLossWeights) and not weights.needs_classifier:
            values["face_features"] = ""
    for option in fields(config_type):
        if isinstance(changes := values.get(option.name), Mapping):
            assert option.default_factory is not MISSING
            values[option.name] = replace(recipe.get(option.name, option.default_factory()), **changes)
    return config_type(**values)


def _resolution(spec: StageSpec, base_config: TrainingConfig) -> dict[str, int]:
    """A constant resolution, if the base config or the spec asks for one; the enhancer works at twice of it."""
    if base_config.resolution is not None:
        return {"resolution": base_config.resolution * (2 if spec.stage == "enhancer" else 1)}
    if spec.max_resolution is not None:
        return {"resolution": min(spec.max_resolution, preset(base_config.preset).resolution)}
    return {}


def _inputs(spec: StageSpec, folder: Path, specs: Sequence[StageSpec]) -> dict[str, str]:
    """The results of earlier stages that a stage starts from or uses."""
    chain = [other.name for other in specs if other.name in STAGE_CHAIN]
    inputs = {
        "dense_mapping": str(folder / chain[-1] / "dense-mapping.safetensors"),
        "init_classifier": str(folder / "attributes" / "attributes.safetensors"),
        "mask_vae": str(folder / "mask-vae" / "mask-vae.safetensors"),
    }
    if place := chain.index(spec.name) if spec.name in chain else 0:
        inputs["init_run"] = str(folder / chain[place - 1])
    return inputs


def _labelled_options(labelled: LabelledData) -> dict[str, Any]:
    return {
        "data": labelled.data,
        "table": labelled.table,
        "identities": labelled.identities or LABELLED_PEOPLE,
        "keys": None,
        "val_keys": None,
        "stream": False,
    }
