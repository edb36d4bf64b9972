"""Beginning where another run ended: editing always does, dense mapping may."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from maskgan.checkpoints.weights import load_weights
from maskgan.errors import UserError
from maskgan.training.run_folder import RunFolder


def begin_with(
    folder: Path, device: str, generator: nn.Module, discriminator: nn.Module, weights: Path | None = None
) -> None:
    """Give both networks the tensors of a run that trained them: the generator its moving average.

    Args:
        folder: of a run of the stage ``dense-mapping`` or ``editing``.
        device: where the tensors go.
        generator: filled in place.
        discriminator: filled in place.
        weights: dense mapping weights for the generator, such as an average, in place of that run's.

    Raises:
        UserError: there is no such run, or its networks have other sizes; the weights are missing, damaged, of another
            kind or size.
    """
    state = RunFolder(folder).load_state(device)
    if state is None:
        raise UserError(f"{folder}: holds no run of 'maskgan train dense-mapping' (no state.pt)")
    try:
        generator.load_state_dict(state["networks"]["average"])
        discriminator.load_state_dict(state["networks"]["discriminator"])
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{folder}: is a run of another stage, preset or fusion") from error
    if weights is None:
        return
    network, _ = load_weights(weights, kind="dense-mapping")
    try:
        generator.load_state_dict(network.state_dict())
    except RuntimeError as error:
        raise UserError(f"{weights}: has other sizes than the run in {folder}") from error
