"""Files whose names or kinds are odd: each ends in one clear line, and no name forges lines or commands a terminal."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgan.cli.main import main
from maskgan.errors import UserError
from maskgan.files import atomic_path, check_outputs
from maskgan.images import write_label_map, write_picture

pytestmark = pytest.mark.skipif(os.name != "posix", reason="such names are POSIX's")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def mask(path: Path) -> Path:
    write_label_map(path, np.ones((32, 32), np.uint8))
    return path


def failure(arguments: list[object], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command of bad input ends with."""
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    path = tmp_path / "loop.png"
    path.symlink_to(path)
    return path


def test_links_in_circles_are_named(tmp_path: Path, loop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = mask(tmp_path / "p.png")
    commands = [
        ["labels", "convert", good, "-o", loop],
        ["labels", "convert", loop, "-o", tmp_path / "out.png"],
        ["frame", "cut", good, "-o", loop, "--at", "16,16,20"],
        ["frame", "cut", loop, "-o", tmp_path / "out.png", "--at", "16,16,20"],
        ["edit", loop, "--mask", good, "--edited", good, "-o", tmp_path / "out.png"],
        ["edit", good, "--mask", loop, "--edited", good, "-o", tmp_path / "out.png"],
        ["edit", good, "--mask", good, "--edited", good, "-o", loop],
    ]
    for command in commands:
        error = failure(command, capsys)
        assert "loop.png: " in error
        assert "internal" not in error
    assert loop.is_symlink()
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("kind", ["pipe", "link to a device"])
def test_special_files_are_not_replaced(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.png"
    if kind == "pipe":
        os.mkfifo(output)
    else:
        output.symlink_to("/dev/null")
    before = output.lstat()
    good = mask(tmp_path / "p.png")
    for command in (["labels", "convert", good, "-o"], ["frame", "cut", good, "--at", "16,16,20", "-o"]):
        error = failure([*command, output], capsys)
        assert "out.png: is a named pipe" in error or "out.png: is a device" in error
    with pytest.raises(UserError, match="not a file; choose another output"), atomic_path(output):
        raise AssertionError("work was begun")
    assert output.lstat().st_mode == before.st_mode
    assert output.lstat().st_ino == before.st_ino


def test_links_to_files_and_to_nothing_are_replaced_themselves(tmp_path: Path) -> None:
    target = mask(tmp_path / "target.png")
    content = target.read_bytes()
    for name, to in (("a.png", target), ("b.png", tmp_path / "missing.png")):
        link = tmp_path / name
        link.symlink_to(to)
        write_picture(link, np.zeros((16, 16, 3), np.uint8))
        assert not link.is_symlink()
        assert Image.open(link).size == (16, 16)
    assert target.read_bytes() == content
    assert not (tmp_path / "missing.png").exists()


def test_links_to_one_missing_file_are_one_output(tmp_path: Path) -> None:
    links = [tmp_path / "a.png", tmp_path / "b.png"]
    for link in links:
        link.symlink_to(tmp_path / "missing.png")
    with pytest.raises(UserError, match="would be written twice"):
        check_outputs(links, [])


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", b"out\xff\xc3\xa4.png"), ("cp1252", b"out\xff\xe4.png"), ("cp1251", b"out\xff\\xe4.png")],
)
def test_undecodable_names_keep_their_bytes_in_a_pipe(
    encoding: str, expected: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding, errors="strict"))
    source = mask(tmp_path / os.fsdecode(b"lone\xff.png"))
    output = tmp_path / os.fsdecode(b"out\xff\xc3\xa4.png")
    assert main(["labels", "convert", str(source), "-o", str(output)]) == 0
    sys.stdout.flush()
    assert raw.getvalue() == os.fsencode(tmp_path) + b"/" + expected + b"\n"
    assert output.exists()


def test_undecodable_names_do_not_end_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "utf-8", errors="strict"))
    names = [b"a\xff.png", b"b.png", b"c\xfe.png"]
    sources = [str(mask(tmp_path / os.fsdecode(name))) for name in names]
    assert main(["labels", "convert", *sources, "-o", str(tmp_path / "out")]) == 0
    assert sorted(os.fsencode(path.name) for path in (tmp_path / "out").iterdir()) == names


NASTY = "a\n\x1b[31mb\rc\x9d.png"
ESCAPED = "a\\n\\x1b[31mb\\rc\\x9d.png"


def test_names_on_stderr_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = tmp_path / NASTY
    Image.fromarray(np.full((32, 32), 7 << 8, np.uint16)).save(deep)  # which is warned of
    good = mask(tmp_path / "good.png")
    assert main(["frame", "cut", str(deep), "-o", str(tmp_path / "out.png"), "--at", "16,16,20"]) == 0
    assert f"maskgan: warning: {tmp_path}/{ESCAPED}: has 16 bits" in capsys.readouterr().err
    assert main(["labels", "convert", str(deep), str(good), "-o", str(tmp_path / "outs")]) == 1
    error = capsys.readouterr().err
    assert f"maskgan: error: {tmp_path}/{ESCAPED}: " in error
    assert all(line.startswith("maskgan: ") for line in error.splitlines())
    assert all(c.isprintable() or c == "\n" for c in error)


def test_names_on_stdout_are_escaped_on_terminals_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["labels", "convert", str(mask(tmp_path / "a.png")), "-o", str(tmp_path / NASTY)]
    assert main(command) == 0
    assert capsys.readouterr().out == f"{tmp_path}/{NASTY}\n"
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    assert main(command) == 0
    assert terminal.getvalue() == f"{tmp_path}/{ESCAPED}\n"


@pytest.mark.parametrize(
    "at",
    [
        "nan,nan,nan",
        "16,16,nan",
        "16,16,20,nan",
        "inf,16,20",
        "16,16,20,-inf",
        "1e308,16,20",
        "16,16,1e308",
        "16,1e308,20,5",
    ],
)
def test_odd_places_of_a_face_name_the_option(at: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = failure(["frame", "cut", mask(tmp_path / "p.png"), "-o", tmp_path / "out.png", f"--at={at}"], capsys)
    assert "--at" in error
    assert at in error
    assert len(error) < 300
    assert not (tmp_path / "out.png").exists()


def test_angles_are_taken_modulo_a_turn(tmp_path: Path) -> None:
    source = tmp_path / "p.png"
    write_picture(source, np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    for name, angle in (("a", "20"), ("b", "3620"), ("c", "1e308")):
        assert main(["frame", "cut", str(source), "-o", str(tmp_path / f"{name}.png"), f"--at=20,20,24,{angle}"]) == 0
        put_back = ["frame", "put-back", str(source), *[str(tmp_path / f"{name}.png")] * 2]
        assert main([*put_back, "-o", str(tmp_path / f"{name}-back.png")]) == 0
    pixels = [np.asarray(Image.open(tmp_path / f"{name}.png")) for name in "ab"]
    assert (pixels[0] == pixels[1]).all()
