"""Recipes over collections: what is written, what is left out, and that nothing depends on how the work is divided."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from maskgan.assets import portrait
from maskgan.bulk.requirements import parse_requirements
from maskgan.bulk.shards import find_shards, read_pictures
from maskgan.cli.main import main
from maskgan.errors import UserError
from maskgan.images import decode_label_map, decode_picture, read_picture, resize_picture, write_picture


@pytest.fixture(scope="module", autouse=True)
def parsed_quickly(quick_weights: Path) -> Iterator[None]:
    """How well masks are read decides nothing here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKGAN_WEIGHTS", str(quick_weights))
        yield


def jpeg(number: int, side: int = 128) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(resize_picture(read_picture(portrait(number)[0]), (side, side))).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def write_tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def read_tar(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def write_recipe(path: Path, *edits: tuple[str, float | str], face: str = "largest") -> Path:
    entries = [{"name": name, "amount": amount} for name, amount in edits]
    path.write_text(json.dumps({"format": "maskgan-recipe", "version": 1, "face": face, "edits": entries}))
    return path


def results(folder: Path) -> dict[str, bytes]:
    """All files of a run, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shards of two framed portraits each, and the recipes smile and red."""
    folder = tmp_path_factory.mktemp("collection")
    for number in range(3):
        keys = (2 * number + 1, 2 * number + 2)
        write_tar(folder / f"faces-{number}.tar", {f"{key:05d}.jpg": jpeg(key) for key in keys})
    write_recipe(folder / "smile.json", ("smile", 0.8))
    write_recipe(folder / "red.json", ("hair-colour", "red"), ("lips-fuller", 0.5))
    return folder


def command(collection: Path, weights: Path, output: Path, *more: str) -> list[str]:
    recipes = [text for name in ("smile", "red") for text in ("--recipe", str(collection / f"{name}.json"))]
    fixed = ["--framed", "--weights", str(weights), "--device", "cpu"]
    return ["bulk", str(collection / "faces-{0..2}.tar"), *recipes, "-o", str(output), *fixed, *more]


@pytest.fixture(scope="module")
def unbroken(collection: Path, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run in one process."""
    output = tmp_path_factory.mktemp("unbroken") / "out"
    assert main(command(collection, tiny_weights, output, "--processes", "1")) == 0
    return results(output)


def test_one_shard_gives_one_shard(collection: Path, unbroken: dict[str, bytes], tmp_path: Path) -> None:
    assert sorted(unbroken) == sorted(
        ["bulk.json", *(f"faces-{n}.{end}" for n in range(3) for end in ("report.json", "tar"))]
    )
    (tmp_path / "0.tar").write_bytes(unbroken["faces-0.tar"])
    files = read_tar(tmp_path / "0.tar")
    parts = ("jpg", "region.png", "before.png", "after.png", "json")
    assert list(files) == [
        f"{key}+{name}.{part}" for key in ("00001", "00002") for name in ("smile", "red") for part in parts
    ]
    told = json.loads(files["00001+smile.json"])
    assert told["key"] == "00001" and told["recipe"] == "smile" and (told["width"], told["height"]) == (128, 128)
    assert -1 <= told["identity"] <= 1 and 0 <= told["agreement"] <= 1 and told["found"] in (True, False)
    (face,) = told["faces"]
    assert face["frame"] == {"x": 64.0, "y": 64.0, "side": 128, "angle": 0.0}
    assert "No_Beard" in face["attributes_before"] or "Male" in face["attributes_before"]
    before, after = (decode_label_map(io.BytesIO(files[f"00001+smile.{n}.png"]), n) for n in ("before", "after"))
    assert before.shape == (128, 128) and (before != after).any()
    region = np.asarray(Image.open(io.BytesIO(files["00001+smile.region.png"])))
    assert region.shape == (128, 128) and region.mean() == pytest.approx(told["changed"], abs=1e-5) and region.any()
    source, edited = (
        decode_picture(io.BytesIO(data), "picture").astype(int) for data in (jpeg(1), files["00001+smile.jpg"])
    )
    assert np.abs(source - edited)[~region].mean() < 1 < np.abs(source - edited)[region].mean()
    report = json.loads(unbroken["faces-0.report.json"])
    read = report.pop("input")
    assert report == {"shard": "faces-0", "pictures": 2, "samples": 4, "filtered": 0, "failures": []}
    assert read == find_shards([str(collection / "faces-0.tar")], 9)[0].fingerprint() and read["files"] == 1
    record = json.loads(unbroken["bulk.json"])
    assert record["recipes"]["smile"]["edits"] == [{"name": "smile", "amount": 0.8}]
    assert {"dense-mapping", "parser", "identity", "attributes"} <= set(record["weights"])


def test_two_processes_give_the_same_files(
    collection: Path, tiny_weights: Path, unbroken: dict[str, bytes], tmp_path: Path
) -> None:
    assert main(command(collection, tiny_weights, tmp_path / "out", "--processes", "2")) == 0
    assert results(tmp_path / "out") == unbroken


def test_the_processes_of_torchrun_give_the_same_files(
    collection: Path,
    tiny_weights: Path,
    unbroken: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank, done in (("1", "1 of 3 shards"), ("0", "2 of 3 shards")):
        monkeypatch.setenv("RANK", rank)
        assert main(command(collection, tiny_weights, tmp_path / "out")) == 0
        assert done in capsys.readouterr().out
    assert results(tmp_path / "out") == unbroken


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_ray_gives_the_same_files(
    collection: Path, tiny_weights: Path, unbroken: dict[str, bytes], tmp_path: Path
) -> None:
    assert main(command(collection, tiny_weights, tmp_path / "out", "--engine", "ray", "--processes", "2")) == 0
    assert results(tmp_path / "out") == unbroken


def test_the_same_command_again_does_what_is_missing(
    collection: Path,
    tiny_weights: Path,
    unbroken: dict[str, bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    for name, content in unbroken.items():
        if not name.startswith("faces-1"):
            (output / name).write_bytes(content)
    (output / ".faces-1.tar.partial").write_bytes(b"cut off by kill -9")
    assert main(command(collection, tiny_weights, output, "--processes", "1")) == 0
    assert "1 of 3 shards (2 were done), 2 photographs, 4 results" in capsys.readouterr().out
    assert results(output) == unbroken
    assert main(command(collection, tiny_weights, output)) == 0
    assert "0 of 3 shards (3 were done)" in capsys.readouterr().out


@pytest.mark.slow
def test_killed_at_random_the_result_is_that_of_an_unbroken_run(
    collection: Path, tiny_weights: Path, unbroken: dict[str, bytes], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    arguments = [sys.executable, "-m", "maskgan", *command(collection, tiny_weights, output, "--processes", "2")]
    source = random.Random(0)
    for begun in ("*.partial", "*.tar"):  # once inside the first shards, once when one is complete
        process = subprocess.Popen(
            arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        while process.poll() is None and not list(output.glob(begun)):
            time.sleep(0.02)
        time.sleep(source.uniform(0, 0.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # Its processes may take a moment to end, and hold their shards until then.
        for lock in output.glob(".*.lock"):
            with FileLock(lock, timeout=30):
                pass
    assert main(command(collection, tiny_weights, output, "--processes", "1")) == 0
    assert {name: data for name, data in results(output).items() if name[0] != "."} == unbroken


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums do not depend on how they are divided."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_results_are_those_of_maskgan_edit(tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASKGAN_WEIGHTS")  # longer hair needs a good mask
    canvas = np.full((320, 760, 3), 120, dtype=np.uint8)
    canvas[30:286, 10:266] = resize_picture(read_picture(portrait(7)[0]), (256, 256))
    canvas[80:272, 540:732] = resize_picture(read_picture(portrait(5)[0]), (192, 192))
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    write_picture(photographs / "two.png", canvas)
    recipe = write_recipe(
        tmp_path / "all.json", ("smile", 0.6), ("hair-longer", 0.5), ("lip-colour", "pink"), face="all"
    )
    rest = ["--recipe", str(recipe), "--weights", str(tiny_weights)]
    assert main(["edit", str(photographs / "two.png"), *rest, "-o", str(tmp_path / "edit.png")]) == 0
    assert main(["bulk", str(photographs), *rest, "-o", str(tmp_path / "out"), "--batch-size", "1"]) == 0
    files = read_tar(tmp_path / "out" / "photographs-00000.tar")
    assert "two+all.face2.after.png" in files
    np.testing.assert_array_equal(
        decode_picture(io.BytesIO(files["two+all.png"]), "two"), read_picture(tmp_path / "edit.png")
    )
    faces = json.loads(files["two+all.json"])["faces"]
    assert len(faces) == 2 and faces[0]["frame"]["side"] > faces[1]["frame"]["side"]


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_faces_are_drawn_anew_as_by_maskgan_edit(tmp_path: Path) -> None:
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    write_picture(photographs / "face.png", resize_picture(read_picture(portrait(7)[0]), (192, 192)))
    recipe = write_recipe(tmp_path / "anonymous.json", ("anonymise", "3:keep=eyes"), ("smile", 0.5))
    rest = ["--recipe", str(recipe), "-o"]
    assert main(["edit", str(photographs / "face.png"), *rest, str(tmp_path / "edit.png")]) == 0
    assert main(["bulk", str(photographs), *rest, str(tmp_path / "out"), "--batch-size", "1"]) == 0
    files = read_tar(tmp_path / "out" / "photographs-00000.tar")
    edited = decode_picture(io.BytesIO(files["face+anonymous.png"]), "face")
    np.testing.assert_array_equal(edited, read_picture(tmp_path / "edit.png"))
    drawn = json.loads(files["face+anonymous.json"])["faces"][0]["anonymised"]
    assert drawn["after"] < drawn["threshold"] < drawn["before"]


def test_what_cannot_be_edited_is_listed_and_counts(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grey = io.BytesIO()
    Image.new("RGB", (64, 96)).save(grey, "PNG")
    shard = tmp_path / "some.tar"
    write_tar(shard, {"a.jpg": jpeg(1), "b.jpg": jpeg(2)[:900], "c.png": grey.getvalue(), "a2.jpg": jpeg(3)})
    recipe = write_recipe(tmp_path / "smile.json", ("smile", 0.5))
    given = ["bulk", str(shard), "--recipe", str(recipe), "--weights", str(tiny_weights), "--framed"]
    assert main([*given, "-o", str(tmp_path / "out")]) == 1
    report = json.loads((tmp_path / "out" / "some.report.json").read_text())
    assert report["pictures"] == 4 and report["samples"] == 2
    assert [failure["key"] for failure in report["failures"]] == ["b", "c"]
    assert "truncated" in report["failures"][0]["error"] and "no framed face" in report["failures"][1]["error"]
    error = capsys.readouterr().err
    assert "some.tar: c: is 64x96" in error and "2 failures, listed in the .report.json files" in error
    assert main([*given, "-o", str(tmp_path / "out")]) == 1  # of a run before, they are not forgotten
    assert "2 failures (2 in shards done before)" in capsys.readouterr().err
    assert main([*given, "-o", str(tmp_path / "strict"), "--max-bad-samples", "1"]) == 2
    assert "some: over 1 pictures failed, the first b" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "strict").iterdir()] == ["bulk.json"]


def test_damaged_tars_are_told_and_done_when_they_are_mended(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    write_tar(folder / "cut.tar", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    whole = (folder / "cut.tar").read_bytes()
    (folder / "cut.tar").write_bytes(whole[: len(jpeg(1)) + 3000])
    write_tar(folder / "empty.tar", {})
    (folder / "junk.tar").write_bytes(b"no tar" * 999)
    (folder / "zero.tar").write_bytes(b"")
    recipe = write_recipe(tmp_path / "red.json", ("hair-colour", "red"))
    options = ["--weights", str(tiny_weights), "--framed", "--processes", "1"]
    given = ["bulk", str(folder), "--recipe", str(recipe), "-o", str(output), *options]
    assert main(given) == 1
    told, error = capsys.readouterr()
    assert "2 of 4 shards, 1 photographs, 1 results, 3 failures" in told
    assert "empty.tar: holds no pictures" in error and "cut.tar: the tar file is damaged or cut off" in error
    assert "1 failure, listed in the .report.json files; not done, because they cannot be read: junk.tar, zero" in error
    assert sorted(path.name for path in output.glob("*.tar")) == ["cut.tar", "empty.tar"]
    assert json.loads((output / "cut.report.json").read_text())["pictures"] == 1
    (folder / "cut.tar").write_bytes(whole)
    write_tar(folder / "junk.tar", {})
    (folder / "zero.tar").unlink()
    monkeypatch.setenv("WORLD_SIZE", "1")  # whose agent would end the other processes of a job
    assert main(given) == 0
    told, error = capsys.readouterr()
    assert "2 of 3 shards (1 were done), 2 photographs, 2 results" in told and "failures" not in told
    assert "done again, because their inputs have changed since: cut" in error
    assert set(read_tar(output / "cut.tar")) > {"a+red.jpg", "b+red.jpg"}
    (folder / "junk.tar").write_bytes(b"no tar")
    assert main(given) == 0 and "cannot be read: junk.tar" in capsys.readouterr().err


def test_a_shard_is_not_done_for_another_input(tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(b"1234")
        os.utime(folder / name, (1000, 1000))
    first = find_shards([str(folder)], 9)[0].fingerprint()
    assert (first["files"], first["bytes"]) == (2, 8)
    assert find_shards([str(folder)], 9)[0].fingerprint() == first
    os.utime(folder / "b.jpg", (1000, 1001))
    touched = find_shards([str(folder)], 9)[0].fingerprint()
    os.utime(folder / "b.jpg", (1000, 1000))
    (folder / "b.jpg").rename(folder / "c.jpg")
    renamed = find_shards([str(folder)], 9)[0].fingerprint()
    assert len({one["stat_sha256"] for one in (first, touched, renamed)}) == 3


def test_what_is_no_tar_is_no_collection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path / "smile.json", ("smile", 0.5))
    write_tar(tmp_path / "good.tar", {"k.jpg": b"x"})
    for name in ("junk.tar", "zero.tar"):
        (tmp_path / name).write_bytes(b"junk" * 200 * (name == "junk.tar"))
    for names, message in (
        (["good.tar", "smile.json"], "smile.json: no tar file, or a damaged one"),
        (["zero.tar"], "zero.tar: no tar file, or a damaged one (it is empty or too short)"),
        (["junk.tar", "zero.tar"], "none of the 1 others can be read either"),
    ):
        inputs = [str(tmp_path / name) for name in names]
        assert main(["bulk", *inputs, "--recipe", str(recipe), "-o", str(tmp_path / "out")]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1 and not (tmp_path / "out").exists()


def test_requirements_leave_results_out(collection: Path, tiny_weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert main(command(collection, tiny_weights, output, "--processes", "1", "--require", "changed>=1")) == 0
    assert json.loads((output / "faces-0.report.json").read_text())["filtered"] == 4
    assert read_tar(output / "faces-0.tar") == {}


def test_conditions_are_asked_of_what_was_measured() -> None:
    measured: dict[str, Any] = {"identity": 0.62, "agreement": None, "changed": 0.1, "found": True}

    def holds(text: str) -> bool:
        return all(requirement.holds(measured) for requirement in parse_requirements(text))

    assert holds("") and holds("identity>=0.5,edit=found") and holds("identity >= 0.62, changed<=0.1")
    assert not holds("identity>=0.7") and not holds("edit=missing") and not holds("agreement>=0")
    assert [str(one) for one in parse_requirements("identity>=0.50,edit=found")] == ["identity>=0.5", "edit=found"]
    for text in ("identity", "identity>=high", "identity=0.5", "edit=lost", "beauty>=1", "identity>=nan"):
        with pytest.raises(UserError, match="is no condition"):
            parse_requirements(text)


def test_other_settings_do_not_go_into_the_same_folder(
    collection: Path, tiny_weights: Path, unbroken: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bulk.json").write_bytes(unbroken["bulk.json"])
    assert main(command(collection, tiny_weights, tmp_path, "--batch-size", "3")) == 2
    assert "was begun with other settings (batch_size)" in capsys.readouterr().err
    (tmp_path / "bulk.json").unlink()
    (tmp_path / "x.tar").write_bytes(b"")
    assert main(command(collection, tiny_weights, tmp_path)) == 2
    assert "holds x.tar but no bulk.json" in capsys.readouterr().err


def test_shards_are_found_and_named(tmp_path: Path) -> None:
    for name in ("a-0.tar", "a-1.tar", "b.tar"):
        write_tar(tmp_path / name, {"k.jpg": b"x"})
    assert [s.name for s in find_shards([str(tmp_path / "a-{0..1}.tar"), str(tmp_path / "b*.tar")], 9)] == [
        "a-0",
        "a-1",
        "b",
    ]
    assert [s.name for s in find_shards([str(tmp_path)], 9)] == ["a-0", "a-1", "b"]
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for name in ("1.jpg", "2.png", "3.jpg", "3.png", "note.txt", ".hidden.jpg"):
        (photographs / name).write_bytes(name.encode())
    shards = find_shards([str(photographs)], 2)
    assert [shard.name for shard in shards] == ["photographs-00000", "photographs-00001"]
    assert [picture.data for shard in shards for picture in read_pictures(shard)] == [b"1.jpg", b"2.png", b"3.jpg"]
    for inputs, message in (
        (["a-{0..9}.tar"], "a-2.tar: no such file"),
        (["c.tar"], "c.tar: no such tar file, pattern or folder"),
        (["b.tar", "../" + tmp_path.name + "/b.tar"], "two inputs would become this shard"),
    ):
        with pytest.raises(UserError, match=message):
            find_shards([str(tmp_path / name) for name in inputs], 9)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds neither tar files nor photographs"):
        find_shards([str(tmp_path / "empty")], 9)


def test_pictures_of_a_tar_are_read_with_their_problems(tmp_path: Path) -> None:
    path = tmp_path / "s.tar"
    write_tar(
        path,
        {"a.jpg": b"1", "a.png": b"mask", "a.txt": b"", "b.png": b"2", "c.jpg": b"3", "c.webp": b"4", "d.cls": b""},
    )
    (shard,) = find_shards([str(path)], 9)
    read = list(read_pictures(shard))
    assert [(picture.key, picture.suffix, picture.data) for picture in read[:2]] == [
        ("a", ".jpg", b"1"),
        ("b", ".png", b"2"),
    ]
    assert read[2].problem == "has several pictures: .jpg, .webp" and len(read) == 3
    path.write_bytes(path.read_bytes()[:1538])
    assert "damaged or cut off" in (list(read_pictures(shard))[-1].problem or "")


@pytest.mark.parametrize(
    ("name", "message"), [("a.b.json", "may hold no '.' or '+'"), ("a+b.json", "may hold no '.' or '+'")]
)
def test_recipes_need_names_for_keys(
    name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path / name, ("smile", 0.5))
    assert main(["bulk", str(tmp_path), "--recipe", str(recipe), "-o", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
