"""Everything that ships, trained one after another in one run folder: the recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from maskgan.config import preset
from maskgan.data.transforms import NO_AUGMENTATION, SHARP_AUGMENTATION, WIDE_AUGMENTATION, AugmentConfig
from maskgan.training.config import FACE_TERMS, LossWeights, SimulationOptions, TrainingConfig


@dataclass(frozen=True)
class Part:
    """One stage's part of the whole, and the settings that differ between stages."""

    stage: str
    """See ``TrainingConfig.stage``."""
    share: float
    """Of the budget, in proportion to those of the other parts that are trained."""
    batch_size: int
    learning_rate: float
    class_balance: float = 0.0
    weights: LossWeights = field(default_factory=LossWeights)
    largest_side: int | None = None
    """Side of the pictures throughout, or the preset's if that is smaller; ``None`` for the preset's phases."""
    augment: AugmentConfig | None = None
    """How its pictures are varied, unless they are not at all; ``None``: as those of the whole."""
    more_seed: int = 0
    """Added to the seed of the whole."""
    averaged_with: str = ""
    """The part whose network what ships lies halfway to (see ``checkpoints.weights.between``)."""
    folder: str = ""
    """Where it is trained, if not in the folder that is named like its stage."""

    @property
    def name(self) -> str:
        """Of its folder, and its own."""
        return self.folder or self.stage


_FACE_FEATURES = "face-features"

_MEASURING = (
    Part("attributes", 0.06, 32, 1e-3, largest_side=128, augment=WIDE_AUGMENTATION),
    Part("identity", 0.04, 32, 3e-4, largest_side=128, augment=WIDE_AUGMENTATION),
)

# In full, the adversarial term makes speckles of hair at this size of networks and batches (docs/results.md).
_SMALL_WEIGHTS = LossWeights(adversarial=0.25, face=2.0, droplet=20.0)
# Pictures of exchanges take as long again and teach little before faces look like faces; and the network between both
# has most of what they teach without all that it costs.
_EXCHANGES = "exchanges"
_EXCHANGE_WEIGHTS = replace(_SMALL_WEIGHTS, expression=2.0, style_copy=1.0, speck=50.0)

_SMALL = (
    Part("mask-vae", 0.10, 16, 2e-4, class_balance=0.25),
    # Not the classifier that measures: nothing is measured with what it learnt from.
    Part("attributes", 0.05, 32, 1e-3, largest_side=128, augment=WIDE_AUGMENTATION, folder=_FACE_FEATURES, more_seed=1),
    Part("dense-mapping", 0.26, 4, 2e-4, class_balance=0.5, weights=_SMALL_WEIGHTS),
    Part(
        "dense-mapping",
        0.22,
        4,
        2e-4,
        class_balance=0.5,
        weights=_EXCHANGE_WEIGHTS,
        averaged_with="dense-mapping",
        folder=_EXCHANGES,
    ),
    Part(
        "editing",
        0.12,
        4,
        5e-5,
        class_balance=0.5,
        weights=_EXCHANGE_WEIGHTS,
        averaged_with="dense-mapping",
    ),
    Part("enhancer", 0.05, 4, 4e-4, augment=SHARP_AUGMENTATION),
    Part("parser", 0.10, 16, 1e-3, class_balance=0.25, largest_side=128, augment=WIDE_AUGMENTATION),
    *_MEASURING,
)

RECIPES: Mapping[str, Sequence[Part]] = MappingProxyType(
    {
        # The supplement's batches and rates; pixels of all classes count alike.
        "paper": (
            Part("mask-vae", 0.10, 16, 2e-4),
            Part("dense-mapping", 0.50, 8, 2e-4),
            Part("editing", 0.20, 8, 5e-5),
            Part("parser", 0.10, 16, 1e-3, augment=WIDE_AUGMENTATION),
            *_MEASURING,
        ),
        # What was found better with few faces and small networks (docs/results.md).
        "demo": _SMALL,
        "tiny": _SMALL,
    }
)
"""What each preset's networks are trained with, in the order in which they are."""


def part_of(preset_name: str, name: str) -> Part:
    """What the recipe of a preset says of one part, or that of the small ones where it has no such part.

    Raises:
        UserError: there is no such preset.
    """
    preset(preset_name)
    return next(part for part in (*RECIPES[preset_name], *_SMALL) if part.name == name)


