"""Starting from trained networks: ``ebst`` and ``expression`` always do, ``dense-mapping`` and ``edit`` may."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from maskgan.checkpoints.registry import model_type_of
from maskgan.checkpoints.weights import load_weights
from maskgan.errors import UserError
from maskgan.training.run_folder import RunFolder


def load_from_run(folder: Path, device: str, generator: nn.Module, discriminator: nn.Module) -> None:
    """Give both networks the tensors of a run that trained them: the generator its moving average.

    Args:
        folder: of a run that trained the same networks.
        device: where the tensors go.
        generator: filled in place.
        discriminator: filled in place.

    Raises:
        UserError: there is no such run, or its networks have other sizes.
    """
    state = RunFolder(folder).load_state(device)
    if state is None:
        raise UserError(f"{folder}: holds no run of 'maskgan train' to start from (no state.pt)")
    try:
        generator.load_state_dict(state["networks"]["ema"])
        discriminator.load_state_dict(state["networks"]["discriminator"])
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{folder}: is a run of another stage, preset or network") from error


def load_from_weights(path: Path, generator: nn.Module) -> None:
    """Give the generator the tensors of a weights file.

    Args:
        path: a weights file.
        generator: filled in place.

    Raises:
        UserError: the weights are missing, damaged, of another model type or of other sizes.
    """
    network, _ = load_weights(path, model_type=model_type_of(generator))
    try:
        generator.load_state_dict(network.state_dict())
    except RuntimeError as error:
        raise UserError(f"{path}: is a network of another preset, fusion or --network than this run's") from error
