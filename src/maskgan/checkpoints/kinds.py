"""The kinds of networks that can be stored, and how to know their tensors without taking memory for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from maskgan.config import (
    AttributesConfig,
    BlenderConfig,
    DenseMappingConfig,
    DiscriminatorConfig,
    ElegantConfig,
    EnhancerConfig,
    IdentityConfig,
    MaskVAEConfig,
    ParserConfig,
    StarGANConfig,
    to_dict,
)
from maskgan.networks.blender import AlphaBlender
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.discriminator import MultiscaleDiscriminator
from maskgan.networks.elegant import Elegant
from maskgan.networks.enhancer import Enhancer
from maskgan.networks.mask_vae import MaskVAE
from maskgan.networks.parser import FaceParser
from maskgan.networks.resnet import AttributeClassifier, IdentityNetwork
from maskgan.networks.stargan import StarGAN

NetworkConfig = (
    DenseMappingConfig
    | EnhancerConfig
    | MaskVAEConfig
    | BlenderConfig
    | DiscriminatorConfig
    | ParserConfig
    | AttributesConfig
    | IdentityConfig
    | StarGANConfig
    | ElegantConfig
)

_DEPTHS = {"downsamplings", "residual_blocks", "layers", "scales"}
_MAX_DEPTH = 32  # more layers than any sensible network has, few enough to build in no time


@dataclass(frozen=True)
class NetworkKind:
    """A network that can be stored."""

    config_type: type[Any]
    network_type: type[nn.Module]


KINDS: Mapping[str, NetworkKind] = MappingProxyType(
    {
        "dense-mapping": NetworkKind(DenseMappingConfig, DenseMappingNetwork),
        "enhancer": NetworkKind(EnhancerConfig, Enhancer),
        "mask-vae": NetworkKind(MaskVAEConfig, MaskVAE),
        "blender": NetworkKind(BlenderConfig, AlphaBlender),
        "discriminator": NetworkKind(DiscriminatorConfig, MultiscaleDiscriminator),
        "parser": NetworkKind(ParserConfig, FaceParser),
        "attributes": NetworkKind(AttributesConfig, AttributeClassifier),
        "identity": NetworkKind(IdentityConfig, IdentityNetwork),
        "stargan": NetworkKind(StarGANConfig, StarGAN),
        "elegant": NetworkKind(ElegantConfig, Elegant),
    }
)
"""Every kind of network by the name that weights files carry."""


def kind_of(network: nn.Module) -> str:
    """The name in ``KINDS`` of a network.

    Raises:
        ValueError: it is none of them.
    """
    for name, kind in KINDS.items():
        if type(network) is kind.network_type:
            return name
    raise ValueError(f"a {type(network).__name__} is no kind of network that can be stored")


def kind_of_config(config: NetworkConfig) -> str:
    """The name in ``KINDS`` of the network that a config describes."""
    return next(name for name, kind in KINDS.items() if kind.config_type is type(config))


def meta_network(config: NetworkConfig) -> nn.Module:
    """The network of a config with shapes but no memory for its tensors (torch's meta device).

    Raises:
        ValueError: the config asks for over 32 layers of a sort, or for tensors that cannot exist.
    """
    if excess := _excess(to_dict(config)):
        raise ValueError(f"{excess}, at most {_MAX_DEPTH} are possible")
    try:
        with torch.device("meta"):
            return KINDS[kind_of_config(config)].network_type(config)
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise ValueError("no network of these sizes can be built") from error


def _excess(config: Mapping[str, Any]) -> str | None:
    for name, value in config.items():
        if isinstance(value, Mapping):
            if found := _excess(value):
                return found
        elif name in _DEPTHS and value > _MAX_DEPTH:
            return f"{name} is {value}"
    return None
