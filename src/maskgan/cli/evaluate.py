"""``maskgan evaluate``: measure a network on real pairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maskgan.cli.options import network_options, resolve_device
from maskgan.errors import UserError

if TYPE_CHECKING:
    from maskgan.data.pairs import PairCollection
    from maskgan.editing.session import Blend


_TASKS = click.Choice(["reconstruct", "interactive", "masks"])


@click.command("evaluate", short_help="Measure networks on real pairs.")
@click.option(
    "--task", type=click.Choice(["reconstruct", "interactive", "masks"]), default="reconstruct", show_default=True
)
@click.option("--data", required=True, help="Folder, tar file, or glob of tar files.")
@click.option("--keys", help="Which pairs: ranges such as 04500..04999, or a file with a key a line.  [all]")
@click.option("--system", "systems", multiple=True, metavar="NAME=FILE", help="Weights to compare; may be repeated.")
@click.option("--blend", type=click.Choice(["full", "region"]), default="full", show_default=True)
@click.option("--parser", type=click.Path(path_type=Path), help="Parser weights.  [those that ship]")
@click.option("--mask-vae", type=click.Path(path_type=Path), help="MaskVAE weights, for the task 'masks'.")
@click.option("--side", type=click.IntRange(32, 2048), default=256, show_default=True, help="Pixels compared.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses who borrows whose style.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Picture of the first answers ('interactive').")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="JSON file to write.")
@network_options
def command(task: str, data: str, keys: str | None, output: Path | None, device: str | None, **options: Any) -> None:
    """Measure networks on real pairs, and print tables.

    reconstruct: how well rendered faces follow their masks and styles. A parser reads masks from the results; the row
    of real pictures says what the parser itself gets wrong.

    interactive: how systems bear edits that people draw: smiles, brows, glasses, hats, hair.

    masks: how well MaskVAE gives masks back, whether random ones are valid, how smooth the ways between masks are.
    """
    from maskgan.data.opening import open_pairs
    from maskgan.data.pairs import select
    from maskgan.files import atomic_path

    device = resolve_device(device)
    pairs = open_pairs(data) if keys is None else select(open_pairs(data), keys)
    measured = _MEASURES[task](pairs, device, **options)
    click.echo(measured.markdown)
    if output is not None:
        record = {"task": task, "data": data, "keys": keys, "device": device, **measured.record}
        with atomic_path(output) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n")


@dataclass(frozen=True)
class _Measured:
    """A result for people and for programs."""

    markdown: str
    record: dict[str, Any]


def _reconstruct(
    pairs: PairCollection,
    device: str,
    *,
    weights: str | None,
    systems: tuple[str, ...],
    parser: Path | None,
    side: int,
    seed: int,
    precision: str,
    **_: Any,
) -> _Measured:
    from maskgan.assets import shipped_weights
    from maskgan.checkpoints.weights import fingerprint
    from maskgan.cli.opening import open_editor
    from maskgan.evaluation.parsing import Parser
    from maskgan.evaluation.reconstruct import reconstruct, to_markdown

    if systems:
        raise UserError("--system: the task 'reconstruct' measures one network; give it with --weights")
    network = shipped_weights("dense-mapping") if weights is None else Path(weights)
    parser = shipped_weights("parser") if parser is None else parser
    editor = open_editor(str(network), device, precision)
    result = reconstruct(pairs, editor, Parser(parser, device), side, seed)
    hashes = {"weights": fingerprint(network), "parser": fingerprint(parser)}
    return _Measured(to_markdown(result), {**hashes, "precision": precision, **result.to_dict()})


def _interactive(
    pairs: PairCollection,
    device: str,
    *,
    weights: str | None,
    systems: tuple[str, ...],
    blend: Blend,
    parser: Path | None,
    side: int,
    sheet: Path | None,
    precision: str,
    **_: Any,
) -> _Measured:
    from maskgan.assets import shipped_weights
    from maskgan.checkpoints.weights import fingerprint
    from maskgan.cli.opening import require_writable
    from maskgan.evaluation import interactive
    from maskgan.evaluation.features import EfficientNetFeatures
    from maskgan.evaluation.parsing import Parser
    from maskgan.evaluation.systems import TrainedSystem
    from maskgan.images import write_picture

    if sheet is not None:
        require_writable(sheet)
    if weights is not None:
        systems = (f"{Path(weights).stem}={weights}", *systems)
    named = _named(systems) or {"shipped": shipped_weights("dense-mapping")}
    compared = [TrainedSystem(name, path, blend, device, precision) for name, path in named.items()]
    parser = shipped_weights("parser") if parser is None else parser
    result = interactive.interactive(pairs, compared, Parser(parser, device), EfficientNetFeatures(device), side)
    if sheet is not None:
        write_picture(sheet, interactive.sheet(pairs, compared, side, count=6))
    hashes = {"weights": {system.name: system.fingerprint for system in compared}, "parser": fingerprint(parser)}
    return _Measured(
        interactive.to_markdown(result), {**hashes, "precision": precision, "blend": blend, **result.to_dict()}
    )


def _named(systems: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for system in systems:
        name, equals, path = system.partition("=")
        if not name or not equals or not path:
            raise UserError(f"--system {system}: write NAME=FILE")
        if name in found or name == "nothing done":
            raise UserError(f"--system {system}: the name {name!r} is taken; choose another")
        found[name] = Path(path)
    return found


def _masks(pairs: PairCollection, device: str, *, mask_vae: Path | None, side: int, seed: int, **_: Any) -> _Measured:
    from maskgan.checkpoints.weights import fingerprint
    from maskgan.editing.mask_manifold import MaskManifold
    from maskgan.evaluation.masks import measure_masks, to_markdown

    if mask_vae is None:
        raise UserError("--task masks needs --mask-vae FILE")
    result = measure_masks(pairs, MaskManifold.from_weights(mask_vae, device), side, seed)
    return _Measured(to_markdown(result), {"mask_vae": fingerprint(mask_vae), **result.to_dict()})


_MEASURES: dict[str, Callable[..., _Measured]] = {
    "reconstruct": _reconstruct,
    "interactive": _interactive,
    "masks": _masks,
}
