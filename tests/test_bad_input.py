"""Each bad input ends in one clear line that names the file, the right exit code, and no partial file."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from maskgan.cli.main import main
from maskgan.data.synthetic.export import write_celebamask
from maskgan.images import write_label_map, write_picture


@dataclass
class Scene:
    """A folder with a good face in it, and the command that edits it; each case spoils something."""

    folder: Path
    weights: Path

    def file(self, name: str) -> Path:
        return self.folder / name

    def edit(self, **replaced: Path | str) -> list[str]:
        """``maskgan edit`` with some of its arguments replaced."""
        a: dict[str, Path | str] = {
            "image": self.file("image.png"),
            "mask": self.file("mask.png"),
            "edited": self.file("edited.png"),
            "out": self.file("out.png"),
            "weights": self.weights,
            **replaced,
        }
        return [
            *("edit", str(a["image"]), "--mask", str(a["mask"]), "--edited", str(a["edited"])),
            *("-o", str(a["out"]), "--weights", str(a["weights"])),
        ]

    def write(self, name: str, content: bytes) -> Path:
        self.file(name).write_bytes(content)
        return self.file(name)


@pytest.fixture
def scene(tmp_path: Path, tiny_weights: Path, face_files: dict[str, Path]) -> Scene:
    assert {path.parent for path in face_files.values()} == {tmp_path}
    return Scene(tmp_path, tiny_weights)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def label_png(scene: Scene, name: str, values: np.ndarray) -> Path:
    Image.fromarray(values).save(scene.file(name))
    return scene.file(name)


def with_value_200(s: Scene) -> list[str]:
    values = np.zeros((96, 96), dtype=np.uint8)
    values[5, 6] = 200
    return s.edit(mask=label_png(s, "bad.png", values))


def with_foreign_colours(s: Scene) -> list[str]:
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    return s.edit(edited=label_png(s, "bad.png", noise))


def with_part_mask(s: Scene) -> list[str]:
    part = np.zeros((96, 96), dtype=np.uint8)
    part[20:40] = 255
    return s.edit(mask=label_png(s, "bad.png", part))


def with_jpeg_mask(s: Scene) -> list[str]:
    Image.open(s.file("mask.png")).convert("L").save(s.file("bad.jpg"))
    return s.edit(mask=s.file("bad.jpg"))


def with_transparent_mask(s: Scene) -> list[str]:
    return s.edit(mask=label_png(s, "bad.png", np.zeros((96, 96, 4), dtype=np.uint8)))


def with_narrow_edited_mask(s: Scene) -> list[str]:
    return s.edit(edited=label_png(s, "bad.png", np.ones((96, 48), dtype=np.uint8)))


def with_cropped_mask(s: Scene) -> list[str]:
    cropped = label_png(s, "bad.png", np.ones((96, 60), dtype=np.uint8))
    return s.edit(mask=cropped, edited=cropped)


def with_a_pipe(s: Scene) -> list[str]:
    os.mkfifo(s.file("pipe.png"))
    return s.edit(image=s.file("pipe.png"))


def with_two_masks_of_one_name(s: Scene) -> list[str]:
    s.file("other").mkdir()
    (s.file("other") / "mask.png").write_bytes(s.file("mask.png").read_bytes())
    return ["labels", "convert", str(s.file("mask.png")), str(s.file("other") / "mask.png"), "-o", str(s.file("out"))]


def with_truncated_picture(s: Scene) -> list[str]:
    whole = s.file("image.png").read_bytes()
    return s.edit(image=s.write("bad.png", whole[: len(whole) // 2]))


def with_truncated_weights(s: Scene) -> list[str]:
    return s.edit(weights=s.write("bad.safetensors", s.weights.read_bytes()[:-1000]))


def with_foreign_weights(s: Scene) -> list[str]:
    save_file({"x": torch.zeros(3)}, s.file("bad.safetensors"))
    return s.edit(weights=s.file("bad.safetensors"))


def with_weights_of_another_kind(s: Scene) -> list[str]:
    run = s.file("run")
    arguments = ["--data", "synthetic:2:64", "--preset", "tiny", "--images", "2", "--batch-size", "2", "--workers", "1"]
    assert main(["train", "parser", "--run", str(run), *arguments]) == 0
    return s.edit(weights=run / "parser.safetensors")


class Malicious:
    """Runs code when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (os.mkdir, (str(self.mark),))


def with_pickled_code(s: Scene) -> list[str]:
    torch.save({"model.1.weight": Malicious(s.file("executed"))}, s.file("bad.pth"))
    return ["import-reference", str(s.file("bad.pth")), str(s.file("out.safetensors"))]


def with_bare_pickled_code(s: Scene) -> list[str]:
    bad = s.write("bad.pth", pickle.dumps(Malicious(s.file("executed"))))
    return ["import-reference", str(bad), str(s.file("out.safetensors"))]


