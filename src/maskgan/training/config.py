"""What a training run is told; written to the run folder and compared when the run goes on."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from maskgan.config import preset
from maskgan.data.transforms import AugmentConfig
from maskgan.errors import UserError

FACE_TERMS = ("face", "expression", "style_copy")
"""Terms of ``LossWeights`` that an attribute classifier computes."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the generator's terms; zero switches a term off and saves its cost."""

    adversarial: float = 1.0
    """Of the discriminators' verdicts, summed over the scales."""
    feature_matching: float = 10.0
    """L1 in the discriminators' features."""
    perceptual: float = 10.0
    """L1 in a classifier's features."""
    pixel: float = 0.0
    """L1 in the picture itself; not in the paper."""
    face: float = 0.0
    """L1 in the features of an attribute classifier (see ``TrainingConfig.face_features``); not in the paper."""
    expression: float = 0.0
    """Attribute loss of faces with others' mouths (see ``maskgan.losses.attribute_swaps``); not in the paper."""
    style_copy: float = 0.0
    """Attribute loss of faces with others' masks (see ``maskgan.losses.attribute_swaps``); not in the paper."""
    droplet: float = 0.0
    """Feature-outlier penalty (see ``maskgan.losses.feature_outliers``); not in the paper."""
    speck: float = 0.0
    """Outlier pixels of swaps (see ``maskgan.losses.outlier_pixels``); not in the paper."""

    @property
    def needs_face_features(self) -> bool:
        """Whether an attribute classifier is needed, for ``TrainingConfig.face_features``."""
        return any(getattr(self, name) for name in FACE_TERMS)


@dataclass(frozen=True)
class CriticOptions:
    """How the discriminators learn; the defaults are the paper's."""

    loss: Literal["lsgan", "hinge"] = "lsgan"
    """Least squares, or hinge loss."""
    r1_weight: float = 0.0
    """Of R1, the penalty on the discriminators' gradient at real pictures; computed in one of 16 steps."""
    augment: bool = False
    """Whether real and made pictures are varied before they are judged (DiffAugment)."""


@dataclass(frozen=True)
class SimulationOptions:
    """What only editing behaviour simulated training needs."""

    mask_vae: str = ""
    """Weights file of the MaskVAE that simulates edits while training goes on."""
    edits: str = ""
    """Folder of edits that ``maskgan simulate-edits`` made beforehand, as the reference has them; no MaskVAE is needed
    then."""
    strength: float = 2.5
    """lambda_inter: the step between two masks' codes is divided by it."""


