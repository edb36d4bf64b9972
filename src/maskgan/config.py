"""Sizes of the networks, gathered in named presets.

``paper`` is what the paper and its reference code say; ``demo`` is small enough for a laptop and for shipping;
``tiny`` is for tests. Every network can be built at any other size from its config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from maskgan.errors import UserError

_NUM_CLASSES = 19  # of maskgan.labels, which imports numpy; help and checks of options do without it


@dataclass(frozen=True)
class BackboneConfig:
    """An encoder, residual blocks and a decoder (the Pix2PixHD global generator)."""

    base_channels: int = 64
    """Channels after the first convolution; doubled by each downsampling."""
    max_channels: int = 1024
    """Where the doubling stops."""
    downsamplings: int = 4
    """Stride-2 convolutions, and as many upsamplings."""
    residual_blocks: int = 4
    """Blocks at the lowest resolution."""
    outer_kernel: int = 7
    """Kernel size of the first and the last convolution."""
    upsampling: Literal["transposed", "resize"] = "transposed"
    """Transposed 3x3 convolution, as published, or nearest x2 and a 3x3 convolution, without checkerboard artefacts."""
    modulate_decoder: bool = False
    """AdaIN in the upsampling layers too, and not in the residual blocks alone."""


@dataclass(frozen=True)
class StyleEncoderConfig:
    """The spatial-aware style encoder."""

    base_channels: int = 16
    """Channels after the first convolution of both branches; doubled by each of the next five up to the maximum."""
    max_channels: int = 64
    """Where the doubling stops."""
    fusion: Literal["sft", "concat", "none"] = "sft"
    """How the mask branch conditions the image branch: SFT layers, the concatenation of the ablation, or no mask branch
    at all, as in Pix2PixHD with modification."""
    regions: Literal["none", "parts"] = "none"
    """``parts``: a style code per region of the face beside that of the whole face (not in the paper)."""
    region_size: int = 32
    """Length of a region's style code."""


@dataclass(frozen=True)
class DenseMappingConfig:
    """Image generation backbone and spatial-aware style encoder together."""

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    style_encoder: StyleEncoderConfig = field(default_factory=StyleEncoderConfig)
    initialisation: Literal["normal", "fan_in"] = "normal"
    """N(0, 0.02) everywhere, as the reference; or He initialisation, with AdaIN and SFT scales starting at 1."""
    num_classes: int = _NUM_CLASSES
    """Channels of the one-hot mask."""


@dataclass(frozen=True)
class EditNetworkConfig:
    """The edit network, which fills holes in photographs."""

    base_channels: int = 48
    """Channels of the coarse network at half of its picture's side; doubled by each downsampling."""
    max_channels: int = 256
    """Where the doubling stops."""
    detail_channels: int = 24
    """Channels of the detail level, which doubles the side of the coarse network's picture; 0 for none."""
    downsamplings: int = 5
    """Stride-2 convolutions behind the stem, and as many upsamplings."""
    residual_blocks: int = 1
    """Modulated blocks at the lowest resolution, behind self-attention."""
    code_size: int = 64
    """Numbers in the style code of a region."""
    encoder_channels: int = 24
    """Channels of the style encoder at half of the coarse picture's side; doubled by its two downsamplings."""
    num_classes: int = _NUM_CLASSES
    """Channels of the one-hot mask."""


@dataclass(frozen=True)
class MaskVAEConfig:
    """The mask autoencoder."""

    resolution: int = 512
    """Side of the masks; at least 4 * 2**downsamplings fits the paper's 4 px bottleneck."""
    base_channels: int = 32
    """Channels after the first convolution; doubled by each of the next."""
    downsamplings: int = 7
    """Stride-2 convolutions, and as many upsamplings."""
    latent_size: int = 1024
    """Length of a latent code."""
    prior: Literal["standard", "fitted"] = "standard"
    """Prior that random masks are sampled from: N(0, 1), or a normal distribution fitted to the training codes."""
    num_classes: int = _NUM_CLASSES
    """Channels of the one-hot mask."""


@dataclass(frozen=True)
class BlenderConfig:
    """The alpha blender: a backbone without style, from two faces to an alpha map."""

    backbone: BackboneConfig = field(
        default_factory=lambda: BackboneConfig(base_channels=32, max_channels=256, downsamplings=3, residual_blocks=3)
    )


@dataclass(frozen=True)
class DiscriminatorConfig:
    """PatchGAN discriminators at several scales."""

    base_channels: int = 64
    """Channels after the first convolution; doubled by each of the next two, and by the stride-1 one after them."""
    layers: int = 3
    """Stride-2 convolutions before the stride-1 one."""
    scales: int = 2
    """Number of discriminators; each sees half the resolution of the one before."""
    num_classes: int = _NUM_CLASSES
    """Channels of the one-hot mask that is concatenated with the image."""


@dataclass(frozen=True)
class ParserConfig:
    """The face parser: a U-Net that predicts the mask of a face."""

    base_channels: int = 16
    """Channels at full resolution; doubled by each downsampling (the reference's 64 divided by 4)."""
    downsamplings: int = 4
    """Max-poolings, and as many upsamplings."""
    num_classes: int = _NUM_CLASSES
    """Logits per pixel."""


@dataclass(frozen=True)
class AttributesConfig:
    """The ResNet-18 that classifies attributes."""

    base_channels: int = 64
    """Channels after the first convolution; doubled by each of the three later stages."""
    num_attributes: int = 40
    """Logits: CelebA's attributes in the order of its file."""


@dataclass(frozen=True)
class IdentityConfig:
    """The ResNet-18 identity embedding."""

    base_channels: int = 64
    """Channels after the first convolution; doubled by each of the three later stages."""
    embedding_size: int = 128
    """Dimensions of the embedding."""


