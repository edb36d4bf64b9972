"""Tar files from anybody: what tarfile writes is read the same; what is no plain file is named, and costs nothing."""

from __future__ import annotations

import bz2
import gzip
import io
import logging
import lzma
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maskgan.data import stream_reader, streaming, tar_pairs
from maskgan.data.labelled import open_labelled
from maskgan.data.loading import Samples, pair_to_tensors
from maskgan.data.open_dataset import open_pairs
from maskgan.data.shards import encode_pair
from maskgan.data.streaming import ShardStream, StreamLoader
from maskgan.data.tar import MAX_FILE, DamagedTarError, TarReader, member_key
from maskgan.data.tar_pairs import ShardPairs, expand_shards
from maskgan.errors import UserError

GOOD = encode_pair("good", np.full((32, 32, 3), 50, np.uint8), np.full((32, 32), 5, np.uint8))
NAMES = ["a.jpg", "folder/b.png", "x" * 120 + "/" + "y" * 90 + ".jpg", "longer/" + "é" * 300 + ".png", "empty.txt"]


def tar_of(
    *files: tuple[tarfile.TarInfo | str, bytes], format: int = tarfile.PAX_FORMAT, **options: dict[str, str]
) -> bytes:
    """A tar of files; a ``TarInfo`` is written as it is."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format, **options) as shard:  # type: ignore[call-overload]
        for name, content in files:
            member = tarfile.TarInfo(name) if isinstance(name, str) else name
            member.size = len(content)
            shard.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def header(name: str, size: int, kind: bytes = b"0") -> bytes:
    """A header that says what it likes."""
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


class Pipe:
    """A stream that can only be read, in small parts, and counts what was asked of it."""

    def __init__(self, content: bytes) -> None:
        self._stream = io.BytesIO(content)
        self.largest = 0

    def read(self, count: int = -1) -> bytes:
        self.largest = max(self.largest, count)
        return self._stream.read(min(count, 700))

    def close(self) -> None: ...


PAIR = (("good.jpg", GOOD.picture), ("good.png", GOOD.label_map))
WHOLE = tar_of(*PAIR)


@pytest.mark.parametrize("open_stream", [io.BytesIO, Pipe])
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_tarfile_writes_is_read(format: int, open_stream: Callable[[bytes], io.BytesIO]) -> None:
    names = NAMES[:3] if format == tarfile.USTAR_FORMAT else NAMES
    files = [(name, bytes([number]) * number * 400) for number, name in enumerate(names)]
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    data = tar_of((folder, b""), *files, format=format)
    reader, found = TarReader(open_stream(data)), []
    for member in reader:
        content = reader.read()
        assert data[member.offset : member.offset + member.size] == content
        found.append((member.name, content))
    assert found == files
    assert [member.name for member in TarReader(open_stream(data))] == names, "contents need not be read"


def bad(kind: str) -> bytes:
    """A file ``bad.jpg`` of some kind, with what comes before it."""
    link = tarfile.TarInfo("bad.jpg")
    link.type, link.linkname = {
        "link": (tarfile.SYMTYPE, "/etc/passwd"),
        "hard link": (tarfile.LNKTYPE, "good.jpg"),
    }.get(kind, (tarfile.FIFOTYPE, ""))
    if kind in ("link", "hard link", "named pipe"):
        return link.tobuf()
    padded = bytes(-len(GOOD.picture) % 512)
    if kind == "device":
        return header("bad.jpg", 0, tarfile.CHRTYPE)
    if kind == "sparse":
        sparse = bytearray(header("bad.jpg", 512, tarfile.GNUTYPE_SPARSE))
        sparse[482] = 1  # more of the map follows
        sparse[148:156] = b" " * 8
        sparse[148:156] = b"%06o\0 " % sum(sparse)
        return bytes(sparse) + bytes(504) + b"\1" + bytes(7) + bytes(512) + bytes(512)
    if kind == "sparse in pax":
        fields = {"GNU.sparse.major": "1", "GNU.sparse.name": "bad.jpg", "GNU.sparse.realsize": str(2**60)}
        member = tarfile.TarInfo("GNUSparseFile.0/bad.jpg")
        member.pax_headers = fields
        member.size = 512
        return member.tobuf(tarfile.PAX_FORMAT) + bytes(512)
    if kind == "huge pax":
        return (
            header("pax", 1 << 20, tarfile.XHDTYPE)
            + b"x" * (1 << 20)
            + header("bad.jpg", len(GOOD.picture))
            + (GOOD.picture + padded)
        )
    if kind == "huge name":
        return (
            header("name", 1 << 20, tarfile.GNUTYPE_LONGNAME) + b"x" * (1 << 20) + header("bad.jpg", 512) + bytes(512)
        )
    if kind == "damaged pax":
        return (
            header("pax", 20, tarfile.XHDTYPE) + b"99 path=a\n".ljust(512, b"x") + header("bad.jpg", 512) + bytes(512)
        )
    raise AssertionError(kind)


KINDS = ["link", "hard link", "named pipe", "device", "sparse", "sparse in pax", "huge pax", "huge name", "damaged pax"]


def shard_with(kind: str) -> bytes:
    """A bad picture with a whole mask, then a good pair."""
    mask = header("bad.png", len(GOOD.label_map)) + GOOD.label_map + bytes(-len(GOOD.label_map) % 512)
    return bad(kind) + mask + WHOLE


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_plain_file_is_named_and_the_pair_left_out(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "shard.tar"
    path.write_bytes(shard_with(kind))
    pairs = ShardPairs([path])
    assert list(pairs.keys) == ["bad", "good"]
    with pytest.raises(UserError, match=r"shard\.tar:bad\.jpg: is a "):
        pairs[0]
    assert (pairs[1].picture.mean(), pairs[1].label_map.max()) == (50, 5)
    with caplog.at_level(logging.WARNING, logger="maskgan"):
        assert Samples(pairs, pair_to_tensors, 32, 1)[0].label_maps.max() == 5
        pytest.importorskip("webdataset")
        loader = StreamLoader(ShardStream(str(path)), None, 32, 1, 0, 1, 0, max_bad_samples=1)
        assert next(iter(loader.batches(0))).label_maps.max() == 5
    assert caplog.text.count("bad.jpg: is a ") == 2
    with pytest.raises(UserError, match=r"bad\.jpg: is a .*more than 0 pairs are damaged"):
        next(iter(StreamLoader(ShardStream(str(path)), None, 32, 1, 0, 1, 0, max_bad_samples=0).batches(0)))


@pytest.mark.parametrize("open_stream", [io.BytesIO, Pipe])
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE, tarfile.REGTYPE, b"?"])
@pytest.mark.parametrize("size", [MAX_FILE + 1, 2**40, 2**62])
def test_sizes_are_not_believed(size: int, kind: bytes, open_stream: Callable[[bytes], io.BytesIO]) -> None:
    """No header makes the reader ask for more than a megabyte at once; then the tar is cut off."""
    stream = open_stream(header("a.jpg", size, kind) + b"x" * 2000)
    with pytest.raises(DamagedTarError):
        list(TarReader(stream))
    assert getattr(stream, "largest", 0) <= 1 << 20


def test_large_files_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "large.tar"
    with open(path, "wb") as file:  # a hole in the disk's file: nothing is written for it
        file.write(header("bad.jpg", MAX_FILE + 512))
        file.seek(512 + MAX_FILE + 512)
        file.write(header("bad.png", 512) + bytes(512) + WHOLE)
    pairs = ShardPairs([path])
    assert list(pairs.keys) == ["bad", "good"]
    with pytest.raises(UserError, match=rf"bad\.jpg: is a file of {MAX_FILE + 512} bytes"):
        pairs[0]


@pytest.mark.parametrize("cut", [1, 100, 512, 700, 511 + len(GOOD.picture)])
@pytest.mark.parametrize("open_stream", [io.BytesIO, Pipe])
def test_tars_that_are_cut_off(cut: int, open_stream: Callable[[bytes], io.BytesIO]) -> None:
    with pytest.raises(DamagedTarError):
        list(TarReader(open_stream(WHOLE[:cut])))


@pytest.mark.parametrize("position", range(0, 512, 7))
def test_damaged_headers_are_noticed(position: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[position] ^= 0x55
    with pytest.raises(DamagedTarError):
        list(TarReader(io.BytesIO(bytes(damaged))))


def test_any_bytes_are_a_tar_or_damaged() -> None:
    generator = np.random.default_rng(0)
    seeds = [WHOLE, *(shard_with(kind) for kind in KINDS if "huge" not in kind)]
    for number in range(600):
        data = bytearray(seeds[number % len(seeds)])
        for _ in range(generator.integers(1, 5)):
            start = int(generator.integers(0, min(len(data), 4096)))
            data[start : start + 8] = generator.bytes(8)
            block = start - start % 512
            if block + 512 <= len(data) and generator.random() < 0.8:  # with a checksum that fits
                data[block + 148 : block + 156] = b" " * 8
                data[block + 148 : block + 156] = b"%06o\0 " % sum(data[block : block + 512])
        for stream in (io.BytesIO(bytes(data)), Pipe(bytes(data))):
            try:
                names = [member.name for member in TarReader(stream)]
            except DamagedTarError:
                continue
            assert all(name.isprintable() for name in names)


def test_names_can_be_printed() -> None:
    members = list(TarReader(io.BytesIO(tar_of(("a\x1b[31m.jpg", b""), ("é.jpg", b""), format=tarfile.GNU_FORMAT))))
    assert [member.name for member in members] == ["a\\x1b[31m.jpg", "é.jpg"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("a.jpg", ("a", ".jpg")),
        ("./a.JPG", ("a", ".jpg")),
        ("x/y/a.b.png", ("x/y/a", ".b.png")),
        (".a.jpg", None),
        ("x/.hidden", None),
        ("readme", None),
        ("", None),
    ],
)
def test_keys(name: str, key: tuple[str, str] | None) -> None:
    assert member_key(name) == key


# --- names of shards ---


@pytest.mark.parametrize(
    "name", ["pipe:touch X; cat a.tar #.tar", "http:touch.tar", "-.tar", "file:a.tar", "a;touch X.tar"]
)
def test_names_of_files_are_no_addresses(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("webdataset")
    monkeypatch.chdir(tmp_path)
    keys = {"good.tar": "good", name: "other"}
    for shard, key in keys.items():
        Path(shard).write_bytes(tar_of((f"{key}.jpg", GOOD.picture), (f"{key}.png", GOOD.label_map)))
    for module in (streaming, stream_reader):
        monkeypatch.setattr(module, "webdataset_module", lambda: pytest.fail("a file's name was opened as an address"))
    for spec in ("*.tar", str(tmp_path / "*.tar"), f"./{name}"):
        stream = ShardStream(spec)
        assert all(Path(shard).is_absolute() for shard in stream.shards)
        assert [pair.key for pair in stream.first(2, None)] == [keys[Path(shard).name] for shard in stream.shards]
    assert not Path("X").exists()


def test_commands_and_compressed_shards_are_still_read(tmp_path: Path) -> None:
    pytest.importorskip("webdataset")
    for suffix, compress in (("tar", bytes), ("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        path = tmp_path / f"a.{suffix}"
        path.write_bytes(compress(WHOLE))
        for spec in (str(path), f"pipe:cat {path}"):
            assert [pair.key for pair in ShardStream(spec).first(5, None)] == ["good"], spec
    with pytest.raises(UserError, match="cannot be read as a tar file"):
        ShardStream("pipe:exit 3").first(1, None)


@pytest.mark.parametrize(
    "spec",
    [
        "faces-{0..999999999}.tar", "faces-{0..100000}.tar", "faces-{" + "1" * 5000 + ".." + "2" * 5000 + "}.tar",
        "faces-{1.." + "9" * 19 + "}.tar",
    ],
    ids=["billion", "one too many", "digits", "19 digits"],
)  # fmt: skip
def test_ranges_are_bounded_before_they_are_expanded(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_pairs, "Path", lambda _: pytest.fail("the range was expanded"))
    with pytest.raises(UserError, match="names over 100000 tar files") as refused:
        expand_shards(spec)
    assert len(str(refused.value)) < 300
    with pytest.raises(UserError, match="names over 100000 tar files"):
        open_pairs(spec)


@pytest.mark.parametrize(
    "spec",
    [
        "https://h/{0..999999999}.tar", "https://h/{000..999}-{000..999}.tar", "pipe:cat {-99999..99999}.tar",
        "https://h/" + "{a,b}" * 40, "https://h/" + "{a,{b,c}}" * 20, "https://h/{1.." + "9" * 5000 + "}.tar",
    ],
    ids=["billion", "product", "negative", "choices", "nested", "digits"],
)  # fmt: skip
def test_ranges_of_addresses_are_bounded(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "webdataset_module", lambda: pytest.fail("the range was expanded"))
    with pytest.raises(UserError, match="names over 100000 tar files"):
        ShardStream(spec)


def test_names_that_no_file_can_have_name_none() -> None:
    assert expand_shards("a*\0.tar") == []


def test_ranges_within_the_bound() -> None:
    assert len(expand_shards("faces-{00000..99999}.tar")) == 100_000
    pytest.importorskip("webdataset")
    assert list(ShardStream("https://h/{a,b}-{0..1}.tar").shards) == [
        f"https://h/{x}-{n}.tar" for x in "ab" for n in "01"
    ]


@pytest.mark.parametrize("spec", ["synthetic:" + "9" * 5000, "synthetic:4:" + "9" * 5000, "synthetic:" + "9" * 19])
def test_numbers_of_thousands_of_digits(spec: str) -> None:
    for opening in (open_pairs, lambda spec: open_labelled(spec, None)):
        with pytest.raises(UserError, match="write synthetic:COUNT") as refused:
            opening(spec)
        assert len(str(refused.value)) < 300


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipes_on_disk_are_named_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    (tmp_path / "a.png").write_bytes(GOOD.label_map)
    (tmp_path / "b.jpg").write_bytes(GOOD.picture)
    (tmp_path / "b.png").write_bytes(GOOD.label_map)
    pairs = open_pairs(str(tmp_path))
    assert list(pairs.keys) == ["a", "b"] and pairs[1].picture.mean() == 50
    with pytest.raises(UserError, match=r"a\.jpg: is a named pipe"):
        pairs[0]
    assert Samples(pairs, pair_to_tensors, 32, 1)[0].label_maps.max() == 5
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(UserError, match=r"pipe\.tar: is a named pipe"):
        ShardPairs([tmp_path / "pipe.tar"])
    pytest.importorskip("webdataset")
    with pytest.raises(UserError, match=r"pipe\.tar: is a named pipe"):
        ShardStream(str(tmp_path / "pipe.tar")).first(1, None)