@dataclass(frozen=True)
class TrainingConfig:
    """One training run of one stage."""

    stage: str
    """Which networks are trained (see ``maskgan.training.stages``)."""
    preset: str
    """Sizes of the networks (see ``maskgan.config.PRESETS``)."""
    data: str
    """Where the faces lie: a folder, a tar file, or a glob of them."""
    table: str | None = None
    """Attributes, and identities, of the faces, for stages that learn from labels (see ``maskgan.data.labelled``)."""
    identities: str | None = None
    """Which of their people to train on, as a range of the table's numbers; all if absent."""
    keys: str | None = None
    """Which of them to train on (see ``maskgan.data.pairs.select``); all if absent."""
    fusion: Literal["sft", "concat", "none"] | None = None
    """How the style encoder joins mask and image; the preset's if absent."""
    network: str = ""
    """Changes of the preset's dense mapping network (see ``maskgan.config.with_overrides``)."""
    resolution: int | None = None
    """Side of the pictures throughout the run, in place of the preset's phases."""
    batch_size: int = 8
    """Pictures a step."""
    images: int = 2_400_000
    """Pictures to see in all, unless ``minutes`` is given. The reference's 200 epochs of CelebAMask-HQ are 4.8 M."""
    minutes: float | None = None
    """Time to train, in place of ``images``; the learning rate and the resolution follow the time."""
    learning_rate: float = 2e-4
    """Adam's, until ``lr_decay_start``."""
    lr_decay_start: float = 0.5
    """Fraction of the run after which the learning rate falls linearly to zero."""
    ema_halflife_kimg: float = 1.5
    """Half-life of the exponential moving average (EMA) of the weights, in thousands of images."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Type of the arithmetic in convolutions; weights and losses are float32."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    perceptual: str = "efficientnet"
    """``efficientnet``, or the path of a VGG-19 weights file."""
    face_features: str = ""
    """Weights file of the attribute classifier that looks at faces, where ``weights.needs_face_features``."""
    weights: LossWeights = field(default_factory=LossWeights)
    """Weights of the terms."""
    critic: CriticOptions = field(default_factory=CriticOptions)
    """Of the stages that train the dense mapping network."""
    kl_weight: float = 1e-5
    """MaskVAE's: of the KL divergence, summed over the code, beside the cross entropy's mean over the pixels."""
    class_balance: float = 0.0
    """0 counts every pixel the same, 1 every class; between, small parts count more. MaskVAE's and the parser's in the
    cross entropy; the dense mapping network's wherever two pictures are compared place by place."""
    base: str = ""
    """Run folder whose generator and discriminator training begins with: always given in the stage ``editing``, and
    in ``dense-mapping`` where it goes on at another rate or on other data. They are used to the final resolution.
    In ``identity`` the weights of an attribute classifier, in ``enhancer`` those of a dense mapping network."""
    base_weights: str = ""
    """In ``dense-mapping``: weights file whose network is the generator to begin with, in place of that of ``base``;
    without ``base`` the discriminators begin anew."""
    simulation: SimulationOptions = field(default_factory=SimulationOptions)
    """Of the stage ``editing``."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """How pictures are varied."""
    licence: str = "unstated; the training data's terms apply"
    """Written into the weights files."""
    seed: int = 0
    """Of everything random."""
    stream: bool = False
    """Whether the tar shards of ``data`` are read from front to back, as a stream, instead of by an index."""
    shuffle_buffer: int = 1000
    """Pairs among which each reader of a stream shuffles; they are kept as encoded files."""
    tensorboard: bool = False
    """Whether losses and samples are written for TensorBoard too."""
    workers: int = 2
    """Threads or processes that decode pictures."""
    cache_gigabytes: float = 4.0
    """Decoded pictures are kept in memory up to this size."""
    max_bad_samples: int = 20
    """Maximum number of unreadable samples before training stops; each is named and skipped."""
    val_keys: str | None = None
    """Validation pairs (see ``keys``): with every snapshot the loss on the first 64 of them is computed, and the
    weights with the lowest are kept in ``best/``."""
    keep_last: int = 0
    """Number of snapshots whose weights are kept in ``snapshots/``."""
    snapshot_minutes: float = 5.0
    """How often the state is saved; a killed run loses at most this."""
    sample_minutes: float = 5.0
    """How often a grid of samples is written."""

    def __post_init__(self) -> None:
        for name, low in (
            ("batch_size", 1),
            ("images", 1),
            ("learning_rate", 0),
            ("shuffle_buffer", 1),
            ("workers", 0),
            ("cache_gigabytes", 0),
            ("max_bad_samples", 0),
            ("keep_last", 0),
            ("snapshot_minutes", 0),
            ("sample_minutes", 0),
        ):
            if getattr(self, name) < low:
                raise UserError(f"--{name.replace('_', '-')} must be at least {low}, is {getattr(self, name)}")
        if self.minutes is not None and not self.minutes > 0:
            raise UserError(f"--minutes must be over 0, is {self.minutes}")
        if self.resolution is not None and (self.resolution % 32 or not 32 <= self.resolution <= 2048):
            raise UserError(f"--resolution must be a multiple of 32 in 32..2048, is {self.resolution}")
        if self.stream and self.simulation.edits:
            raise UserError("--stream reads masks from shards alone; leave --edits out, and edits are made on the fly")
        if self.weights.needs_face_features and not self.face_features:
            raise UserError(
                "--face-weight, --expression-weight and --style-copy-weight need an attribute classifier; "
                "give its weights with --face-features"
            )
        if not 0 <= self.critic.r1_weight < math.inf:
            raise UserError(f"--r1-weight must be at least 0, is {self.critic.r1_weight}")
        if not 0 <= self.class_balance <= 1:
            raise UserError(f"--class-balance must lie in 0..1, is {self.class_balance}")
        if not 0 <= self.lr_decay_start <= 1:
            raise UserError(f"--lr-decay-start must lie in 0..1, is {self.lr_decay_start}")

    @property
    def labelled(self) -> bool:
        """Whether the stage learns from labels instead of masks."""
        return self.stage in ("attributes", "identity", "stargan", "elegant")

    @property
    def phases(self) -> tuple[tuple[float, int], ...]:
        """(fraction of the budget, side in force from there on)."""
        if self.resolution is not None:
            return ((0.0, self.resolution),)
        sizes = preset(self.preset)
        if self.stage == "enhancer":
            return ((0.0, 2 * sizes.resolution),)
        planned = sizes.phases
        return ((0.0, planned[-1][1]),) if self.base or self.base_weights else planned

    @property
    def final_side(self) -> int:
        """Side of the pictures that the networks are made for."""
        return self.phases[-1][1]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)


KNOWN_BY_NAME = frozenset({"data", "table", "keys", "val_keys", "perceptual", "face_features", "base_weights"})
"""Fields in which a run that goes on may name another folder: the same data may lie elsewhere on another machine."""

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
"""Fields in which a run that goes on may differ from the run that began: they change only how it is computed and kept,
or how long it learns."""
