"""Beginning where another run ended: editing always does, dense mapping may."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from maskgan.errors import UserError
from maskgan.training.run_folder import RunFolder


def begin_with(folder: Path, device: str, generator: nn.Module, discriminator: nn.Module) -> None:
    """Give both networks the tensors of a run that trained them: the generator its moving average.

    Args:
        folder: of a run of the stage ``dense-mapping`` or ``editing``.
        device: where the tensors go.
        generator: filled in place.
        discriminator: filled in place.

    Raises:
        UserError: there is no such run, or its networks have other sizes.
    """
    state = RunFolder(folder).load_state(device)
    if state is None:
        raise UserError(f"{folder}: holds no run of 'maskgan train dense-mapping' (no state.pt)")
    try:
        generator.load_state_dict(state["networks"]["average"])
        discriminator.load_state_dict(state["networks"]["discriminator"])
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{folder}: is a run of another stage, preset or fusion") from error
