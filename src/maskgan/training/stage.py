"""The interface between the training loop and a stage, and what stages share."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeVar, cast

import torch
from torch import Tensor, nn

from maskgan.checkpoints.metadata import WeightsInfo
from maskgan.checkpoints.registry import NetworkConfig, model_type_of
from maskgan.checkpoints.weights import save_weights
from maskgan.data.batches import Batch, Faces
from maskgan.distributed import backward
from maskgan.images import Picture
from maskgan.labels import PALETTE
from maskgan.networks.layers import one_hot
from maskgan.pixels import normalise, to_picture
from maskgan.training.config import TrainingConfig
from maskgan.training.schedule import Progress

GAN_BETAS = (0.5, 0.999)
"""Adam's betas for GANs and MaskVAE (supplement, section A)."""

BETAS = (0.9, 0.999)
"""Adam's betas for the parser, the classifier and the embedding."""

BatchT_contra = TypeVar("BatchT_contra", bound=Batch, contravariant=True)
NetworkT = TypeVar("NetworkT", bound=nn.Module)

Losses = Mapping[str, Tensor]
"""Scalars by name, detached, on the training device; the same names in all processes."""


@dataclass(frozen=True)
class StageSetup:
    """What a stage needs to know beside its config."""

    resumes: bool = False
    """Whether a saved state will replace the networks, so that those to start from need not be there any more."""
    num_identities: int = 0
    """Number of identities in the data, for the stage ``identity``."""


class Stage(Protocol[BatchT_contra]):
    """Networks with their optimizers and one step of training."""

    networks: Mapping[str, nn.Module]
    """Saved to resume from, EMA copies included."""
    optimizers: Mapping[str, torch.optim.Optimizer]
    """Saved with the networks; the loop sets their learning rate."""

    def train_step(self, faces: BatchT_contra, ema_decay: float) -> Losses:
        """Take one optimizer step of each network, and update the EMAs; called by all processes alike.

        Args:
            faces: the batch of this process; its images are float in [-1, 1].
            ema_decay: weight of the old EMA.

        Returns:
            Loss terms and other statistics to log.
        """
        ...

    def val_loss(self, faces: BatchT_contra) -> Tensor:
        """Loss of the EMA networks on validation faces (as in ``train_step``), a scalar: the mean over the samples."""
        ...

    def samples(self, faces: BatchT_contra) -> Picture:
        """A grid of inputs and outputs of the EMA networks, for a few faces."""
        ...

    def export(self, folder: Path, progress: Progress) -> None:
        """Write the networks that are used after training, as weights files."""
        ...


class FaceTensors(NamedTuple):
    """A batch of faces as the dense mapping network takes it.

    Attributes:
        real: images, N x 3 x S x S in [-1, 1], channels last in memory.
        label_maps: N x S x S uint8.
        mask: the same one-hot, N x num_classes x S x S.
    """

    real: Tensor
    label_maps: Tensor
    mask: Tensor

    @classmethod
    def of(cls, faces: Faces, num_classes: int) -> Self:
        """The tensors of a batch."""
        real = faces.pictures.contiguous(memory_format=torch.channels_last)
        return cls(real, faces.label_maps, one_hot(faces.label_maps, num_classes))


def to_device(network: NetworkT, device: str) -> NetworkT:
    """Move ``network`` to ``device``, convolutions in channels-last memory, which is faster on CPU and GPU."""
    return network.to(device=device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def ema_copy(network: NetworkT) -> NetworkT:
    """A frozen copy of ``network`` in eval mode, to hold its exponential moving average (EMA)."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Move ``ema`` towards ``network``: parameters by ``1 - decay``; buffers are copied."""
    torch._foreach_lerp_(list(ema.parameters()), list(network.parameters()), 1 - decay)
    for kept, current in zip(ema.buffers(), network.buffers(), strict=True):
        kept.copy_(current)


def adam(network: nn.Module, learning_rate: float, betas: tuple[float, float]) -> torch.optim.Adam:
    """Adam over the parameters of ``network``, fused where the device has it."""
    device = next(network.parameters()).device.type
    return torch.optim.Adam(network.parameters(), lr=learning_rate, betas=betas, fused=device in ("cpu", "cuda"))


def parameters_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """The parameters that the optimizer updates."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def steps_of(optimizer: torch.optim.Optimizer) -> int:
    """Number of steps that an Adam optimizer has taken, over all starts of the run; at least 1."""
    states: list[dict[str, Any]] = list(optimizer.state.values())
    return max(int(states[0].get("step", 1)), 1) if states else 1


def optimizer_step(optimizer: torch.optim.Optimizer, loss: Tensor, max_norm: float | None = None) -> None:
    """One step on a loss, with gradients averaged over the processes; other networks in its graph get no gradients.

    Gradients are scaled down to the norm ``max_norm`` where theirs is larger.
    """
    parameters = parameters_of(optimizer)
    optimizer.zero_grad(set_to_none=True)
    backward(loss, parameters)
    if max_norm is not None:
        torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    optimizer.step()


def grid(columns: list[Tensor]) -> Picture:
    """Columns of images (N x 3 x S x S in [-1, 1] each) side by side: N rows, uint8."""
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

    ``side`` is the side of the images that the network was trained for, in pixels, if it is not the run's final one.
    """
    model_type = model_type_of(network)
    info = WeightsInfo(
        model_type=model_type,
        config=cast(NetworkConfig, network.config),
        resolution=config.final_side if side is None else side,
        step=progress.images,
        provenance=_provenance(config, progress),
        licence=config.licence,
        teachers=", ".join(config.teachers),
    )
    save_weights(folder / f"{model_type}.safetensors", network, info)


def _provenance(config: TrainingConfig, progress: Progress) -> str:
    """One line on how a network was trained."""
    origin = config.initialised_from
    return (
        f"maskgan train {config.stage} --preset {config.preset} --seed {config.seed}: {progress.images} pictures "
        f"in {progress.seconds / 60:.0f} minutes on {config.device}, {config.precision}"
        f"{f', from {Path(origin).name}' if origin else ''}"
    )
