"""``maskgan evaluate``: measure a network on real pairs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from maskgan.cli.options import network_options, resolve_device


@click.command("evaluate", short_help="Measure a network on real pairs.")
@click.option("--task", type=click.Choice(["reconstruct"]), default="reconstruct", show_default=True)
@click.option("--data", required=True, help="Folder, tar file, or glob of tar files.")
@click.option("--keys", help="Which pairs: ranges such as 04500..04999, or a file with a key a line.  [all]")
@click.option("--parser", help="Parser weights.  [those that ship]")
@click.option("--side", type=click.IntRange(32, 2048), default=256, show_default=True, help="Pixels compared.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses who borrows whose style.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="JSON file to write.")
@network_options
def command(
    task: str,
    data: str,
    keys: str | None,
    parser: str | None,
    side: int,
    seed: int,
    output: Path | None,
    weights: str | None,
    device: str | None,
    precision: str,
) -> None:
    """Measure how well rendered faces follow their masks and styles.

    A parser reads masks from the results; the row of real pictures says what the parser itself gets wrong.
    """
    from maskgan.assets import shipped_weights
    from maskgan.checkpoints.weights import fingerprint
    from maskgan.cli.opening import open_editor
    from maskgan.data.opening import open_pairs
    from maskgan.data.pairs import select
    from maskgan.evaluation.parsing import Parser
    from maskgan.evaluation.reconstruct import reconstruct, to_markdown
    from maskgan.files import atomic_path

    device = resolve_device(device)
    pairs = open_pairs(data) if keys is None else select(open_pairs(data), keys)
    weights_path = shipped_weights("dense-mapping") if weights is None else Path(weights)
    parser_path = shipped_weights("parser") if parser is None else Path(parser)
    editor = open_editor(str(weights_path), device, precision)
    result = reconstruct(pairs, editor, Parser(parser_path, device), side, seed)
    click.echo(to_markdown(result))
    if output is not None:
        record = {
            "task": task,
            "data": data,
            "keys": keys,
            "weights": fingerprint(weights_path),
            "parser": fingerprint(parser_path),
            "device": device,
            "precision": precision,
            **result.to_dict(),
        }
        with atomic_path(output) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n")