SUCCESSION = tuple(part.name for part in _SMALL if part.stage in ("dense-mapping", "editing"))
"""Parts of which each begins with the networks of the one before, in any recipe that has them."""

LABELLED_PEOPLE = "..9192"
"""CelebA's people to learn from; later ones are kept for measuring the classifier and the embedding."""


@dataclass(frozen=True)
class LabelledData:
    """Faces with attributes and identities."""

    data: str
    """See ``maskgan.data.labelled.open_labelled``."""
    table: str | None = None
    """Their labels; synthetic faces need none."""
    identities: str | None = None
    """People to learn from; ``LABELLED_PEOPLE`` if absent."""


def pipeline(
    whole: TrainingConfig,
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
        whole: the budget of all together, and what they share.
        folder: gets a folder for each part, named like it.
        labelled: what attribute classifier and identity embedding learn from; without it they are left out, and so are
            the face terms and what learns from exchanges, unless ``whole.face_features`` are given.
        editing: whether stage 1 is followed by editing behaviour simulated training.
        batch_size: of every stage; the recipe's if ``None``. The others likewise.
        learning_rate: of every stage.
        class_balance: likewise.
        weights: of losses, by the names of ``LossWeights``; those not named are the recipe's.

    Raises:
        UserError: there is no such preset.
    """
    largest = preset(whole.preset).resolution
    left_out = set() if editing else {"editing"}
    left_out |= set() if labelled else {_FACE_FEATURES, "attributes", "identity"}
    left_out |= {_FACE_FEATURES} if whole.face_features else set()
    left_out |= set() if labelled or whole.face_features else {_EXCHANGES}
    parts = [part for part in RECIPES[whole.preset] if part.name not in left_out]
    succession = [part.name for part in parts if part.name in SUCCESSION]
    features = whole.face_features
    if any(part.name == _FACE_FEATURES for part in parts):
        features = str(folder / _FACE_FEATURES / "attributes.safetensors")
    planned = []
    for part in parts:
        share = part.share / sum(other.share for other in parts)
        switched_off = {} if features else dict.fromkeys(FACE_TERMS, 0.0)
        terms = replace(part.weights, **{**switched_off, **weights})
        config = replace(
            whole,
            stage=part.stage,
            seed=whole.seed + part.more_seed,
            batch_size=part.batch_size if batch_size is None else batch_size,
            learning_rate=part.learning_rate if learning_rate is None else learning_rate,
            images=max(round(whole.images * share), 1),
            minutes=None if whole.minutes is None else whole.minutes * share,
            base=_base(part, folder, succession),
            class_balance=part.class_balance if class_balance is None else class_balance,
            weights=terms,
            face_features=features if terms.needs_face_features else "",
        )
        if config.resolution is None and part.largest_side is not None:
            config = replace(config, resolution=min(part.largest_side, largest))
        if part.stage == "enhancer" and config.resolution is not None:
            config = replace(config, resolution=2 * config.resolution)
        if part.augment is not None and whole.augment != NO_AUGMENTATION:
            config = replace(config, augment=part.augment)
        if part.stage == "editing":
            config = replace(config, simulation=_simulation(whole, folder))
        if labelled is not None and config.labelled:
            config = _on_labelled(config, labelled)
        planned.append((folder / part.name, config))
    return planned


def _base(part: Part, folder: Path, succession: Sequence[str]) -> str:
    """What a part begins with: another's networks, or nothing."""
    if place := succession.index(part.name) if part.name in succession else 0:
        return str(folder / succession[place - 1])
    if part.stage == "enhancer":
        return str(folder / succession[-1] / "dense-mapping.safetensors")
    if part.stage == "identity":
        return str(folder / "attributes" / "attributes.safetensors")
    return ""


def _on_labelled(config: TrainingConfig, labelled: LabelledData) -> TrainingConfig:
    return replace(
        config,
        data=labelled.data,
        table=labelled.table,
        identities=labelled.identities or LABELLED_PEOPLE,
        keys=None,
        validate=None,
        stream=False,
    )


def _simulation(whole: TrainingConfig, folder: Path) -> SimulationOptions:
    return replace(whole.simulation, mask_vae=str(folder / "mask-vae" / "mask-vae.safetensors"))
