"""Learning from faces with others' mouths and masks, of which no photographs exist: the whole face must go along."""

from __future__ import annotations

import torch
from torch import Tensor

from maskgan.distributed import all_gather, shard
from maskgan.errors import UserError
from maskgan.losses.attribute_swaps import MASK_SWAP, MOUTH_SWAP, most_different
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.layers import one_hot
from maskgan.part_transfer import transfer_mouth
from maskgan.training.config import TrainingConfig
from maskgan.training.critic import Borrowed, FaceCritic
from maskgan.training.stage import Losses, autocast


def teach_exchanges(
    generator: DenseMappingNetwork,
    critic: FaceCritic,
    config: TrainingConfig,
    pictures: Tensor,
    label_maps: Tensor,
    own_mask: Tensor,
    learner: torch.optim.Optimizer,
) -> Losses:
    """One step on each face in its own style with another's mouth, and with another's mask, as far as they weigh.

    What differs teaches: of all faces in the batch of all processes, the other is the one that is most unlike.

    Args:
        generator: learns.
        critic: says how far the faces are from what they should be.
        config: of the run.
        pictures: N x 3 x S x S in [-1, 1].
        label_maps: theirs, N x S x S.
        own_mask: the same, one-hot, N x num_classes x S x S.
        learner: the generator's optimizer.

    Returns:
        Each term, unweighted; none where neither weighs.
    """
    weights = config.weights
    if not (weights.expression or weights.style_copy):
        return {}
    own = critic.attributes(pictures)
    all_own, all_maps = all_gather(own), all_gather(label_maps)
    asked = []
    if weights.expression:
        donors = shard(most_different(all_own, MOUTH_SWAP.transferred))
        edited, exchanged = exchange_mouths(label_maps, all_maps[donors])
        wanted = torch.where(exchanged[:, None], MOUTH_SWAP.target_attributes(own, all_own[donors]), own)
        asked.append((MOUTH_SWAP, weights.expression, edited, wanted))
    if weights.style_copy:
        donors = shard(most_different(all_own, MASK_SWAP.preserved))
        asked.append(
            (MASK_SWAP, weights.style_copy, all_maps[donors], MASK_SWAP.target_attributes(own, all_own[donors]))
        )
    masks = one_hot(torch.cat([label_map for _, _, label_map, _ in asked]), generator.config.num_classes)
    with autocast(config), generator.backbone.record_activation_energies() as energies:
        style = generator.encode_style(pictures, own_mask)
        made = generator.synthesise(masks, style.repeat(len(asked), 1))
    borrowed = [
        Borrowed(exchange, weight, face, mask, wanted)
        for (exchange, weight, _, wanted), face, mask in zip(
            asked, made.chunk(len(asked)), masks.chunk(len(asked)), strict=True
        )
    ]
    return critic.teach_exchanges(borrowed, pictures, own_mask, learner, energies if weights.droplet else None)


def exchange_mouths(label_maps: Tensor, donors: Tensor) -> tuple[Tensor, Tensor]:
    """Give each face the mouth of its donor (both N x S x S), where both show one.

    Returns:
        Masks, N x S x S, and which of them have another mouth now, N bool.
    """
    edited, exchanged = [], []
    for own, donor in zip(label_maps.cpu().numpy(), donors.cpu().numpy(), strict=True):
        try:
            edited.append(torch.from_numpy(transfer_mouth(own, donor)))
            exchanged.append(True)
        except UserError:  # a mouth is hidden
            edited.append(torch.from_numpy(own))
            exchanged.append(False)
    return torch.stack(edited).to(label_maps.device), torch.tensor(exchanged, device=label_maps.device)
