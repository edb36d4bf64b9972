"""Lists and tables: encodings, line ends, separators, suffixes, comments, and keys that come twice."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np
import pytest

from maskgan.data.annotations import ATTRIBUTES, read_mapping
from maskgan.data.labelled import read_label_table
from maskgan.data.pairs import ChosenKeys, select
from maskgan.errors import UserError
from maskgan.text_files import ByKey, read_keys, read_lines, visible

ENCODINGS = {
    "utf-8": b"", "utf-8-sig": b"", "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE, "utf-16": b"",
    "utf-32": b"",
}  # fmt: skip
ENDS = ("\n", "\r\n", "\r")
KEYS = ["00000", "my face 1", "Müller, Jörg", "笑顔", "a.b.c", "x..y", "#5 %20"]


class Faces:
    """A collection that has nothing but keys."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> str:
        return self.keys[index]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_lists_are_read_in_every_encoding(tmp_path: Path, encoding: str, end: str) -> None:
    text = end.join(["# train", *KEYS, "", "  "]) + end
    (tmp_path / "keys.txt").write_bytes(ENCODINGS[encoding] + text.encode(encoding))
    assert read_keys(tmp_path / "keys.txt") == KEYS
    faces = Faces(["other", *KEYS])
    assert list(select(faces, str(tmp_path / "keys.txt")).keys) == KEYS


def test_suffixes_and_comments_of_lists_are_tolerated(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("#by hand\na.b.c.jpg\n00001.PNG\n#5 %20\n")
    faces = Faces(["00000", "00001", "a.b.c", "#5 %20"])
    assert list(select(faces, str(tmp_path / "keys.txt")).keys) == ["a.b.c", "00001", "#5 %20"]
    chosen = ChosenKeys(str(tmp_path / "keys.txt"))
    assert [key in chosen for key in faces.keys] == [False, True, True, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nb\na\n", r"keys\.txt:3: 'a' comes twice, first in line 1"),
        ("a\na.jpg\n", r"'a' comes twice, with and without a suffix"),
        ("a\u200b\n", r"1 of 1 keys are not in the data, a\\u200b first; keys are like 'a'"),
        ("a\u00a0b\n", r"a\\u00a0b first"),
        ("\n# nothing\n", r"names no key"),
        ("a\0\n", r"not a text file"),
    ],
)
def test_lists_that_do_not_fit_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "keys.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        select(Faces(["a", "b"]), str(tmp_path / "keys.txt"))


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_bytes("Jörg\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"keys\.txt: not a text file in UTF-8; save it as UTF-8"):
        read_lines(tmp_path / "keys.txt")


SIGNS = {key: np.random.default_rng(i).integers(0, 2, 40) for i, key in enumerate(["00000", "00001", "anna"])}


def table_text(separator: str, no: str, key: str | None = "key", suffix: str = "", count: bool = False) -> str:
    header = separator.join([*([] if key is None else [key]), *ATTRIBUTES])
    rows = [separator.join([name + suffix, *("1" if s else no for s in signs)]) for name, signs in SIGNS.items()]
    return "\n".join([*([str(len(rows))] if count else []), header, *rows, ""])


FORMS = {
    "plain": table_text(",", "-1"),
    "zeros": table_text(",", "0"),
    "decimals": table_text(",", "0.0"),
    "kaggle": table_text(",", "-1", "image_id", ".jpg"),
    "semicolons": table_text(";", "-1"),
    "blanks after commas": table_text(", ", "-1"),
    "tabs": table_text("\t", "0", "Filename", ".png"),
    "unnamed": table_text(",", "-1", ""),
    "celeba": table_text(" ", "-1", None, ".jpg", count=True),
    "celeba, wide": table_text("  ", "-1", None, ".jpg"),
}


@pytest.mark.parametrize("suffix", [".csv", ".txt"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("form", FORMS)
def test_tables_of_every_form_say_the_same(tmp_path: Path, form: str, encoding: str, suffix: str) -> None:
    (tmp_path / f"table{suffix}").write_text(FORMS[form], encoding=encoding)
    table = read_label_table(tmp_path / f"table{suffix}")
    assert set(table.attributes) == set(SIGNS)
    for key, signs in SIGNS.items():
        assert table.attributes[key].dtype == np.uint8 and (table.attributes[key] == signs).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s + s.splitlines()[1] + "\n", r"t\.csv:5: key '00000' comes twice, first in line 2"),
        (lambda s: s.replace("00001,", "00000.jpg,"), r"t\.csv:3: key '00000' comes twice, first in line 2"),
        (lambda s: s.replace("Smiling", "Smile"), r"has no column 'Smiling'"),
        (lambda s: s.replace("-1", "no", 1), r"t\.csv:2: expected a key, and -1 or 1 .* not 'no' in"),
        (lambda s: s.replace("-1", "0", 1), r"t\.csv:2: expected a key, and -1 or 1"),
        (lambda s: s.replace("-1,", "", 1), r"t\.csv:2: has 40 fields; a key and 40 values are expected"),
        (lambda s: "9\n" + s, r"says 9 rows and holds 3; cut off\?"),
        (lambda s: "9" * 5000 + "\n" + s, r"t\.csv:2: has 1 fields"),
        (lambda s: "\n".join(s.splitlines()[1:]).replace("00000", "00000.jpg"), r"has no line of column names"),
    ],
)
def test_tables_that_do_not_fit_are_named(tmp_path: Path, change: object, message: str) -> None:
    (tmp_path / "t.csv").write_text(change(FORMS["plain"]))  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        read_label_table(tmp_path / "t.csv")


def test_numbers_are_found_with_any_number_of_zeros() -> None:
    values = ByKey({"0": "a", "000012": "b", "x": "c"})
    assert values["00000"] == "a" and values["12"] == "b" and values["x"] == "c"
    assert "9" * 5000 not in values and ByKey({"9" * 5000: "d"})["9" * 5000] == "d"
    assert "00012" in values and "1" not in values and "00x" not in values and len(values) == 3


def test_invisible_characters_are_shown() -> None:
    assert visible("a b\u00a0c\u200b\ufeff\t") == r"a b\u00a0c\u200b\ufeff\u0009"


def test_annotations_have_marks_too(tmp_path: Path) -> None:
    (tmp_path / "map.txt").write_text("idx orig_idx orig_file\r\n0 119612 119613.jpg\r\n", encoding="utf-16")
    assert read_mapping(tmp_path / "map.txt") == {0: 119613}
