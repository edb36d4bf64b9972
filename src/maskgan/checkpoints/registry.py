"""The registry of model types that can be stored; their tensors' shapes are known without taking memory for them."""

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
    EditNetworkConfig,
    ElegantConfig,
    FaceDetectorConfig,
    IdentityConfig,
    MaskVAEConfig,
    ParserConfig,
    StarGANConfig,
)
from maskgan.config_dict import to_dict
from maskgan.networks.blender import AlphaBlender
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.discriminator import MultiscaleDiscriminator
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.elegant import Elegant
from maskgan.networks.mask_vae import MaskVAE
from maskgan.networks.parser import FaceParser
from maskgan.networks.resnet import AttributeClassifier, IdentityNetwork
from maskgan.networks.stargan import StarGAN
from maskgan.networks.yunet import YuNet

NetworkConfig = (
    DenseMappingConfig
    | EditNetworkConfig
    | FaceDetectorConfig
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
class ModelType:
    """A network that can be stored."""

    config_type: type[Any]
    network_type: type[nn.Module]


REGISTRY: Mapping[str, ModelType] = MappingProxyType(
    {
        "dense-mapping": ModelType(DenseMappingConfig, DenseMappingNetwork),
        "edit": ModelType(EditNetworkConfig, EditNetwork),
        "face-detector": ModelType(FaceDetectorConfig, YuNet),
        "mask-vae": ModelType(MaskVAEConfig, MaskVAE),
        "blender": ModelType(BlenderConfig, AlphaBlender),
        "discriminator": ModelType(DiscriminatorConfig, MultiscaleDiscriminator),
        "parser": ModelType(ParserConfig, FaceParser),
        "attributes": ModelType(AttributesConfig, AttributeClassifier),
        "identity": ModelType(IdentityConfig, IdentityNetwork),
        "stargan": ModelType(StarGANConfig, StarGAN),
        "elegant": ModelType(ElegantConfig, Elegant),
    }
)
"""Every type of network by the name that weights files carry."""


def model_type_of(network: nn.Module) -> str:
    """The name in ``REGISTRY`` of a network.

    Raises:
        ValueError: it is none of them.
    """
    for name, entry in REGISTRY.items():
        if type(network) is entry.network_type:
            return name
    raise ValueError(f"a {type(network).__name__} cannot be stored: its type is not registered")


def model_type_of_config(config: NetworkConfig) -> str:
    """The name in ``REGISTRY`` of the network that a config describes."""
    return next(name for name, entry in REGISTRY.items() if entry.config_type is type(config))


def meta_network(config: NetworkConfig) -> nn.Module:
    """The network of a config with shapes but no memory for its tensors (torch's meta device).

    Raises:
        ValueError: the config asks for over 32 layers of a sort, or for tensors that cannot exist.
    """
    if excess := _excess(to_dict(config)):
        raise ValueError(f"{excess}, at most {_MAX_DEPTH} are possible")
    try:
        with torch.device("meta"):
            return REGISTRY[model_type_of_config(config)].network_type(config)
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
