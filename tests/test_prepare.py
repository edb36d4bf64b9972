"""``maskgan prepare``: what it writes, that it can be stopped and run again, and what it says of damage."""

from __future__ import annotations

import csv
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from maskgan.cli import make_synthetic
from maskgan.cli import prepare as prepare_command
from maskgan.data.annotations import ATTRIBUTE_FILE
from maskgan.data.celebamask import CelebAMaskHQ
from maskgan.data.inspection import check_prepared, check_source
from maskgan.data.open_dataset import open_pairs
from maskgan.data.pairs import select
from maskgan.data.prepare import prepare
from maskgan.data.synthetic import export
from maskgan.data.writers import PrepareOptions
from maskgan.errors import MaskGANError, UserError
from maskgan.labels import convert_order


@pytest.fixture
def source(tmp_path: Path) -> Path:
    export.write_celebamask(tmp_path / "cm", 6, size=64)
    return tmp_path / "cm"


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    files = [path for name in ("images", "masks", "shards") for path in (folder / name).glob("[!.]*")]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def test_output_equals_the_source(source: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = prepare(
        source, tmp_path / "out", jobs=2, previews=2, progress=lambda done, all_: seen.append((done, all_))
    )
    out = tmp_path / "out"
    assert (report.found, report.prepared, report.written, report.damaged) == (6, 6, 6, [])
    assert seen == [(i, 6) for i in range(1, 7)]
    for made, original in zip(open_pairs(str(out)), CelebAMaskHQ(source), strict=True):
        assert made.key == original.key
        np.testing.assert_array_equal(made.picture, original.picture)
        np.testing.assert_array_equal(made.label_map, original.label_map)
    assert len(list((out / "previews").glob("*.png"))) == 2
    assert json.loads((out / "report.json").read_text())["splits"] == {"train": 4, "val": 1, "test": 1}
    assert check_prepared(out, jobs=1) == []


def test_split_lists_and_attributes(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(source, out, jobs=1)
    assert (out / "splits" / "val.txt").read_text() == "00001\n"
    assert (out / "splits" / "test.txt").read_text() == "00002\n"
    train = select(open_pairs(str(out)), str(out / "splits" / "train.txt"))
    assert list(train.keys) == ["00000", "00003", "00004", "00005"]
    with open(out / "attributes.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 6 and len(rows[0]) == 44 and list(rows[0])[-3:] == ["yaw", "pitch", "roll"]
    assert rows[3]["key"] == "00003" and rows[3]["Smiling"] in ("-1", "1")


def test_size_shrinks_and_never_enlarges(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "small", PrepareOptions(size=24), jobs=1)
    pair = open_pairs(str(tmp_path / "small"))[0]
    assert pair.picture.shape == (24, 24, 3) and pair.label_map.shape == (24, 24)
    prepare(source, tmp_path / "large", PrepareOptions(size=500), jobs=1)
    pair = open_pairs(str(tmp_path / "large"))[0]
    assert pair.picture.shape == (64, 64, 3) and pair.label_map.shape == (32, 32)


def test_run_again_completes_and_rewrites_nothing(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def stop(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(source, out, jobs=1, progress=stop)
    before = _stamps(out)
    assert 4 <= len(before) < 12 and not (out / "report.json").exists()
    (out / "masks" / ".00005.zz.tmp.png").write_bytes(b"left by a killed run")
    report = prepare(source, out, jobs=1)
    after = _stamps(out)
    assert report.prepared == 6 and report.written == 6 - len(before) // 2 and len(after) == 12
    assert {name: after[name] for name in before} == before
    assert prepare(source, out, jobs=1).written == 0 and _stamps(out) == after


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--shards", "5"]])
def test_killed_and_run_again(tmp_path: Path, options: list[str]) -> None:
    export.write_celebamask(tmp_path / "cm", 40, size=128)
    arguments = [sys.executable, "-m", "maskgan", "prepare", "cm", "out", "--jobs", "2", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(arguments, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    begun = "shards/[!.]*" if options else "masks/[!.]*"
    deadline = time.monotonic() + 60
    while not list((tmp_path / "out").glob(begun)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    before = _stamps(tmp_path / "out")
    subprocess.run(arguments, cwd=tmp_path, env=environment, check=True, stderr=subprocess.PIPE)
    after = _stamps(tmp_path / "out")
    assert before and {name: after[name] for name in before} == before
    assert len(open_pairs(str(tmp_path / "out"))) == 40
    assert not list((tmp_path / "out").rglob(".*.tmp*"))


def test_shards_hold_the_same_pairs_and_repeat(source: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        prepare(source, tmp_path / name, PrepareOptions(pairs_per_shard=4), jobs=1)
    one, two = (sorted((tmp_path / name / "shards").iterdir()) for name in ("one", "two"))
    assert [path.name for path in one] == ["faces-00000.tar", "faces-00001.tar"]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    for made, original in zip(open_pairs(str(tmp_path / "one")), CelebAMaskHQ(source), strict=True):
        np.testing.assert_array_equal(made.picture, original.picture)
        np.testing.assert_array_equal(made.label_map, original.label_map)
    two[1].unlink()
    before = _stamps(tmp_path / "two")
    assert prepare(source, tmp_path / "two", PrepareOptions(pairs_per_shard=4), jobs=1).written == 2
    assert {name: _stamps(tmp_path / "two")[name] for name in before} == before


@pytest.mark.parametrize("options", [PrepareOptions(), PrepareOptions(pairs_per_shard=4)])
def test_damaged_pairs_are_left_out_and_reported(source: Path, tmp_path: Path, options: PrepareOptions) -> None:
    picture = source / "CelebA-HQ-img" / "1.jpg"
    picture.write_bytes(picture.read_bytes()[:300])
    for path in (source / "CelebAMask-HQ-mask-anno" / "0").glob("00004_*"):
        path.unlink()
    for _ in range(2):  # the report names them when the rest is there already, too
        report = prepare(source, tmp_path / "out", options, jobs=1)
        assert report.prepared == 4 and [issue.key for issue in report.damaged] == ["00001", "00004"]
        assert "1.jpg" in report.damaged[0].reason and "no part" in report.damaged[1].reason
    assert list(open_pairs(str(tmp_path / "out")).keys) == ["00000", "00002", "00003", "00005"]
    assert (tmp_path / "out" / "splits" / "val.txt").read_text() == ""


def test_nothing_whole_is_an_error(source: Path, tmp_path: Path) -> None:
    for path in (source / "CelebA-HQ-img").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match="none of 6 pairs is whole"):
        prepare(source, tmp_path / "out", jobs=1)


def test_outputs_are_never_mixed(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "out", jobs=1)
    with pytest.raises(UserError, match="was prepared with full size, now asked for --size 32"):
        prepare(source, tmp_path / "out", PrepareOptions(size=32), jobs=1)
    with pytest.raises(UserError, match="holds something that prepare did not write"):
        prepare(source, source, jobs=1)
    shutil.copy(tmp_path / "out" / "images" / "00000.jpg", tmp_path / "out" / "images" / "00099.jpg")
    with pytest.raises(UserError, match=r"00099\.jpg: not a picture of this source"):
        prepare(source, tmp_path / "out", jobs=1)


@pytest.mark.parametrize("name", ["=cmd", "+1", "@SUM", "-2", "a|b"])
def test_attribute_names_that_a_spreadsheet_would_run_are_refused(source: Path, tmp_path: Path, name: str) -> None:
    path = source / ATTRIBUTE_FILE
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[1] = " ".join([name, *lines[1].split()[1:]])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=rf"{ATTRIBUTE_FILE}: attribute {re.escape(repr(name))}"):
        prepare(source, tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_faults_of_the_text_files_are_found_first(source: Path, tmp_path: Path) -> None:
    (source / "CelebA-HQ-to-CelebA-mapping.txt").write_text("idx orig_idx orig_file\n0 5\n")
    with pytest.raises(UserError, match=r"mapping\.txt:2: expected"):
        prepare(source, tmp_path / "out", jobs=1)
    (source / "CelebA-HQ-to-CelebA-mapping.txt").write_text("idx orig_idx orig_file\n99 5 000006.jpg\n")
    with pytest.raises(UserError, match=r"mapping\.txt: has no row for any of the pictures"):
        prepare(source, tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_without_the_mapping_there_are_no_split_lists(
    source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (source / "CelebA-HQ-to-CelebA-mapping.txt").unlink()
    with caplog.at_level(logging.WARNING, logger="maskgan"):
        report = prepare(source, tmp_path / "out", jobs=1)
    assert "mapping.txt: no such file" in caplog.text
    assert (report.prepared, report.splits, report.unlisted) == (6, {}, 6)
    assert not (tmp_path / "out" / "splits").exists() and check_prepared(tmp_path / "out", jobs=1) == []


def test_check_of_an_output(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(source, out, jobs=1)
    (out / "masks" / "00002.png").write_bytes(b"nonsense")
    (out / "images" / "00003.jpg").unlink()
    assert {(f.kind, f.key) for f in check_prepared(out, jobs=1)} == {("damaged", "00002"), ("missing", "00003")}


def test_commands(tmp_path: Path) -> None:
    runner = CliRunner()
    cm, out = tmp_path / "cm", tmp_path / "out"
    run = runner.invoke(make_synthetic.command, [str(cm), "--count", "3", "--size", "64", "--form", "celebamask"])
    assert run.exit_code == 0, run.output
    result = runner.invoke(prepare_command.command, [str(cm), str(out), "--jobs", "1"])
    assert result.exit_code == 0 and "3 of 3 pairs (3 new): 1 train, 1 val, 1 test" in result.output
    assert runner.invoke(prepare_command.command, [str(cm), "--check", "--jobs", "1"]).exit_code == 0
    (cm / "CelebA-HQ-img" / "0.jpg").write_bytes(b"nonsense")
    result = runner.invoke(prepare_command.command, [str(cm), "--check", "--jobs", "1"])
    assert isinstance(result.exception, MaskGANError) and result.exception.exit_code == 1
    assert "damaged: " in result.output and "1 damaged" in str(result.exception)
    assert isinstance(runner.invoke(prepare_command.command, [str(cm)]).exception, UserError)
    again = runner.invoke(make_synthetic.command, [str(cm), "--count", "3"])
    assert isinstance(again.exception, UserError) and "not empty" in str(again.exception)


def _unpacked(source: Path, form: str) -> None:
    """The same data set, unpacked or converted otherwise."""
    base = source / "CelebAMask-HQ-mask-anno"
    parts = sorted(base.glob("0/*.png"))
    if form == "flat parts":
        for path in parts:
            path.rename(base / path.name)
    elif form == "no leading zeros":
        for path in parts:
            number, name = path.name.split("_", 1)
            path.rename(path.with_name(f"{int(number)}_{name}"))
    elif form == "upper case":
        for path in parts:
            path.rename(path.with_name(path.name.upper()))
    elif form == "BMP":
        for path in parts:
            Image.open(path).save(path.with_suffix(".bmp"))
            path.unlink()
    else:
        folder, order = form.split(", ")
        (source / folder).mkdir()
        for number, pair in enumerate(CelebAMaskHQ(source)):
            label_map = convert_order(pair.label_map, "celebamask-hq", order)
            Image.fromarray(label_map).save(source / folder / f"{number}.png")
        shutil.rmtree(base)


@pytest.mark.parametrize(
    "form",
    [
        *("flat parts", "no leading zeros", "upper case", "BMP", "CelebAMask-HQ-mask, celebamask-hq"),
        *("CelebAMaskHQ-mask, celebamask-hq", "mask, face-parsing"),
    ],
)
@pytest.mark.parametrize("shards", [None, 4])
def test_data_unpacked_otherwise_gives_the_same(source: Path, tmp_path: Path, form: str, shards: int | None) -> None:
    expected = [(pair.key, pair.label_map) for pair in CelebAMaskHQ(source)]
    _unpacked(source, form)
    order = "face-parsing" if "face-parsing" in form else "auto"
    report = prepare(source, tmp_path / "out", PrepareOptions(pairs_per_shard=shards, order=order), jobs=1)
    assert (report.prepared, report.damaged, report.unused, report.empty) == (6, [], [], [])
    assert check_source(source, 1, order="celebamask-hq" if order == "auto" else order) == []
    for made, (key, label_map) in zip(open_pairs(str(tmp_path / "out")), expected, strict=True):
        assert made.key == key
        np.testing.assert_array_equal(made.label_map, label_map)


def test_parts_have_no_label_order(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--order face-parsing: the masks of .* are parts"):
        prepare(source, tmp_path / "out", PrepareOptions(order="face-parsing"), jobs=1)


def test_joined_masks_that_are_missing_or_empty_are_damage(source: Path, tmp_path: Path) -> None:
    _unpacked(source, "CelebAMask-HQ-mask, celebamask-hq")
    (source / "CelebAMask-HQ-mask" / "1.png").unlink()
    Image.new("L", (32, 32)).save(source / "CelebAMask-HQ-mask" / "2.png")
    report = prepare(source, tmp_path / "out", jobs=1)
    assert [issue.key for issue in report.damaged] == ["00001", "00002"] and report.prepared == 4
    assert "1.jpg: no mask in " in report.damaged[0].reason
    assert "2.png: is all background" in report.damaged[1].reason


@pytest.mark.parametrize("options", [PrepareOptions(), PrepareOptions(pairs_per_shard=4)])
def test_empty_parts_are_named_and_counted(source: Path, tmp_path: Path, options: PrepareOptions) -> None:
    parts = source / "CelebAMask-HQ-mask-anno" / "0"
    black = Image.new("L", (32, 32))
    black.save(parts / "00001_hair.png")
    for path in parts.glob("00003_*"):
        black.save(path)
    for _ in range(2):  # the second report names them, too, though nothing is read again
        report = prepare(source, tmp_path / "out", options, jobs=1)
        assert [issue.key for issue in report.damaged] == ["00003"]
        assert re.search(r"3\.jpg: all its \d+ parts are empty", report.damaged[0].reason)
        assert [(issue.kind, issue.key) for issue in report.empty] == [("empty", "00001")]
        assert "00001_hair.png: is all black" in report.empty[0].reason
    assert {("empty", "00001"), ("empty", "00003")} <= {(f.kind, f.key) for f in check_source(source, jobs=1)}


def test_misspelt_parts_are_named_counted_and_guessed(source: Path, tmp_path: Path) -> None:
    parts = source / "CelebAMask-HQ-mask-anno" / "0"
    for path in parts.glob("*_l_lip.png"):
        path.rename(path.with_name(path.name.replace("l_lip", "lower_lip")))
    for path in parts.glob("00002_*"):
        path.rename(path.with_name(path.name.replace("00002_", "00002_the_")))
    result = CliRunner().invoke(prepare_command.command, [str(source), str(tmp_path / "out"), "--jobs", "1"])
    assert result.exit_code == 0 and "5 of 6 pairs" in result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    misspelt = [issue["reason"] for issue in report["unused"] if "_the_" not in issue["reason"]]
    assert len(misspelt) == 5 and all("'lower_lip' may mean 'l_lip'" in reason for reason in misspelt)
    assert [issue["key"] for issue in report["damaged"]] == ["00002"]


def test_the_same_part_under_two_names_is_refused(source: Path) -> None:
    parts = source / "CelebAMask-HQ-mask-anno"
    shutil.copy(parts / "0" / "00001_skin.png", parts / "0" / "1_skin.png")
    with pytest.raises(UserError, match=r"00001_skin\.png is the same part of picture 1|1_skin\.png is the same part"):
        CelebAMaskHQ(source)
    shutil.move(parts / "0" / "1_skin.png", parts / "00001_skin.png")
    with pytest.raises(UserError, match="is the same part of picture 1; keep one of the two"):
        CelebAMaskHQ(source)