def with_reference_of_other_names(s: Scene) -> list[str]:
    torch.save({"conv.weight": torch.zeros(3, 3)}, s.file("bad.pth"))
    return ["import-reference", str(s.file("bad.pth")), str(s.file("out.safetensors"))]


def without_part_folders(s: Scene) -> list[str]:
    (s.file("celeba") / "CelebA-HQ-img").mkdir(parents=True)
    write_picture(s.file("celeba") / "CelebA-HQ-img" / "0.jpg", np.zeros((64, 64, 3), dtype=np.uint8))
    return ["prepare", str(s.file("celeba")), str(s.file("prepared"))]


def with_duplicate_ids(s: Scene) -> list[str]:
    write_celebamask(s.file("celeba"), 2, 64, 0)
    pictures = s.file("celeba") / "CelebA-HQ-img"
    (pictures / "0.png").write_bytes((pictures / "0.jpg").read_bytes())
    return ["prepare", str(s.file("celeba")), str(s.file("prepared"))]


def with_nothing_to_prepare(s: Scene) -> list[str]:
    s.file("celeba").mkdir()
    return ["prepare", str(s.file("celeba")), str(s.file("prepared"))]


def train(s: Scene, *more: str) -> list[str]:
    return ["train", "dense-mapping", "--preset", "tiny", "--run", str(s.file("run")), *more]


def train_attributes(s: Scene) -> list[str]:
    return ["train", "attributes", "--data", str(s.folder), "--preset", "tiny", "--run", str(s.file("run"))]


def evaluate(*more: str) -> list[str]:
    return ["evaluate", "--task", "interactive", "--data", "synthetic:2:64", "--side", "64", *more]


def with_half_a_pair_in_a_shard(s: Scene) -> list[str]:
    with tarfile.open(s.file("bad.tar"), "w") as shard:
        entry = tarfile.TarInfo("00000.jpg")
        entry.size = 3
        shard.addfile(entry, io.BytesIO(b"abc"))
    return train(s, "--data", str(s.file("bad.tar")))


def into_a_folder_without_permission(s: Scene) -> list[str]:
    s.file("locked").mkdir(mode=0o500)
    return s.edit(out=s.file("locked") / "out.png")


def with_an_unreadable_picture(s: Scene) -> list[str]:
    s.file("image.png").chmod(0)
    return s.edit()


NEEDS_PERMISSIONS = {"an unreadable picture", "no write permission"}

