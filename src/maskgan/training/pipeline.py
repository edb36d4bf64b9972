"""The recipe of ``maskgan train all``: every network that ships, trained stage by stage in one run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from maskgan.config import preset
from maskgan.data.transforms import NO_AUGMENTATION, SHARP_AUGMENTATION, WIDE_AUGMENTATION, AugmentConfig
from maskgan.training.config import FACE_TERMS, LossWeights, SimulationOptions, TrainingConfig


@dataclass(frozen=True)
class StageSpec:
    """One stage of the recipe: its fraction of the budget and the settings that differ from the base config."""

    stage: str
    """See ``TrainingConfig.stage``."""
    budget_fraction: float
    """Fraction of the budget, relative to those of the other stages that are trained."""
    batch_size: int
    learning_rate: float
    class_balance: float = 0.0
    weights: LossWeights = field(default_factory=LossWeights)
    max_resolution: int | None = None
    """Constant image side in pixels, capped at the preset's resolution; ``None``: the preset's progressive phases."""
    augment: AugmentConfig | None = None
    """Augmentation, unless the base config switches it off; ``None``: the base config's."""
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

_MEASURING = (
    StageSpec("attributes", 0.06, 32, 1e-3, max_resolution=128, augment=WIDE_AUGMENTATION),
    StageSpec("identity", 0.04, 32, 3e-4, max_resolution=128, augment=WIDE_AUGMENTATION),
)

# In full, the adversarial term makes speckles of hair at this size of networks and batches (docs/results.md).
_SMALL_WEIGHTS = LossWeights(adversarial=0.25, face=2.0, droplet=20.0)
# Cross-face samples double a step's cost and help only once faces look like faces; interpolating with the weights from
# before keeps most of their gain at a fraction of the side effects.
_SWAPS = "swaps"
_SWAP_WEIGHTS = replace(_SMALL_WEIGHTS, expression=2.0, style_copy=1.0, speck=50.0)

_SMALL = (
    StageSpec("mask-vae", 0.10, 16, 2e-4, class_balance=0.25),
    # Not the classifier that measures: nothing is measured with what it learnt from.
    StageSpec(
        "attributes",
        0.05,
        32,
        1e-3,
        max_resolution=128,
        augment=WIDE_AUGMENTATION,
        folder=_FACE_FEATURES,
        seed_offset=1,
    ),
    StageSpec("dense-mapping", 0.26, 4, 2e-4, class_balance=0.5, weights=_SMALL_WEIGHTS),
    StageSpec(
        "dense-mapping",
        0.22,
        4,
        2e-4,
        class_balance=0.5,
        weights=_SWAP_WEIGHTS,
        interpolated_with="dense-mapping",
        folder=_SWAPS,
    ),
    StageSpec(
        "editing",
        0.12,
        4,
        5e-5,
        class_balance=0.5,
        weights=_SWAP_WEIGHTS,
        interpolated_with="dense-mapping",
    ),
    StageSpec("enhancer", 0.05, 4, 4e-4, augment=SHARP_AUGMENTATION),
    StageSpec("parser", 0.10, 16, 1e-3, class_balance=0.25, max_resolution=128, augment=WIDE_AUGMENTATION),
    *_MEASURING,
)

