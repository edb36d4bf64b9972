"""The stages that ``maskgan train`` knows, by name. To add one: a config, a stage class, and an entry here.

Stage classes are imported when one is built, so that ``--help`` needs no torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from maskgan.seeding import stream_seed
from maskgan.training.config import TrainingConfig
from maskgan.training.edit_config import EditTrainingConfig, ExpressionTrainingConfig
from maskgan.training.stage_configs import (
    AttributesTrainingConfig,
    DenseMappingTrainingConfig,
    EBSTTrainingConfig,
    ElegantTrainingConfig,
    IdentityTrainingConfig,
    MaskVAETrainingConfig,
    ParserTrainingConfig,
    StarGANTrainingConfig,
)

if TYPE_CHECKING:
    from maskgan.training.stage import Stage, StageSetup


@dataclass(frozen=True)
class StageEntry:
    """A stage of training."""

    config_type: type[TrainingConfig]
    """Its options; they are those of its command."""
    stage_class: str
    """``module:class`` of a ``Stage`` that is built from a config and a ``StageSetup``."""
    summary: str
    """Help text of its command."""


_ENTRIES = (
    StageEntry(
        MaskVAETrainingConfig,
        "maskgan.training.mask_vae:MaskVAEStage",
        "MaskVAE, which encodes masks as short latent codes.",
    ),
    StageEntry(
        DenseMappingTrainingConfig,
        "maskgan.training.dense_mapping:DenseMappingStage",
        "Stage 1: the dense mapping network, which renders a face from a mask and a style.",
    ),
    StageEntry(
        EBSTTrainingConfig,
        "maskgan.training.ebst:EBSTStage",
        "Stage 2: editing behaviour simulated training (EBST), with the alpha blender.",
    ),
    StageEntry(
        EditTrainingConfig,
        "maskgan.training.edit:EditStage",
        "The edit network, which fills holes in photographs by mask and style.",
    ),
    StageEntry(
        ExpressionTrainingConfig,
        "maskgan.training.expression:ExpressionStage",
        "The edit network, afterwards: it learns that faces follow their mouths.",
    ),
    StageEntry(
        ParserTrainingConfig,
        "maskgan.training.parser:ParserStage",
        "The face parser, which predicts the mask of a face.",
    ),
    StageEntry(
        AttributesTrainingConfig,
        "maskgan.training.attributes:AttributesStage",
        "The classifier of CelebA's 40 attributes.",
    ),
    StageEntry(
        IdentityTrainingConfig,
        "maskgan.training.identity:IdentityStage",
        "The identity embedding.",
    ),
    StageEntry(
        StarGANTrainingConfig,
        "maskgan.training.stargan:StarGANStage",
        "StarGAN, a baseline: sets attributes of a face.",
    ),
    StageEntry(
        ElegantTrainingConfig,
        "maskgan.training.elegant:ElegantStage",
        "ELEGANT, a baseline: swaps attributes between two faces.",
    ),
)

STAGES: Mapping[str, StageEntry] = MappingProxyType({entry.config_type.stage: entry for entry in _ENTRIES})
"""Every stage by its name."""


def build_stage(config: TrainingConfig, setup: StageSetup | None = None) -> Stage[Any]:
    """The stage of a config, initialised from its seed.

    Args:
        config: of a type in ``STAGES``.
        setup: what the stage must know beside it.

    Raises:
        UserError: there is no such preset, or a file that the stage starts from or compares with is missing.
    """
    import torch

    from maskgan.training.stage import StageSetup

    torch.manual_seed(stream_seed(config.seed, "initialisation"))
    module, name = STAGES[config.stage].stage_class.split(":")
    return getattr(importlib.import_module(module), name)(config, setup or StageSetup())