@dataclass(frozen=True)
class FaceDetectorConfig:
    """YuNet, which finds faces in photographs; the defaults are those of the published weights."""

    base_channels: int = 16
    """Channels at half of the picture's side."""
    channels: int = 64
    """Channels of the feature maps that faces are found in."""


EDITED_ATTRIBUTES = "Male,Heavy_Makeup,No_Beard,Smiling"
"""Attributes edited in the comparisons."""


@dataclass(frozen=True)
class StarGANConfig:
    """StarGAN's generator, a baseline of the paper."""

    attributes: str = EDITED_ATTRIBUTES
    """Names of the attributes that it edits, joined by commas."""
    base_channels: int = 64
    """Channels after the first convolution; doubled twice."""
    residual_blocks: int = 6
    """Blocks at a quarter of the resolution."""


@dataclass(frozen=True)
class ElegantConfig:
    """ELEGANT, a baseline of the paper."""

    attributes: str = EDITED_ATTRIBUTES
    """Names of the attributes that it swaps, joined by commas."""
    base_channels: int = 64
    """Channels after the first convolution; doubled by each downsampling, three times at most."""
    downsamplings: int = 5
    """Stride-2 convolutions, and as many upsamplings."""


@dataclass(frozen=True)
class Preset:
    """Sizes of all networks."""

    name: str
    """As given to ``--preset``."""
    resolution: int
    """Side of the images, in pixels."""
    images: int
    """Training budget of a run unless another is given, in images."""
    phases: tuple[tuple[float, int], ...]
    """Progressive resolution: (fraction of the budget, image side in pixels from there on)."""
    edit_phases: tuple[tuple[float, int], ...]
    """``phases`` of the edit network."""
    dense_mapping: DenseMappingConfig
    edit: EditNetworkConfig
    mask_vae: MaskVAEConfig
    blender: BlenderConfig
    discriminator: DiscriminatorConfig
    parser: ParserConfig
    attributes: AttributesConfig
    identity: IdentityConfig
    stargan: StarGANConfig
    elegant: ElegantConfig


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "paper": Preset(
            name="paper",
            resolution=512,
            images=4_800_000,  # the reference's 200 epochs of 24,183 faces
            phases=((0.0, 512),),
            edit_phases=((0.0, 512),),
            dense_mapping=DenseMappingConfig(),
            edit=EditNetworkConfig(),
            mask_vae=MaskVAEConfig(),
            blender=BlenderConfig(),
            discriminator=DiscriminatorConfig(),
            parser=ParserConfig(),
            attributes=AttributesConfig(),
            identity=IdentityConfig(),
            stargan=StarGANConfig(),
            elegant=ElegantConfig(),
        ),
        "demo": Preset(
            name="demo",
            resolution=256,
            images=2_400_000,
            phases=((0.0, 128), (0.25, 256)),
            edit_phases=((0.0, 128), (0.35, 256), (0.75, 512)),
            dense_mapping=DenseMappingConfig(
                backbone=BackboneConfig(
                    base_channels=24,
                    max_channels=256,
                    outer_kernel=5,
                    residual_blocks=5,
                    upsampling="resize",
                    modulate_decoder=True,
                ),
                style_encoder=StyleEncoderConfig(max_channels=128, regions="parts"),
                initialisation="fan_in",
            ),
            edit=EditNetworkConfig(),
            mask_vae=MaskVAEConfig(resolution=128, base_channels=16, downsamplings=5, latent_size=256, prior="fitted"),
            blender=BlenderConfig(
                BackboneConfig(
                    base_channels=16, max_channels=64, downsamplings=3, residual_blocks=3, upsampling="resize"
                )
            ),
            discriminator=DiscriminatorConfig(base_channels=32),
            parser=ParserConfig(),
            attributes=AttributesConfig(base_channels=24),
            identity=IdentityConfig(base_channels=24),
            stargan=StarGANConfig(base_channels=24, residual_blocks=4),
            elegant=ElegantConfig(base_channels=32),
        ),
        "tiny": Preset(
            name="tiny",
            resolution=64,
            images=2_400_000,
            phases=((0.0, 64),),
            edit_phases=((0.0, 64),),
            dense_mapping=DenseMappingConfig(
                backbone=BackboneConfig(
                    base_channels=8,
                    max_channels=32,
                    downsamplings=3,
                    residual_blocks=1,
                    outer_kernel=3,
                    upsampling="resize",
                    modulate_decoder=True,
                ),
                style_encoder=StyleEncoderConfig(base_channels=4, max_channels=16, regions="parts", region_size=8),
                initialisation="fan_in",
            ),
            edit=EditNetworkConfig(
                base_channels=8, max_channels=16, detail_channels=4, downsamplings=3, code_size=8, encoder_channels=4
            ),
            mask_vae=MaskVAEConfig(resolution=64, base_channels=4, downsamplings=4, latent_size=16, prior="fitted"),
            blender=BlenderConfig(BackboneConfig(4, 16, downsamplings=2, residual_blocks=1, upsampling="resize")),
            discriminator=DiscriminatorConfig(base_channels=8, layers=2),
            parser=ParserConfig(base_channels=8, downsamplings=3),
            attributes=AttributesConfig(base_channels=4),
            identity=IdentityConfig(base_channels=4, embedding_size=16),
            stargan=StarGANConfig(base_channels=4, residual_blocks=1),
            elegant=ElegantConfig(base_channels=4, downsamplings=3),
        ),
    }
)


def preset(name: str) -> Preset:
    """The preset called ``name``.

    Raises:
        UserError: there is none.
    """
    if name not in PRESETS:
        raise UserError(f"unknown preset {name!r}; known are {', '.join(PRESETS)}")
    return PRESETS[name]
