"""Cross-face samples: faces rendered with another face's mouth or mask, for which no photograph exists."""

from __future__ import annotations

import torch
from torch import Tensor

from maskgan.distributed import all_gather, shard
from maskgan.errors import UserError
from maskgan.losses.attribute_swaps import MASK_SWAP, MOUTH_SWAP, most_different
from maskgan.losses.loss_terms import SwapSample
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.layers import one_hot
from maskgan.part_transfer import transfer_mouth
from maskgan.training.gan_step import GANStep
from maskgan.training.stage import FaceTensors, Losses, autocast
from maskgan.training.stage_configs import GeneratorTrainingConfig


def train_swap_step(
    gan: GANStep,
    generator: DenseMappingNetwork,
    config: GeneratorTrainingConfig,
    faces: FaceTensors,
    optimizer: torch.optim.Optimizer,
) -> Losses:
    """Render each face in its own style with another's mouth, another's mask, or both, and take a GAN step on them.

    The other face is the one in the batch of all processes whose attributes differ most.

    Args:
        gan: the discriminators and the attribute classifier.
        generator: is trained.
        config: the swaps are those whose weights are not 0.
        faces: the batch of this process.
        optimizer: the generator's.

    Returns:
        See ``GANStep.train_swap_step``; empty without swaps.
    """
    weights = config.weights
    if not weights.needs_swaps:
        return {}
    assert gan.classifier is not None
    with torch.no_grad(), autocast(config):
        own = gan.classifier.attributes(faces.real).float().sigmoid()
    all_own, all_maps = all_gather(own), all_gather(faces.label_maps)
    requests = []
    if weights.expression:
        donors = shard(most_different(all_own, MOUTH_SWAP.transferred))
        label_maps, swapped = swap_mouths(faces.label_maps, all_maps[donors])
        target = torch.where(swapped[:, None], MOUTH_SWAP.target_attributes(own, all_own[donors]), own)
        requests.append((MOUTH_SWAP, label_maps, target))
    if weights.style_copy:
        donors = shard(most_different(all_own, MASK_SWAP.preserved))
        requests.append((MASK_SWAP, all_maps[donors], MASK_SWAP.target_attributes(own, all_own[donors])))
    masks = one_hot(torch.cat([label_maps for _, label_maps, _ in requests]), generator.config.num_classes)
    with autocast(config), gan.record_energies(generator) as energies:
        style = generator.encode_style(faces.real, faces.mask)
        fakes = generator.synthesise(masks, style.repeat(len(requests), 1))
    samples = [
        SwapSample(swap, fake, mask, target)
        for (swap, _, target), fake, mask in zip(
            requests, fakes.chunk(len(requests)), masks.chunk(len(requests)), strict=True
        )
    ]
    return gan.train_swap_step(samples, faces.real, faces.mask, optimizer, energies)


def swap_mouths(label_maps: Tensor, donors: Tensor) -> tuple[Tensor, Tensor]:
    """Give each mask the mouth of its donor, where both show one.

    Args:
        label_maps: N x S x S uint8.
        donors: N x S x S uint8.

    Returns:
        Masks, N x S x S uint8, and which of them have another mouth now, N bool.
    """
    edited, swapped = [], []
    for own, donor in zip(label_maps.cpu().numpy(), donors.cpu().numpy(), strict=True):
        try:
            edited.append(torch.from_numpy(transfer_mouth(own, donor)))
            swapped.append(True)
        except UserError:  # a mouth is hidden
            edited.append(torch.from_numpy(own))
            swapped.append(False)
    return torch.stack(edited).to(label_maps.device), torch.tensor(swapped, device=label_maps.device)
