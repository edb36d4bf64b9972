"""A small sample of the attack (``python -m benchmarks.attack``), and what it and other tries brought to light."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.attack.fuzzing import Findings, Record
from benchmarks.attack.mutation import variant
from benchmarks.attack.readers import REFUSALS, Reader, all_readers, try_one

from maskgan.cli.main import cli, main
from maskgan.cli.options import FiniteRange

VARIANTS = range(10_000, 10_020)  # others than those of the attack's first minutes


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    return {reader.name: reader for reader in all_readers(tmp_path_factory.mktemp("seeds"))}


def test_good_inputs_are_read(readers: dict[str, Reader], tmp_path: Path) -> None:
    for reader in readers.values():
        path = tmp_path / f"good{reader.suffix}"
        # What is named is not there, and the form's body has no parts.
        for seed in reader.seeds[:1] if reader.name == "name of data" else reader.seeds:
            path.write_bytes(seed if reader.pack is None else reader.pack(seed))
            if reader.name != "form's type":
                reader.read(path)


def test_variants_are_read_or_refused(readers: dict[str, Reader], tmp_path: Path) -> None:
    results = [
        (f"{reader.name} {number}", try_one(reader, number, tmp_path))
        for reader in readers.values()
        for number in VARIANTS
    ]
    assert [found for found in results if found[1]] == []
    assert sum(result == "" for _, result in results) > len(results) / 2


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *((name, number) for name in ("state dict", "weights") for number in (58, 262, 5_000_571)),
        ("index of a pack", 4_001_907),
        ("mask", 4_015_478),
        ("mask with checksums", 4_003_215),
        ("name of data", 4_004_853),
        ("PNG with checksums", 4_014_493),
        ("uploaded mask", 4_011_121),
    ],
)
def test_what_the_attack_found(name: str, number: int, readers: dict[str, Reader], tmp_path: Path) -> None:
    assert not try_one(readers[name], number, tmp_path)


def test_faults_are_found(readers: dict[str, Reader], tmp_path: Path) -> None:
    def faulty(_: Path) -> None:
        raise KeyError("oh")

    assert "KeyError: 'oh' (test_attack.py:" in str(try_one(replace(readers["JSON"], read=faulty), 1, tmp_path))

    def refusing(_: Path) -> None:
        raise REFUSALS[0]("no")

    assert try_one(replace(readers["JSON"], read=refusing), 1, tmp_path) == ""
    assert try_one(replace(readers["JSON"], read=lambda _: None), 1, tmp_path) is None

    def warning(_: Path) -> None:
        warnings.warn("Truncated File Read", stacklevel=1)

    assert "a warning: Truncated" in str(try_one(replace(readers["JSON"], read=warning), 1, tmp_path))


def test_a_record_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record = Record(path, first=100, processes=2)
    record.add(0, Findings(Counter(a=3), Counter(a=1), [], 5, 0.5), 106)
    record.add(1, Findings(Counter(b=2), Counter(b=0), ["b 101: oh"], 7, 0.25), None)
    again = Record(path, first=1, processes=2)
    assert again.next == [106, 101]
    assert again.findings == Findings(Counter(a=3, b=2), Counter(a=1), ["b 101: oh"], 7, 0.5)
    with pytest.raises(SystemExit, match="--processes 2"):
        Record(path, first=1, processes=1)


def test_variants_are_the_same_again_and_differ(readers: dict[str, Reader]) -> None:
    seeds = readers["picture"].seeds
    made = [variant(seeds, "picture", number) for number in range(50)]
    assert made == [variant(seeds, "picture", number) for number in range(50)]
    assert len(set(made)) > 45


def float_options(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Parameter]]:
    """Every option of all commands but ``train`` that takes a number with a fraction."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and name != "train":
                yield from float_options(inner, f"{path} {name}")
        return
    for parameter in command.params:
        if isinstance(parameter.type, (click.FloatRange, click.types.FloatParamType)):
            yield f"{path} {parameter.name}", parameter


def test_options_take_finite_numbers_only() -> None:
    options = dict(float_options(cli))
    assert {" parse opacity", " edit style_strength"} <= set(options)
    for name, option in options.items():
        assert isinstance(option.type, FiniteRange), name
        for text in ("nan", "inf", "-inf", "1e999"):
            with pytest.raises(click.BadParameter):
                option.type.convert(text, option, None)


@pytest.mark.parametrize("command", ["edit", "parse", "train", "prepare", "evaluate"])
def test_very_long_arguments_are_refused_in_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 100_000
    arguments = {
        "edit": ["edit", long, "--mask", long, "--edited", long, "-o", "out.png"],
        "parse": ["parse", long, "-o", "out.png"],
        "train": ["train", "mask-vae", "--data", long, "--run", "run", "--dry-run"],
        "prepare": ["prepare", long, "--check"],
        "evaluate": ["evaluate", "--task", "reconstruct", "--data", long],
    }[command]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("maskgan: error: ") and error.count("\n") == 1 and len(error) < 2_200
