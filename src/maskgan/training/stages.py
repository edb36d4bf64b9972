"""Which stage a run trains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from maskgan.config import preset, with_overrides
from maskgan.errors import UserError
from maskgan.training.attributes import AttributesStage
from maskgan.training.config import TrainingConfig
from maskgan.training.dense_mapping import DenseMappingStage
from maskgan.training.editing_simulation import EditingStage
from maskgan.training.elegant import ElegantStage
from maskgan.training.enhancer import EnhancerStage
from maskgan.training.identity import IdentityStage
from maskgan.training.mask_vae import MaskVAEStage
from maskgan.training.parser import ParserStage
from maskgan.training.stage import Stage
from maskgan.training.stargan import StarGANStage


def build_stage(config: TrainingConfig, people: int = 0, goes_on: bool = False) -> Stage[Any]:
    """The stage that ``config`` names, freshly initialised from its seed.

    Args:
        config: of the run.
        people: how many identities the data has, for the stage ``identity``.
        goes_on: whether a saved state will replace the networks; then the run folder
            ``config.base`` and the file ``config.base_weights`` are not looked for.

    Raises:
        UserError: there is no such stage or preset, or the perceptual network's weights are absent.
    """
    torch.manual_seed(config.seed)
    sizes = preset(config.preset)
    base = None if goes_on else Path(config.base)
    network = with_overrides(sizes.dense_mapping, config.network, "--network")
    if config.fusion is not None:
        network = replace(network, style_encoder=replace(network.style_encoder, fusion=config.fusion))
    if config.stage == "mask-vae":
        return MaskVAEStage(sizes, config)
    if config.stage == "dense-mapping":
        weights = Path(config.base_weights) if config.base_weights and not goes_on else None
        return DenseMappingStage(sizes, config, network, base if config.base else None, weights)
    if config.stage == "editing":
        return EditingStage(sizes, config, network, base)
    if config.stage == "enhancer":
        return EnhancerStage(sizes, config)
    if config.stage == "parser":
        return ParserStage(sizes, config)
    if config.stage == "attributes":
        return AttributesStage(sizes, config)
    if config.stage == "identity":
        return IdentityStage(sizes, config, people)
    if config.stage == "stargan":
        return StarGANStage(sizes, config)
    if config.stage == "elegant":
        return ElegantStage(sizes, config)
    raise UserError(
        f"unknown stage {config.stage!r}; known are mask-vae, dense-mapping, editing, enhancer, parser, attributes, "
        "identity, stargan and elegant"
    )
