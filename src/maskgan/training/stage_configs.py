"""The options of each training stage, beside those that all share (see ``config.TrainingConfig``)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from maskgan.config import preset
from maskgan.errors import UserError
from maskgan.training.config import LossWeights, TrainingConfig, augmentation

if TYPE_CHECKING:
    from maskgan.data.transforms import AugmentConfig

EFFICIENTNET = "efficientnet"
"""Value of ``--perceptual`` for EfficientNet-Lite0."""


def check_class_balance(value: float) -> None:
    """Raise unless a class balance lies in 0..1.

    Raises:
        UserError: it does not.
    """
    if not 0 <= value <= 1:
        raise UserError(f"--class-balance must lie in 0..1, is {value}")


@dataclass(frozen=True, kw_only=True)
class MaskVAETrainingConfig(TrainingConfig):
    """Options of the stage ``mask-vae``."""

    stage: ClassVar[str] = "mask-vae"

    batch_size: int = 16
    """Images per step, over all processes."""
    kl_weight: float = 1e-5
    """Weight of the KL divergence, summed over the code, beside the mean cross entropy per pixel."""
    class_balance: float = 0.0
    """Weight of small classes in the cross entropy: 0 for equal pixels, 1 for equal classes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_class_balance(self.class_balance)


@dataclass(frozen=True, kw_only=True)
class GANTrainingConfig(TrainingConfig):
    """Options of the stages that train the dense mapping network against discriminators."""

    initialises_ema: ClassVar[bool] = True
    weights: LossWeights = field(default_factory=LossWeights, metadata={"flag": "{}_weight"})
    """Weights of the generator's loss terms."""
    perceptual: str = ""
    """Network of the perceptual loss: efficientnet, or a file of VGG-19 weights in torchvision's layout.
    [default: efficientnet; none with --preset paper, where the choice must be made]"""
    vgg_input: Literal["imagenet", "unnormalised"] = "imagenet"
    """Input of VGG-19: normalised with ImageNet's statistics, or in [-1, 1] as in the reference code."""
    class_balance: float = 0.0
    """Weight of small classes in losses between two images: 0 for equal pixels, 1 for equal classes."""
    fusion: Literal["sft", "concat", "none"] | None = None
    """How the style encoder combines mask and image.  [default: the preset's]"""
    network: str = ""
    """Changes to the preset's network, separated by commas, such as style_encoder.regions=none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_class_balance(self.class_balance)
        if not self.perceptual:
            if self.preset == "paper" and self.weights.perceptual:
                raise UserError(
                    "--preset paper: the paper's perceptual loss needs VGG-19; give its weights with "
                    "--perceptual vgg19-dcbb9e9d.pth, or choose another network with --perceptual efficientnet"
                )
            object.__setattr__(self, "perceptual", EFFICIENTNET)

    @property
    def teachers(self) -> tuple[str, ...]:
        """See ``TrainingConfig``."""
        if not self.weights.perceptual:
            return ()
        return ("EfficientNet-Lite0" if self.perceptual == EFFICIENTNET else "VGG-19",)


@dataclass(frozen=True, kw_only=True)
class DenseMappingTrainingConfig(GANTrainingConfig):
    """Options of the stage ``dense-mapping``."""

    stage: ClassVar[str] = "dense-mapping"

    init_run: str = ""
    """Run folder of dense-mapping or ebst whose generator and discriminators to start from."""
    init_weights: str = ""
    """Weights file of a dense mapping network to start from, instead of the generator of --init-run. Without
    --init-run the discriminators start from scratch."""

    def _preset_phases(self) -> tuple[tuple[float, int], ...]:
        return _final_phase(self) if self.init_run or self.init_weights else super()._preset_phases()

    @property
    def initialised_from(self) -> str:
        """See ``TrainingConfig``."""
        return self.init_weights or self.init_run


@dataclass(frozen=True, kw_only=True)
class EBSTTrainingConfig(GANTrainingConfig):
    """Options of the stage ``ebst`` (editing behaviour simulated training)."""

    stage: ClassVar[str] = "ebst"

    init_run: str
    """Run folder of dense-mapping whose generator and discriminators to start from."""
    learning_rate: float = 5e-5
    """Learning rate of Adam, until --lr-decay-start."""
    mask_vae: str = ""
    """Weights file of the MaskVAE that simulates edits."""
    edits: str = ""
    """Folder of edits made by 'maskgan simulate-edits', instead of --mask-vae."""
    strength: float = 2.5
    """lambda_inter: a simulated edit moves the mask's code by 1/strength of the way to another's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.mask_vae) == bool(self.edits):
            raise UserError("give either --mask-vae FILE, to simulate edits on the fly, or --edits FOLDER")
        if self.stream and self.edits:
            raise UserError("--stream reads masks from shards alone; leave --edits out and give --mask-vae")
        if not self.strength > 0:
            raise UserError(f"--strength must be over 0, is {self.strength}")
        if self.batch_size < 2:
            raise UserError("--batch-size must be at least 2: the masks of a batch stand in for each other's edits")

    def _preset_phases(self) -> tuple[tuple[float, int], ...]:
        return _final_phase(self)

    @property
    def initialised_from(self) -> str:
        """See ``TrainingConfig``."""
        return self.init_run


