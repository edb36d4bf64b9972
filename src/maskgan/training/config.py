"""Options that all training stages share, and the option groups that several stages use.

The options of each stage are in ``stage_configs``. A field's default is the only default of its option, and its
docstring is the help text on the command line (see ``cli.config_options``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from maskgan.config import preset
from maskgan.errors import UserError
from maskgan.seeding import MAX_SEED

if TYPE_CHECKING:
    from maskgan.data.transforms import AugmentConfig


def augmentation(name: str | None = None) -> Callable[[], AugmentConfig]:
    """Default factory of a field ``augment``: the constant of ``data.transforms`` of this name, or the defaults there.

    Imported when a config is built, because the command line reads this module for ``--help`` without torch.
    """

    def build() -> AugmentConfig:
        from maskgan.data import transforms

        return transforms.AugmentConfig() if name is None else getattr(transforms, name)

    return build


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the generator's loss terms; terms with weight 0 are skipped, which saves their cost."""

    adversarial: float = 1.0
    """Weight of the adversarial loss."""
    feature_matching: float = 10.0
    """Weight of feature matching, the L1 distance in discriminator features."""
    perceptual: float = 10.0
    """Weight of the perceptual loss, the L1 distance in features of --perceptual."""
    pixel: float = 0.0
    """Weight of the L1 distance between images (not in the paper)."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Options that all stages share. Subclasses add those of one stage, and may have other defaults."""

    stage: ClassVar[str] = ""
    """Name of the stage, a key of ``stages.STAGES``."""
    labelled: ClassVar[bool] = False
    """Whether the stage learns from attribute or identity labels instead of masks."""
    initialises_ema: ClassVar[bool] = False
    """Whether ``initialised_from`` names weights of the very network that the stage trains."""

    data: str
    """Folder, tar file, glob of tar files, or synthetic:N for synthetic faces."""
    preset: str = "demo"
    """Sizes of the networks: paper, demo or tiny."""
    order: str = "auto"
    """Label order of the masks: celebamask-hq, face-parsing, or auto (celebamask-hq, with a warning in doubt)."""
    keys: str | None = None
    """Keys to train on: ranges such as 00000..04249, or a file with one key per line.  [default: all]"""
    minutes: float | None = None
    """Training time; learning rate and resolution follow it. Excludes --images."""
    images: int = 0
    """Number of training images.  [default: the preset's, 4.8 million for paper, 2.4 million for demo and tiny]"""
    resolution: int | None = None
    """Side of the images in pixels, constant.  [default: the preset's progressive phases]"""
    batch_size: int = 8
    """Images per step, over all processes."""
    learning_rate: float = 2e-4
    """Learning rate of Adam, until --lr-decay-start."""
    lr_decay_start: float = 0.5
    """Fraction of the run after which the learning rate decays linearly to 0."""
    ema_halflife_kimg: float = 1.5
    """Half-life of the exponential moving average (EMA) of the weights, in thousands of images."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of convolutions; weights and losses are float32.  [default: bf16, fp32 on mps]"""
    device: str = field(default="cpu", metadata={"choices": ("cpu", "cuda", "mps")})
    """Where to compute.  [default: cuda if available, else cpu]"""
    seed: int = 0
    """Seed of all random numbers."""
    stream: bool = False
    """Read tar shards sequentially; --data may be https addresses then."""
    shuffle_buffer: int = 1000
    """Samples in the shuffle buffer of each reader, with --stream."""
    tensorboard: bool = False
    """Write losses and samples for TensorBoard too."""
    workers: int = 2
    """Number of decoding threads or processes."""
    cache_gigabytes: float = 4.0
    """Memory for decoded faces."""
    max_bad_samples: int = 20
    """Maximum number of unreadable samples before training stops; each is named and skipped."""
    val_keys: str | None = None
    """Keys of the validation set, as for --keys. The weights with the lowest validation loss are kept in best/."""
    keep_last: int = 0
    """Number of snapshots whose weights are kept in snapshots/."""
    snapshot_minutes: float = 5.0
    """Minutes between two saves of the state; a killed run loses at most this."""
    sample_minutes: float = 5.0
    """Minutes between two grids of samples."""
    licence: str = "unstated; the training data's terms apply"
    """Terms of the training data, written into the weights."""
    augment: AugmentConfig = field(default_factory=augmentation(), metadata={"cli": False})
    """Augmentation of the training images."""

    def __post_init__(self) -> None:
        sizes = preset(self.preset)
        if not self.images:
            object.__setattr__(self, "images", sizes.images)
        for name, low, high in (
            ("batch_size", 1, 65_536),
            ("images", 1, 10**12),
            ("learning_rate", 0, math.inf),
            ("ema_halflife_kimg", 0, math.inf),
            ("shuffle_buffer", 1, 10**7),
            ("workers", 0, 1024),
            ("cache_gigabytes", 0, math.inf),
            ("max_bad_samples", 0, 10**12),
            ("keep_last", 0, 10**6),
            ("snapshot_minutes", 0, math.inf),
            ("sample_minutes", 0, math.inf),
        ):
            value, flag = getattr(self, name), f"--{name.replace('_', '-')}"
            if not low <= value < math.inf:
                raise UserError(f"{flag} must be at least {low} and finite, is {value}")
            if value > high:
                raise UserError(f"{flag} must be at most {high}")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise UserError(f"--minutes must be over 0 and finite, is {self.minutes}")
        if not 0 <= self.seed <= MAX_SEED:
            raise UserError(f"--seed must lie in 0..{MAX_SEED}, is {self.seed}")
        if self.resolution is not None and (self.resolution % 32 or not 32 <= self.resolution <= 2048):
            raise UserError(f"--resolution must be a multiple of 32 in 32..2048, is {self.resolution}")
        if not 0 <= self.lr_decay_start <= 1:
            raise UserError(f"--lr-decay-start must lie in 0..1, is {self.lr_decay_start}")

    @property
    def phases(self) -> tuple[tuple[float, int], ...]:
        """Progressive resolution: (fraction of the budget, image side from there on)."""
        if self.resolution is not None:
            return ((0.0, self.resolution),)
        return self._preset_phases()

    def _preset_phases(self) -> tuple[tuple[float, int], ...]:
        """``phases`` where no resolution is given."""
        return preset(self.preset).phases

    @property
    def final_side(self) -> int:
        """Side of the images that the networks are trained for, in pixels."""
        return self.phases[-1][1]

    @property
    def initialised_from(self) -> str:
        """Path that the networks were initialised from, for the provenance of the weights; empty if from scratch."""
        return ""

    @property
    def teachers(self) -> tuple[str, ...]:
        """Names of the frozen networks in the losses, for the metadata of the weights."""
        return ()

    @property
    def ema_starts_trained(self) -> bool:
        """Whether the EMA starts from trained weights, so that it needs no warm-up."""
        return self.initialises_ema and bool(self.initialised_from)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The default of each option that has one, as in ``to_dict``."""
        values: dict[str, Any] = {}
        for option in fields(cls):
            if option.default_factory is not MISSING:
                values[option.name] = asdict(option.default_factory())
            elif option.default is not MISSING:
                values[option.name] = option.default
        return values

    def to_dict(self) -> dict[str, Any]:
        """The stage and all options as plain JSON types."""
        return {"stage": self.stage, **asdict(self)}


KNOWN_BY_NAME = frozenset({"data", "table", "keys", "val_keys", "perceptual", "init_weights", "classifier"})
"""Options that may name another folder when a run resumes: the same data may lie elsewhere on another machine."""

RELATIVE_PATHS = frozenset({"init_run", "init_classifier", "dense_mapping", "mask_vae", "edits"})
"""Options whose paths are recorded relative to the run folder, so that neighbouring runs can move together."""

MAY_CHANGE = frozenset(
    {
        "device",
        "workers",
        "cache_gigabytes",
        "tensorboard",
        "keep_last",
        "snapshot_minutes",
        "sample_minutes",
        "images",
        "minutes",
    }
)
"""Options that may differ when a run resumes: they change how it is computed and kept, or how long it trains."""
