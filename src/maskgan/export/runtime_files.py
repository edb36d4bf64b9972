"""ONNX Runtime Web's files, from npm by a lock file or from a folder."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from maskgan.errors import MaskGANError, UserError

LOCKED = Path(__file__).parent / "runtime"
"""package.json and package-lock.json, which name the version and its hash, and the runtime's licence."""

VARIANTS: Mapping[str, tuple[str, str]] = {
    "wasm": ("ort.wasm.min.mjs", "ort-wasm-simd-threaded"),
    "webgpu": ("ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify"),
}
"""For each way to compute: the module with the API, and the name of the glue (.mjs) and the binary (.wasm)."""

PACKED = ".gzip"  # not .gz, which some hosts unpack on the way and others do not
_NPM_SECONDS = 600


def copy_runtime(target: Path, source: Path | None) -> dict[str, dict[str, str]]:
    """Write the runtime's files into a folder, binaries packed with gzip.

    Args:
        target: the folder, which is made.
        source: an unpacked package ``onnxruntime-web``; ``None``: npm fetches the locked version.

    Returns:
        For each of ``VARIANTS`` the names of ``script``, ``module`` and ``binary``.

    Raises:
        UserError: ``source`` lacks a file, or there is no npm.
        MaskGANError: npm fails.
    """
    if source is not None:
        return _copy(target, source)
    with tempfile.TemporaryDirectory() as scratch:
        return _copy(target, _install(Path(scratch)))


def _install(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise UserError("npm is missing, which fetches ONNX Runtime Web; install Node.js, or name a folder: --runtime")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCKED / name, folder / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--silent"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_NPM_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MaskGANError(f"npm could not fetch ONNX Runtime Web: {error}") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MaskGANError(f"npm could not fetch ONNX Runtime Web: {reason}; --runtime names a folder that has it")
    return folder / "node_modules" / "onnxruntime-web"


def _copy(target: Path, source: Path) -> dict[str, dict[str, str]]:
    if not source.is_dir():
        raise UserError(f"--runtime {source}: no such folder")
    dist = source / "dist" if (source / "dist").is_dir() else source
    target.mkdir()
    shutil.copyfile(LOCKED / "LICENSE", target / "LICENSE")
    variants = {}
    for variant, (script, stem) in VARIANTS.items():
        module, binary = f"{stem}.mjs", f"{stem}.wasm"
        for name in (script, module, binary):
            if not (dist / name).is_file():
                raise UserError(f"--runtime {source}: lacks {name}; name an unpacked package onnxruntime-web")
        for name in (script, module):
            shutil.copyfile(dist / name, target / name)
        packed = gzip.compress((dist / binary).read_bytes(), compresslevel=9, mtime=0)
        (target / f"{binary}{PACKED}").write_bytes(packed)
        variants[variant] = {"script": script, "module": module, "binary": f"{binary}{PACKED}"}
    return variants
