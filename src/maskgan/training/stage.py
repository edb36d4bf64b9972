"""What the training loop asks of a stage."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TypeVar, cast

import torch
from torch import Tensor, nn

from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.registry import NetworkConfig, model_type_of
from maskgan.checkpoints.weights import save_weights
from maskgan.data.batches import Batch
from maskgan.distributed import average_gradients
from maskgan.images import Picture
from maskgan.labels import PALETTE
from maskgan.pixels import normalise, to_picture
from maskgan.training.config import TrainingConfig
from maskgan.training.schedule import Progress

GAN_BETAS = (0.5, 0.999)
"""Adam's betas of every network but the parser (supplement, section A)."""

BatchT_contra = TypeVar("BatchT_contra", bound=Batch, contravariant=True)
NetworkT = TypeVar("NetworkT", bound=nn.Module)

Losses = Mapping[str, Tensor]
"""Named scalars, detached, on the training device."""


class Stage(Protocol[BatchT_contra]):
    """Networks with their optimizers and one step of training."""

    networks: Mapping[str, nn.Module]
    """All that must be saved to go on, moving averages too."""
    optimizers: Mapping[str, torch.optim.Optimizer]
    """Saved with the networks; the loop sets their learning rate."""

    def step(self, faces: BatchT_contra, ema_decay: float) -> Losses:
        """Learn from faces whose pictures are float in [-1, 1]."""
        ...

    def val_loss(self, faces: BatchT_contra) -> Tensor:
        """Loss of the EMA networks on validation faces (as in ``step``), a scalar: the mean over the samples."""
        ...

    def samples(self, faces: BatchT_contra) -> Picture:
        """A grid that shows what the networks do with a few pairs."""
        ...

    def export(self, folder: Path, progress: Progress) -> None:
        """Write the networks that are of use after training, as weights files."""
        ...


def to_device(network: NetworkT, device: str) -> NetworkT:
    """``network`` on ``device``, its convolutions channels last in memory, which is faster on CPU and GPU."""
    return network.to(device=device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def ema_copy(network: NetworkT) -> NetworkT:
    """A copy of ``network`` to hold its moving average."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Move ``ema`` towards ``network``: parameters by ``1 - decay``, buffers all the way."""
    torch._foreach_lerp_(list(ema.parameters()), list(network.parameters()), 1 - decay)
    for kept, current in zip(ema.buffers(), network.buffers(), strict=True):
        kept.copy_(current)


def adam(network: nn.Module, learning_rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
    """Adam in the fused form where the device has it."""
    device = next(network.parameters()).device.type
    return torch.optim.Adam(network.parameters(), lr=learning_rate, betas=betas, fused=device in ("cpu", "cuda"))


def parameters_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """What it changes."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def optimizer_step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step down a loss, the same in all processes; other networks behind the loss get no gradients."""
    parameters = parameters_of(optimizer)
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss, inputs=parameters)
    average_gradients(parameters)
    optimizer.step()


def grid(columns: list[Tensor]) -> Picture:
    """Columns of pictures (N x 3 x S x S in [-1, 1] each) side by side: N rows, uint8."""
    rows = torch.cat([column.float().cpu() for column in columns], dim=3)
    return to_picture(torch.cat(list(rows), dim=1))


def colour_column(label_maps: Tensor) -> Tensor:
    """N x S x S labels to N x 3 x S x S palette colours in [-1, 1]."""
    palette = torch.from_numpy(PALETTE).to(label_maps.device)
    return normalise(palette[label_maps.long()].permute(0, 3, 1, 2))


def autocast(config: TrainingConfig) -> torch.autocast:
    """bfloat16 arithmetic where the run asks for it."""
    return torch.autocast(torch.device(config.device).type, torch.bfloat16, enabled=config.precision == "bf16")


def export_weights(
    folder: Path, network: nn.Module, config: TrainingConfig, progress: Progress, side: int | None = None
) -> None:
    """Write ``network`` into ``folder`` as ``{model_type}.safetensors``.

    ``side`` is what the network works at, in pixels, where that is not the run's final one.
    """
    model_type = model_type_of(network)
    info = WeightsInfo(
        model_type=model_type,
        config=cast(NetworkConfig, network.config),
        resolution=config.final_side if side is None else side,
        step=progress.images,
        provenance=_provenance(config, progress),
        licence=config.licence,
    )
    save_weights(folder / f"{model_type}.safetensors", network, info)


def _provenance(config: TrainingConfig, progress: Progress) -> str:
    """One line on where a network comes from."""
    begun = config.base_weights or config.base
    return (
        f"maskgan train {config.stage} --preset {config.preset} --seed {config.seed}: {progress.images} pictures "
        f"in {progress.seconds / 60:.0f} minutes on {config.device}, {config.precision}"
        f"{f', from {Path(begun).name}' if begun else ''}"
    )