@dataclass(frozen=True, kw_only=True)
class ParserTrainingConfig(TrainingConfig):
    """Options of the stage ``parser``."""

    stage: ClassVar[str] = "parser"
    initialises_ema: ClassVar[bool] = True

    batch_size: int = 16
    """Images per step, over all processes."""
    learning_rate: float = 1e-3
    """Learning rate of Adam, until --lr-decay-start."""
    class_balance: float = 0.0
    """Weight of small classes in the cross entropy: 0 for equal pixels, 1 for equal classes."""
    jaccard_weight: float = 0.0
    """Weight of 1 minus the soft intersection over union, the mean over the classes in a batch."""
    init_weights: str = ""
    """Weights file of a parser to start from."""
    augment: AugmentConfig = field(default_factory=augmentation("WIDE_AUGMENTATION"), metadata={"cli": False})
    """Augmentation of the training images."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_class_balance(self.class_balance)
        if not 0 <= self.jaccard_weight < math.inf:
            raise UserError(f"--jaccard-weight must be a number of at least 0, is {self.jaccard_weight}")

    def _preset_phases(self) -> tuple[tuple[float, int], ...]:
        return _final_phase(self) if self.init_weights else super()._preset_phases()

    @property
    def initialised_from(self) -> str:
        """See ``TrainingConfig``."""
        return self.init_weights


@dataclass(frozen=True, kw_only=True)
class LabelledTrainingConfig(TrainingConfig):
    """Options of the stages that learn from labels."""

    labelled: ClassVar[bool] = True

    order: str = field(default="auto", metadata={"cli": False})
    """No option here, for no mask is read."""
    table: str | None = None
    """Labels: a CSV with CelebA's columns, or list_attr_celeba.txt; synthetic faces need none."""
    identities: str | None = None
    """Identities to train on, as a range of the table's numbers such as ..9000.  [default: all]"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order != "auto":
            raise UserError(
                f"--order {self.order}: stage {self.stage} learns from labels and reads no masks; leave it out"
            )


@dataclass(frozen=True, kw_only=True)
class AttributesTrainingConfig(LabelledTrainingConfig):
    """Options of the stage ``attributes``."""

    stage: ClassVar[str] = "attributes"

    batch_size: int = 32
    """Images per step, over all processes."""
    learning_rate: float = 1e-3
    """Learning rate of Adam, until --lr-decay-start."""
    augment: AugmentConfig = field(default_factory=augmentation("WIDE_AUGMENTATION"), metadata={"cli": False})
    """Augmentation of the training images."""


@dataclass(frozen=True, kw_only=True)
class IdentityTrainingConfig(LabelledTrainingConfig):
    """Options of the stage ``identity``."""

    stage: ClassVar[str] = "identity"

    init_classifier: str = ""
    """Weights file of an attribute classifier whose features to start from."""
    batch_size: int = 32
    """Images per step, over all processes."""
    learning_rate: float = 3e-4
    """Learning rate of Adam, until --lr-decay-start."""
    augment: AugmentConfig = field(default_factory=augmentation("WIDE_AUGMENTATION"), metadata={"cli": False})
    """Augmentation of the training images."""

    @property
    def initialised_from(self) -> str:
        """See ``TrainingConfig``."""
        return self.init_classifier


@dataclass(frozen=True, kw_only=True)
class StarGANTrainingConfig(LabelledTrainingConfig):
    """Options of the stage ``stargan``."""

    stage: ClassVar[str] = "stargan"

    batch_size: int = 16
    """Images per step, over all processes."""
    learning_rate: float = 1e-4
    """Learning rate of Adam, until --lr-decay-start."""


@dataclass(frozen=True, kw_only=True)
class ElegantTrainingConfig(LabelledTrainingConfig):
    """Options of the stage ``elegant``."""

    stage: ClassVar[str] = "elegant"

    batch_size: int = 16
    """Images per step, over all processes."""


def _final_phase(config: TrainingConfig) -> tuple[tuple[float, int], ...]:
    """The last of the preset's phases alone: networks that were trained before are used to the final resolution."""
    return ((0.0, preset(config.preset).phases[-1][1]),)
