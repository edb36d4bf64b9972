"""Learning from faces with others' mouths, of which there are no photographs: the whole face must go with the mouth."""

from __future__ import annotations

import torch
from torch import Tensor

from maskgan.distributed import gathered, share
from maskgan.errors import UserError
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.layers import one_hot
from maskgan.part_transfer import transfer_mouth
from maskgan.training.config import TrainingConfig
from maskgan.training.critic import FaceCritic
from maskgan.training.stage import Losses, autocast


def teach_expressions(
    generator: DenseMappingNetwork,
    critic: FaceCritic,
    config: TrainingConfig,
    pictures: Tensor,
    label_maps: Tensor,
    own_mask: Tensor,
    learner: torch.optim.Optimizer,
) -> Losses:
    """One step: each face in its own style with the mouth of the one before it in the batch of all processes.

    Args:
        generator: learns.
        critic: says how far the faces are from what they should be.
        config: of the run.
        pictures: N x 3 x S x S in [-1, 1].
        label_maps: theirs, N x S x S.
        own_mask: the same, one-hot, N x num_classes x S x S.
        learner: the generator's optimizer.

    Returns:
        Each term, unweighted.
    """
    edited, exchanged = exchange_mouths(label_maps, share(gathered(label_maps).roll(1, dims=0)))
    mask = one_hot(edited, generator.config.num_classes)
    with autocast(config):
        made = generator(mask, pictures, own_mask)
    return critic.teach_expressions(made, pictures, mask, exchanged, learner)


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