CASES: dict[str, tuple[Callable[[Scene], list[str]], str]] = {
    "no such picture": (lambda s: s.edit(image=s.file("absent.png")), r"absent\.png: no such file"),
    "empty picture": (lambda s: s.edit(image=s.write("bad.png", b"")), r"bad\.png: not a picture"),
    "a text file": (lambda s: s.edit(image=s.write("bad.png", b"hello" * 99)), r"bad\.png: not a picture"),
    "truncated picture": (with_truncated_picture, r"bad\.png: damaged or cut off"),
    "1x1 picture": (lambda s: s.edit(image=s.write("bad.png", png_header(1, 1))), r"1x1 is too small"),
    "20,000x20,000": (lambda s: s.edit(image=s.write("bad.png", png_header(20000, 20000))), r"too large"),
    "a folder as picture": (lambda s: s.edit(image=s.folder), r"is a folder; a file is needed"),
    "an unreadable picture": (with_an_unreadable_picture, r"image\.png: cannot be read: permission denied"),
    "value 200": (with_value_200, r"bad\.png: value 200 at row 5, column 6"),
    "foreign colours": (with_foreign_colours, r"bad\.png: colour .* stands for no class"),
    "a black-and-white part": (with_part_mask, r"bad\.png: a black-and-white mask shows one part"),
    "a JPEG mask": (with_jpeg_mask, r"bad\.jpg: a JPEG mask has blurred labels"),
    "a transparent mask": (with_transparent_mask, r"bad\.png: a mask must not be transparent"),
    "edited mask of other proportions": (with_narrow_edited_mask, r"bad\.png: the mask is 48x96 and the picture 96x96"),
    "mask of another shape": (with_cropped_mask, r"the mask is 60x96 and the picture 96x96"),
    "the picture as output": (lambda s: s.edit(out=s.file("image.png")), r"image\.png: is one of the inputs"),
    "a mask as output": (lambda s: s.edit(out=s.folder / "." / "mask.png"), r"mask\.png: is one of the inputs"),
    "several pictures and one mask": (
        lambda s: [*s.edit(), str(s.file("edited.png"))],
        r"mask\.png: for several images a folder of masks is needed",
    ),
    "a named pipe": (with_a_pipe, r"pipe\.png: is a named pipe, not a file"),
    "a PostScript file": (
        lambda s: s.edit(image=s.write("bad.png", b"%!PS-Adobe-3.0 EPSF-3.0\n{ } loop\n" * 9)),
        r"bad\.png: not a picture",
    ),
    "overlay and mask of one name": (
        lambda s: ["parse", str(s.file("image.png")), *("-o", str(s.file("o.png")), "--overlay", str(s.file("o.png")))],
        r"o\.png: would be written twice",
    ),
    "two masks of one name": (with_two_masks_of_one_name, r"mask\.png: would be written twice"),
    "a mask converted into itself": (
        lambda s: ["labels", "convert", str(s.file("mask.png")), "-o", str(s.file("mask.png"))],
        r"mask\.png: is one of the inputs",
    ),
    "an empty folder": (
        lambda s: ["parse", str(s.file("dir.png")), "-o", str(s.file("out"))],
        r"dir\.png: holds no pictures",
    ),
    "unknown label order": (lambda s: [*s.edit(), "--order", "alphabet"], r"unknown label order 'alphabet'"),
    "no such output folder": (lambda s: s.edit(out=s.file("no") / "a.png"), r"no: no such folder"),
    "a folder as output": (lambda s: s.edit(out=s.folder / "dir.png"), r"dir\.png: is a folder"),
    "a folder as output, named without suffix": (lambda s: s.edit(out=s.folder), r": is a folder; give the name of"),
    "output of unknown type": (lambda s: s.edit(out=s.file("out.xyz")), r"out\.xyz: cannot write \.xyz"),
    "no write permission": (
        into_a_folder_without_permission,
        r"out\.png: cannot be written: permission denied",
    ),
    "no such weights": (lambda s: s.edit(weights=s.file("no.safetensors")), r"no\.safetensors: no such file"),
    "truncated weights": (with_truncated_weights, r"bad\.safetensors: "),
    "foreign weights": (with_foreign_weights, r"bad\.safetensors: "),
    "weights of another kind": (with_weights_of_another_kind, r"parser\.safetensors: .*parser"),
    "a .pth as weights": (lambda s: s.edit(weights=s.write("a.pth", b"PK\3\4")), r"a\.pth: .*import-reference"),
    "pickled code": (with_pickled_code, r"bad\.pth: "),
    "bare pickled code": (with_bare_pickled_code, r"bad\.pth: "),
    "reference of other names": (with_reference_of_other_names, r"bad\.pth: .*conv\.weight"),
    "missing part folders": (without_part_folders, r"CelebAMask-HQ-mask-anno"),
    "duplicate ids": (with_duplicate_ids, r"0\.(jpg|png)"),
    "nothing to prepare": (with_nothing_to_prepare, r"celeba"),
    "no such data": (lambda s: train(s, "--data", str(s.file("no*.tar"))), r"no\*\.tar: no such"),
    "half a pair in a shard": (with_half_a_pair_in_a_shard, r"bad\.tar: 00000"),
    "a tar that is none": (lambda s: train(s, "--data", str(s.write("a.tar", b"x" * 999))), r"a\.tar: not an uncompr"),
    "unknown keys": (lambda s: train(s, "--data", "synthetic:4:64", "--keys", "zzz"), r"'zzz': no such keys"),
    "unknown preset": (lambda s: [*train(s, "--data", "synthetic:2:64"), "--preset", "big"], r"unknown preset 'big'"),
    "an unknown field of the network": (
        lambda s: [*train(s, "--data", "synthetic:2:64"), "--network", "backbone.foo=3"],
        r"'backbone\.foo=3' is not NAME=VALUE; names are .*backbone\.outer_kernel.*style_encoder\.regions",
    ),
    "minutes and images": (
        lambda s: train(s, "--data", "synthetic:2:64", "--minutes", "1", "--images", "5"),
        r"--minutes and --images exclude each other",
    ),
    "no such weights to start from": (
        lambda s: train(s, "--data", "synthetic:2:64", "--init-weights", str(s.file("face.safetensors"))),
        r"face\.safetensors: no such file",
    ),
    "no such perceptual file": (
        lambda s: train(s, "--data", "synthetic:2:64", "--perceptual", str(s.file("vgg.pth"))),
        r"vgg\.pth: no such file",
    ),
    "nothing to parse": (
        lambda s: ["parse", str(s.file("no.jpg")), "-o", str(s.file("out.png"))],
        r"no\.jpg: no such file",
    ),
    "a mask as JPEG": (
        lambda s: ["parse", str(s.file("image.png")), "-o", str(s.file("out.jpg"))],
        r"out\.jpg: label maps are PNG files",
    ),
    "a system without a name": (lambda s: evaluate("--system", str(s.weights)), r"write NAME=PATH"),
    "a group of nobody": (
        lambda _: evaluate("--task", "groups", "--by", "Male,glasses"),
        r"--by: 'glasses' is no attribute of CelebA; write Eyeglasses$",
    ),
    "two systems of one name": (
        lambda s: evaluate("--system", f"a={s.weights}", "--system", f"a={s.weights}"),
        r"the name 'a' is taken",
    ),
    "a system that is nowhere": (lambda _: evaluate("--system", "a=no.safetensors"), r"no\.safetensors: no such"),
    "a folder of answers that is empty": (
        lambda s: evaluate("--system", f"a={s.file('dir.png')}"),
        r"00000-smile\.jpg: no such file",
    ),
    "no Inception": (
        lambda s: evaluate("--inception", str(s.write("inception.pt", b"none"))),
        r"inception\.pt: is no Inception file for FID",
    ),
    "a grid that cannot be written": (
        lambda s: evaluate("--grid", str(s.file("no") / "sheet.png")),
        r"no: no such folder",
    ),
    "a base that is nowhere": (
        lambda s: [*train(s, "--data", "synthetic:4:64"), "--init-run", str(s.file("b"))],
        r"b: holds no run of 'maskgan train' to start from",
    ),
    "a stream of nothing": (
        lambda s: [*train(s, "--data", str(s.file("no.tar"))), "--stream"],
        r"no\.tar: no such tar file",
    ),
    "labels that are nowhere": (
        lambda s: [*train_attributes(s), "--table", str(s.file("no.csv"))],
        r"no\.csv: no such file",
    ),
    "labels of another form": (
        lambda s: [*train_attributes(s), "--table", str(s.write("t.csv", b"key,Male\na,1\n"))],
        r"t\.csv: has no column",
    ),
    "a missing option": (lambda s: ["edit", str(s.file("image.png"))], r"Missing option '-o' / '--output'"),
    "nothing to edit": (
        lambda s: ["edit", str(s.file("image.png")), "--mask", "m.png", "-o", "o.png"],
        r"nothing to do: give --edited, .* or --style",
    ),
    "a style without its mask": (
        lambda s: [*s.edit(), "--style", "her.png"],
        r"--style and --style-mask belong together",
    ),
    "parts of no style": (
        lambda s: [*s.edit(), "--style-parts", "hair"],
        r"--style-parts has no effect without --style",
    ),
    "an unknown command": (lambda _: ["paint"], r"No such command 'paint'"),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_ends_in_one_line(name: str, scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    if name in NEEDS_PERMISSIONS and os.geteuid() == 0:
        pytest.skip("root may read and write everything")
    command, message = CASES[name]
    (scene.folder / "dir.png").mkdir()
    arguments = command(scene)
    before = sorted(scene.folder.rglob("*"))
    capsys.readouterr()
    assert main(arguments) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1, errors
    assert errors[0].startswith("maskgan: error: ")
    assert re.search(message, errors[0]), errors[0]
    assert [p for p in sorted(scene.folder.rglob("*")) if p not in before and p.is_file()] == []
    assert not (scene.folder / "executed").exists()


def test_another_label_order_is_warned_of_in_one_line(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    from maskgan.assets import portrait
    from maskgan.images import read_label_map
    from maskgan.labels import convert_order

    picture, mask = portrait(7)
    other = convert_order(read_label_map(mask), "celebamask-hq", "face-parsing")
    write_label_map(scene.file("other.png"), other)
    arguments = scene.edit(image=picture, mask=scene.file("other.png"), edited=mask)
    assert main(arguments) == 0
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 1 and "other.png" in warnings[0] and "--order face-parsing" in warnings[0]


def test_a_full_disk_is_named_and_keeps_the_old_result(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.write("out.png", b"the old result")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    assert main(scene.edit()) == 2
    assert "out.png: cannot be written: no space left on device" in capsys.readouterr().err
    assert scene.file("out.png").read_bytes() == b"the old result"
    assert not list(scene.folder.glob(".*"))


def test_a_fault_of_ours_has_exit_code_1(
    scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken\nin two lines")

    monkeypatch.setattr("maskgan.images.read_source", broken)
    assert main(scene.edit()) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1 and "internal error: RuntimeError: broken" in errors[0]


@pytest.mark.parametrize(
    "command", [[], ["edit"], ["style-copy"], ["train", "dense-mapping"], ["prepare"], ["evaluate"]]
)
def test_help_needs_no_torch(command: list[str]) -> None:
    code = (
        "import sys\n"
        "from maskgan.cli.main import main\n"
        f"assert main({[*command, '--help']!r}) == 0\n"
        "heavy = {'torch', 'numpy', 'PIL', 'safetensors'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: maskgan" in done.stdout


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "style-copy" in capsys.readouterr().out