RECIPES: Mapping[str, Sequence[StageSpec]] = MappingProxyType(
    {
        # The supplement's batches and rates; pixels of all classes count alike.
        "paper": (
            StageSpec("mask-vae", 0.10, 16, 2e-4),
            StageSpec("dense-mapping", 0.50, 8, 2e-4),
            StageSpec("editing", 0.20, 8, 5e-5),
            StageSpec("parser", 0.10, 16, 1e-3, augment=WIDE_AUGMENTATION),
            *_MEASURING,
        ),
        # What was found better with few faces and small networks (docs/results.md).
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


STAGE_CHAIN = tuple(spec.name for spec in _SMALL if spec.stage in ("dense-mapping", "editing"))
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
    editing: bool = True,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    class_balance: float | None = None,
    weights: Mapping[str, float] = MappingProxyType({}),
) -> list[tuple[Path, TrainingConfig]]:
    """The run folder and config of each stage, in order.

    Args:
        base_config: the total budget and the settings that all stages share.
        folder: run folder; each stage gets a folder in it, named like its spec.
        labelled: faces with labels. Without them the attribute classifier, the identity embedding, the face terms and
            the stage ``swaps`` are left out; the last two stay if ``base_config.face_features`` is given.
        editing: whether to add editing behaviour simulated training after stage 1.
        batch_size: batch size of every stage; ``None``: the recipe's.
        learning_rate: learning rate of every stage; ``None``: the recipe's.
        class_balance: class balance of every stage; ``None``: the recipe's.
        weights: loss weights by their names in ``LossWeights``; those not named are the recipe's.

    Raises:
        UserError: there is no such preset.
    """
    largest = preset(base_config.preset).resolution
    left_out = set() if editing else {"editing"}
    left_out |= set() if labelled else {_FACE_FEATURES, "attributes", "identity"}
    left_out |= {_FACE_FEATURES} if base_config.face_features else set()
    left_out |= set() if labelled or base_config.face_features else {_SWAPS}
    specs = [spec for spec in RECIPES[base_config.preset] if spec.name not in left_out]
    chain = [spec.name for spec in specs if spec.name in STAGE_CHAIN]
    features = base_config.face_features
    if any(spec.name == _FACE_FEATURES for spec in specs):
        features = str(folder / _FACE_FEATURES / "attributes.safetensors")
    planned = []
    for spec in specs:
        fraction = spec.budget_fraction / sum(other.budget_fraction for other in specs)
        switched_off = {} if features else dict.fromkeys(FACE_TERMS, 0.0)
        terms = replace(spec.weights, **{**switched_off, **weights})
        config = replace(
            base_config,
            stage=spec.stage,
            seed=base_config.seed + spec.seed_offset,
            batch_size=spec.batch_size if batch_size is None else batch_size,
            learning_rate=spec.learning_rate if learning_rate is None else learning_rate,
            images=max(round(base_config.images * fraction), 1),
            minutes=None if base_config.minutes is None else base_config.minutes * fraction,
            base=_base(spec, folder, chain),
            class_balance=spec.class_balance if class_balance is None else class_balance,
            weights=terms,
            face_features=features if terms.needs_face_features else "",
        )
        if config.resolution is None and spec.max_resolution is not None:
            config = replace(config, resolution=min(spec.max_resolution, largest))
        if spec.stage == "enhancer" and config.resolution is not None:
            config = replace(config, resolution=2 * config.resolution)
        if spec.augment is not None and base_config.augment != NO_AUGMENTATION:
            config = replace(config, augment=spec.augment)
        if spec.stage == "editing":
            config = replace(config, simulation=_simulation(base_config, folder))
        if labelled is not None and config.labelled:
            config = _on_labelled(config, labelled)
        planned.append((folder / spec.name, config))
    return planned


def _base(spec: StageSpec, folder: Path, chain: Sequence[str]) -> str:
    """The run folder or weights file that a stage starts from, or nothing."""
    if place := chain.index(spec.name) if spec.name in chain else 0:
        return str(folder / chain[place - 1])
    if spec.stage == "enhancer":
        return str(folder / chain[-1] / "dense-mapping.safetensors")
    if spec.stage == "identity":
        return str(folder / "attributes" / "attributes.safetensors")
    return ""


def _on_labelled(config: TrainingConfig, labelled: LabelledData) -> TrainingConfig:
    return replace(
        config,
        data=labelled.data,
        table=labelled.table,
        identities=labelled.identities or LABELLED_PEOPLE,
        keys=None,
        val_keys=None,
        stream=False,
    )


def _simulation(base_config: TrainingConfig, folder: Path) -> SimulationOptions:
    return replace(base_config.simulation, mask_vae=str(folder / "mask-vae" / "mask-vae.safetensors"))
