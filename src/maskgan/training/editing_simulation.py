"""Stage 2, editing behaviour simulated training (EBST): faces of edited masks must blend back into the face.

MaskVAE makes two masks beside the face's own, a step towards another face's mask and a step away from it. All three
are rendered in one style; the alpha blender joins the pictures of the two, and the blend must equal the face.
Source: the paper's section on dual-editing consistency, and the reference code for the order of the updates.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from maskgan.checkpoints.weights import load_weights
from maskgan.config import DenseMappingConfig, Preset
from maskgan.data.batches import Faces
from maskgan.distributed import all_gather, shard
from maskgan.errors import UserError
from maskgan.images import Picture
from maskgan.networks.blender import AlphaBlender
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.layers import one_hot
from maskgan.networks.mask_vae import MaskVAE
from maskgan.training.config import TrainingConfig
from maskgan.training.critic import FaceCritic
from maskgan.training.exchanges import teach_exchanges
from maskgan.training.initialisation import load_from_run
from maskgan.training.schedule import Progress
from maskgan.training.stage import (
    GAN_BETAS,
    Losses,
    adam,
    autocast,
    colour_column,
    ema_copy,
    export_weights,
    grid,
    to_device,
    update_ema,
)


class EditingStage:
    """Generator and blender learn from one critic, which is conditioned on the face's own mask throughout."""

    def __init__(self, preset: Preset, config: TrainingConfig, network: DenseMappingConfig, base: Path | None) -> None:
        """Begin with the networks of the stage 1 run in ``base`` and the MaskVAE that ``config.simulation`` names.

        ``base`` is ``None`` where a saved state will replace the networks.

        Raises:
            UserError: they are missing, damaged or of other sizes, or the batch has a single face.
        """
        if config.batch_size < 2:
            raise UserError("--batch-size must be at least 2: the masks of a batch stand in for each other's edits")
        self._config = config
        self._generator = to_device(DenseMappingNetwork(network), config.device)
        self._critic = FaceCritic(preset.discriminator, config)
        if base is not None:
            load_from_run(base, config.device, self._generator, self._critic.discriminator)
        self._blender = to_device(AlphaBlender(preset.blender), config.device)
        self._generator_ema, self._blender_ema = ema_copy(self._generator), ema_copy(self._blender)
        self._vae = None if config.simulation.edits else self._load_vae(Path(config.simulation.mask_vae))
        self._generator_optimizer = adam(self._generator, config.learning_rate, GAN_BETAS)
        self._blender_optimizer = adam(self._blender, config.learning_rate, GAN_BETAS)
        self.networks: Mapping[str, nn.Module] = {
            "generator": self._generator,
            "blender": self._blender,
            "discriminator": self._critic.discriminator,
            "ema": self._generator_ema,
            "blender_ema": self._blender_ema,
        }
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "generator": self._generator_optimizer,
            "blender": self._blender_optimizer,
            "discriminator": self._critic.optimizer,
        }

    def step(self, faces: Faces, ema_decay: float) -> Losses:
        """See ``Stage.step``. In order: discriminator and generator on the face, then both and the blender."""
        pictures = faces.pictures.contiguous(memory_format=torch.channels_last)
        mask = one_hot(faces.label_maps, self._generator.config.num_classes)
        with autocast(self._config), self._generator.backbone.record_activation_energies() as recorded:
            made = self._generator(mask, pictures, mask)
        energies = recorded if self._config.weights.droplet else None
        direct = self._critic.teach(made, pictures, mask, [self._generator_optimizer], energies)
        exchanged = teach_exchanges(
            self._generator, self._critic, self._config, pictures, faces.label_maps, mask, self._generator_optimizer
        )
        # Each face borrows the mask of the one before it in the batch of all processes.
        inter, outer = self._edited(faces, shard(all_gather(faces.label_maps).roll(1, dims=0)))
        with autocast(self._config):
            first, second = self._render(self._generator, pictures, mask, [inter, outer])
            blended, _ = self._blender(first, second)
        learners = [self._generator_optimizer, self._blender_optimizer]
        consistency = self._critic.teach(blended, pictures, mask, learners)
        update_ema(self._generator_ema, self._generator, ema_decay)
        update_ema(self._blender_ema, self._blender, ema_decay)
        return {**direct, **exchanged, **{f"blend_{name}": loss for name, loss in consistency.items()}}

    @torch.no_grad()
    def val_loss(self, faces: Faces) -> Tensor:
        """Of faces given back from their own masks and styles, and of the blends, added."""
        pictures, label_maps, _ = faces
        mask = one_hot(label_maps, self._generator.config.num_classes)
        inter, outer = self._edited(faces, label_maps.roll(1, dims=0))
        with autocast(self._config):
            made, first, second = self._render(self._generator_ema, pictures, mask, [label_maps, inter, outer])
            blended, _ = self._blender_ema(first, second)
        return self._critic.val_loss(made, pictures) + self._critic.val_loss(blended, pictures)

    @torch.no_grad()
    def samples(self, faces: Faces) -> Picture:
        """Columns: face, mask, its rendering; both edited masks and theirs; alpha; the blend."""
        pictures, label_maps, _ = faces
        mask = one_hot(label_maps, self._generator.config.num_classes)
        inter, outer = self._edited(faces, label_maps.roll(1, dims=0))
        with autocast(self._config):
            made, first, second = self._render(self._generator_ema, pictures, mask, [label_maps, inter, outer])
            blended, alpha = self._blender_ema(first, second)
        masks = [colour_column(labels) for labels in (label_maps, inter, outer)]
        return grid([pictures, masks[0], made, masks[1], first, masks[2], second, alpha * 2 - 1, blended])

    def export(self, folder: Path, progress: Progress) -> None:
        """Write ``dense-mapping.safetensors`` and ``blender.safetensors``, the moving averages."""
        export_weights(folder, self._generator_ema, self._config, progress)
        export_weights(folder, self._blender_ema, self._config, progress)

    @torch.no_grad()
    def _edited(self, faces: Faces, others: Tensor) -> tuple[Tensor, Tensor]:
        """The stored edits, or new ones: a step towards the masks of other faces and a step away from them."""
        if self._vae is None:
            inter, outer = faces.edits.unbind(1)
            return inter, outer
        with autocast(self._config):
            return self._vae.simulate_edits(faces.label_maps, others, self._config.simulation.strength)

    def _load_vae(self, path: Path) -> MaskVAE:
        vae, _ = load_weights(path, model_type="mask-vae")
        assert isinstance(vae, MaskVAE)
        return to_device(vae, self._config.device)

    def _render(
        self, generator: DenseMappingNetwork, pictures: Tensor, mask: Tensor, targets: list[Tensor]
    ) -> tuple[Tensor, ...]:
        """Each target mask (N x S x S labels) in the pictures' own style, in one pass."""
        style = generator.encode_style(pictures, mask)
        masks = one_hot(torch.cat(targets), generator.config.num_classes)
        return generator.synthesise(masks, style.repeat(len(targets), 1)).chunk(len(targets))
