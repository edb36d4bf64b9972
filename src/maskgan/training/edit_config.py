"""The options of the stages ``edit`` and ``expression``, beside those that all stages share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from maskgan.config import preset
from maskgan.errors import UserError
from maskgan.training.config import TrainingConfig
from maskgan.training.stage_configs import check_class_balance


@dataclass(frozen=True, kw_only=True)
class EditLossWeights:
    """Weights of the edit network's loss terms, all over the holes."""

    adversarial: float = 1.0
    """Weight of the hinge loss, the mean over the discriminator's heads."""
    perceptual: float = 6.0
    """Weight of the L1 distance in features of EfficientNet-Lite0."""
    pixel: float = 4.0
    """Weight of the L1 distance between images."""
    identity: float = 1.5
    """Weight of 1 minus the cosine similarity of SFace's embeddings."""


@dataclass(frozen=True, kw_only=True)
class HoleConfig:
    """How holes are drawn (see ``maskgan.training.holes``)."""

    full_image: float = 0.14
    """Fraction of holes that cover the full image, as in style copies."""
    ellipses: float = 0.10
    """Fraction of holes that are ellipses anywhere."""
    union: float = 0.5
    """Fraction of the other holes that cover a part of both faces; the rest cover where the two differ."""
    min_grow: float = 3 / 256
    """Minimum border of a hole around the part, as a fraction of the image's side."""
    max_grow: float = 12 / 256
    """Maximum border of a hole around the part, as a fraction of the image's side."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise UserError(f"--hole-{name.replace('_', '-')} must lie in 0..1, is {value}")


@dataclass(frozen=True, kw_only=True)
class EditTrainingConfig(TrainingConfig):
    """Options of the stage ``edit``."""

    stage: ClassVar[str] = "edit"
    initialises_ema: ClassVar[bool] = True

    learning_rate: float = 4e-4
    """Learning rate of Adam, until --lr-decay-start."""
    weights: EditLossWeights = field(default_factory=EditLossWeights, metadata={"flag": "{}_weight"})
    """Weights of the loss terms."""
    holes: HoleConfig = field(default_factory=HoleConfig, metadata={"flag": "hole_{}"})
    """How holes are drawn."""
    class_balance: float = 0.5
    """Weight of small classes in losses between two images: 0 for equal pixels, 1 for equal classes."""
    drop_styles: float = 0.12
    """Fraction of the region style codes that are withheld from the network."""
    drop_unseen_styles: float = 0.3
    """Fraction of images for which the style codes of all regions inside the hole are withheld."""
    cache_gigabytes: float = 8.0
    """Memory for decoded faces; on a GPU that has room they are kept there."""
    oversample_rare: float = 3.0
    """How many times as often images with glasses or a hat are sampled; those with a necklace or earrings come half as
    much more often."""
    init_run: str = ""
    """Run folder of edit whose networks to start from."""
    init_weights: str = ""
    """Weights file of an edit network to start from; the discriminators start from scratch."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_class_balance(self.class_balance)
        if self.init_run and self.init_weights:
            raise UserError("give either --init-run or --init-weights")
        if self.batch_size < 2:
            raise UserError("--batch-size must be at least 2: masks of a batch shape each other's holes")
        if not 1 <= self.oversample_rare <= 1000:
            raise UserError(f"--oversample-rare must lie in 1..1000, is {self.oversample_rare}")

    def _preset_phases(self) -> tuple[tuple[float, int], ...]:
        phases = preset(self.preset).edit_phases
        return ((0.0, phases[-1][1]),) if self.initialised_from else phases

    @property
    def teachers(self) -> tuple[str, ...]:
        """See ``TrainingConfig``; the discriminators read both networks too."""
        return ("EfficientNet-Lite0", "SFace")

    @property
    def initialised_from(self) -> str:
        """See ``TrainingConfig``."""
        return self.init_weights or self.init_run


def coarse_side(preset_name: str) -> int:
    """Side in pixels up to which the coarse part of a preset's edit network draws pictures alone."""
    sizes = preset(preset_name)
    return sizes.edit_phases[-1][1] // (2 if sizes.edit.detail_channels else 1)


@dataclass(frozen=True, kw_only=True)
class ExpressionLossWeights:
    """Weights of the loss terms of ``expression``."""

    expression: float = 1.5
    """Weight of the cross entropy of the classifier's Smiling, over exchanged mouths; smiles must show teeth."""
    identity: float = 4.0
    """Weight of 1 minus the cosine similarity of SFace's embeddings, over exchanged mouths."""
    change: float = 4.0
    """Weight of the L1 distance from what the network drew before, over exchanged mouths; lips count 4 times as much
    as skin, teeth a fifth."""
    rehearsal: float = 10.0
    """Weight of the same distance over other holes."""
    adversarial: float = 1.0
    """Weight of the hinge loss, the mean over the heads of a discriminator as of edit."""


@dataclass(frozen=True, kw_only=True)
class ExpressionTrainingConfig(TrainingConfig):
    """Options of the stage ``expression``."""

    stage: ClassVar[str] = "expression"
    initialises_ema: ClassVar[bool] = True

    init_weights: str
    """Weights file of the edit network to start from."""
    classifier: str
    """Weights file of the attribute classifier in the loss; measure with a different one."""
    weights: ExpressionLossWeights = field(default_factory=ExpressionLossWeights, metadata={"flag": "{}_weight"})
    """Weights of the loss terms."""
    rehearsals: float = 0.25
    """Fraction of the faces that keep their mouth and get a hole as in edit, so that nothing is forgotten."""
    ema_halflife_kimg: float = 0.3
    """Half-life of the exponential moving average (EMA) of the weights, in thousands of images."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.rehearsals < 1:
            raise UserError(f"--rehearsals must be at least 0 and under 1, is {self.rehearsals}")
        if self.final_side > coarse_side(self.preset):
            raise UserError(
                f"--resolution must be at most {coarse_side(self.preset)}: the coarse network alone learns, and larger "
                "pictures are drawn by it at half of their side"
            )

    def _preset_phases(self) -> tuple[tuple[float, int], ...]:
        return ((0.0, coarse_side(self.preset)),)

    @property
    def teachers(self) -> tuple[str, ...]:
        """See ``TrainingConfig``; those of the stage ``edit`` have taught the network before."""
        return ("EfficientNet-Lite0", "SFace", "an attribute classifier")

    @property
    def initialised_from(self) -> str:
        """See ``TrainingConfig``."""
        return self.init_weights
