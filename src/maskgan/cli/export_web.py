"""``maskgan export-web``: the editor as static files."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from maskgan.cli.lines import echo_line

_FILE = click.Path(path_type=Path)


@click.command("export-web", short_help="Write the editor as a folder of static files.")
@click.argument("output", metavar="OUT", type=_FILE)
@click.option("--weights", type=_FILE, help="Dense mapping or edit weights.  [default: those in use]")
@click.option("--parser", type=_FILE, help="Parser weights.  [default: those in use]")
@click.option("--mask-vae", type=_FILE, help="MaskVAE weights.  [default: those in use]")
@click.option("--runtime", type=_FILE, help="Unpacked npm package onnxruntime-web.  [default: npm fetches it]")
@click.option("--serve", metavar="PORT", type=click.IntRange(0, 65535), help="Then serve it to this machine alone.")
@click.option("--overwrite", is_flag=True, help="Replace the folder OUT whatever it holds.")
def command(
    output: Path,
    weights: Path | None,
    parser: Path | None,
    mask_vae: Path | None,
    runtime: Path | None,
    serve: int | None,
    overwrite: bool,
) -> None:
    """Write the editor into the folder OUT, for any static file server; it then runs in the browser alone.

    Photographs do not leave the browser, nothing is loaded from elsewhere, and after the first visit it works offline.
    An earlier export in OUT is replaced. Needs the extra export, and npm or --runtime.
    """
    from maskgan.export.folders import atomic_folder, check_folder
    from maskgan.export.networks import Exporter, WeightsFiles
    from maskgan.export.static_server import static_server
    from maskgan.export.web import RECORD, first_visit_bytes, write_web

    check_folder(output, RECORD, overwrite)
    server = None if serve is None else static_server(output, serve)
    exporter = Exporter(WeightsFiles(weights, parser, mask_vae))
    with atomic_folder(output, RECORD, overwrite) as folder:
        record = write_web(folder, exporter, runtime)
    for variant, title in (("wasm", "WebAssembly"), ("webgpu", "WebGPU")):
        click.echo(f"first visit with {title}: {first_visit_bytes(record, variant) / 1e6:.1f} MB, later ones none")
    echo_line(f"{output}: version {record['hash'][:12]}; terms of the weights: {'; '.join(exporter.licences)}")
    if server is not None:
        with server:
            host, port = server.server_address[:2]
            click.echo(f"http://{host!s}:{port}/")
            with contextlib.suppress(KeyboardInterrupt):
                server.serve_forever()
