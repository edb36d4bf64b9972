"""Which tensor of the reference's networks is which of ours, at any size.

The reference's G, B and their like are ``nn.Sequential`` lists, so a tensor's name is its layer's position in the
list: paddings, norms and activations count. Each function gives the reference's state dict in its own order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from maskgan.checkpoints.registry import NetworkConfig
from maskgan.config import BackboneConfig, BlenderConfig, DenseMappingConfig, DiscriminatorConfig, MaskVAEConfig
from maskgan.errors import UserError

ReferenceModel = Literal["G", "D", "B", "V"]
"""Generator (dense mapping), discriminator, alpha blender, mask VAE."""

_NORM_TENSORS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


class Counterpart(NamedTuple):
    """A tensor of the reference and what it is here.

    Attributes:
        reference: its name in the reference's state dict.
        ours: its name in ours, or ``None``: statistics of AdaIN that no computation reads.
        shaped_like: the tensor of ours that has the same shape.
    """

    reference: str
    ours: str | None
    shaped_like: str


def counterparts(config: NetworkConfig) -> list[Counterpart]:
    """Every tensor that the reference's network of these sizes has, in the order of its state dict.

    Raises:
        UserError: the reference has no such network.
    """
    if isinstance(config, DenseMappingConfig):
        if config.style_encoder.fusion != "sft" or config.backbone.modulate_decoder:
            raise UserError("the reference has no generator without SFT or with a modulated decoder")
        return [*_backbone(config.backbone, modulated=True), *_style_encoder()]
    if isinstance(config, BlenderConfig):
        return list(_backbone(config.backbone, modulated=False))
    if isinstance(config, DiscriminatorConfig):
        return list(_discriminator(config))
    if isinstance(config, MaskVAEConfig):
        return list(_mask_vae(config))
    raise UserError(f"the reference has no network with a {type(config).__name__} that could be converted")


def _layer(reference: str, ours: str) -> Iterator[Counterpart]:
    for tensor in ("weight", "bias"):
        yield Counterpart(f"{reference}.{tensor}", f"{ours}.{tensor}", f"{ours}.{tensor}")


def _batch_norm(reference: str, ours: str) -> Iterator[Counterpart]:
    for tensor in _NORM_TENSORS:
        yield Counterpart(f"{reference}.{tensor}", f"{ours}.{tensor}", f"{ours}.{tensor}")


def _backbone(config: BackboneConfig, *, modulated: bool) -> Iterator[Counterpart]:
    if config.upsampling != "transposed":
        raise UserError("the reference has no generator that upsamples by resizing")
    yield from _layer("model.1", "backbone.stem")  # after the padding; then norm and activation
    position = 4
    for i in range(config.downsamplings):
        yield from _layer(f"model.{position}", f"backbone.down.{i}")
        position += 3
    for i in range(config.residual_blocks):
        for j in range(2):
            block, conv = f"model.{position}.conv_block.{j}", f"backbone.residual.{i}.conv{j + 1}"
            if modulated:
                yield Counterpart(f"{block}.norm.running_mean", None, f"{conv}.bias")
                yield Counterpart(f"{block}.norm.running_var", None, f"{conv}.bias")
            yield from _layer(f"{block}.conv", conv)
        position += 1
    for i in range(config.downsamplings):
        yield from _layer(f"model.{position}", f"backbone.up.{i}.conv")
        position += 3
    yield from _layer(f"model.{position + 1}", "backbone.head")  # after the padding


def _style_encoder() -> Iterator[Counterpart]:
    yield from _layer("enc_style.model.0.conv", "style_encoder.image_stem")
    for i in range(2):
        yield from _layer(f"enc_style.model.{i + 1}.conv", f"style_encoder.image_down.{i}")
    for i in range(3):
        yield from _layer(f"enc_style.model_middle.{i}.conv", f"style_encoder.image_down.{i + 2}")
    yield from _layer("enc_style.model_last.1", "style_encoder.to_style")  # after the pooling
    for i in (1, 2):
        for conv in ("scale_conv1", "scale_conv2", "shift_conv1", "shift_conv2"):
            yield from _layer(f"enc_style.sft{i}.SFT_{conv}", f"style_encoder.fusion{i}.{conv}")
    yield from _layer("enc_label.model.0.conv", "style_encoder.mask_stem")
    for i in range(2):
        yield from _layer(f"enc_label.model.{i + 1}.conv", f"style_encoder.mask_down.{i}")
    for i in range(3):  # after the activation
        yield from _layer(f"enc_label.model_last.{i + 1}.conv", f"style_encoder.mask_down.{i + 2}")


def _discriminator(config: DiscriminatorConfig) -> Iterator[Counterpart]:
    for scale in range(config.scales):
        ours = f"scales.{config.scales - 1 - scale}"  # the reference counts from the coarsest
        for i in range(config.layers + 1):
            yield from _layer(f"scale{scale}_layer{i}.0", f"{ours}.convs.{i}")
        yield from _layer(f"scale{scale}_layer{config.layers + 1}.0", f"{ours}.head")


def _mask_vae(config: MaskVAEConfig) -> Iterator[Counterpart]:
    depth = config.downsamplings
    for i in range(depth):
        yield from _layer(f"e{i + 1}", f"encoder.{i}")
        yield from _batch_norm(f"bn{i + 1}", f"encoder_norm.{i}")
    yield from _layer("fc1", "to_mean")
    yield from _layer("fc2", "to_log_variance")
    yield from _layer("d1", "from_code")
    for i in range(depth):
        yield from _layer(f"d{i + 2}", f"decoder.{i}")
        if i < depth - 1:  # the last gives the logits bare
            yield from _batch_norm(f"bn{depth + i + 1}", f"decoder_norm.{i}")
