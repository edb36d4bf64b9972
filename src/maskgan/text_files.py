"""The one reader of lists and tables: encodings with a byte-order mark, any line ends, any usual separator."""

from __future__ import annotations

import codecs
import csv
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from maskgan.errors import UserError
from maskgan.files import require_file

ValueT = TypeVar("ValueT")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SUFFIX = re.compile(r"\.(jpe?g|png|webp|bmp|tiff?|avif|heic|heif)$", re.IGNORECASE)
_MAX_DIGITS = 18  # Python refuses to read numbers of thousands
_KEY_COLUMNS = ("key", "image_id", "id", "filename", "file_name", "file", "image", "name")


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        line: its number in the file, from 1.
        key: of the row, without a picture's suffix.
        values: the other fields by column.
    """

    line: int
    key: str
    values: Mapping[str, str]


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, without their ends.

    Raises:
        UserError: the file is missing, or no text in UTF-8 or in an encoding that a byte-order mark names.
    """
    data = require_file(Path(path)).read_bytes()
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8; save it as UTF-8, or get it again") from None
    if "\0" in text:
        raise UserError(f"{path}: not a text file; get it again")
    # Not str.splitlines, which breaks names at rare characters as well.
    lines = re.split(r"\r\n|\r|\n", text)
    return lines[:-1] if lines[-1] == "" else lines


def read_keys(path: Path) -> list[str]:
    """The keys of a list, one a line, as they are written; a line that starts with ``#`` may be a comment.

    Raises:
        UserError: the file is no text, names no key, or one key twice.
    """
    first: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), 1):
        key = line.strip()
        if not key or is_comment(key):
            continue
        if key in first:
            raise UserError(f"{path}:{number}: {visible(key)!r} comes twice, first in line {first[key]}")
        first[key] = number
    if not first:
        raise UserError(f"{path}: names no key; a list has one key a line")
    return list(first)


def is_comment(line: str) -> bool:
    """Whether a line of a list is a comment: ``#`` and a space, or ``#`` alone. ``#5`` may be a key."""
    return line == "#" or line.startswith(("# ", "#\t", "##"))


def without_suffix(name: str) -> str:
    """A key from a picture's name: ``00001`` from ``00001.jpg``; other dots stay."""
    return _SUFFIX.sub("", name)


def read_rows(path: Path) -> tuple[list[str], list[Row]]:
    """Read a table: separated by commas, semicolons, tabs or blanks, the key in a column of its own or in front.

    A line with nothing but a number before the column names is CelebA's count of rows, and checked.

    Returns:
        The names of the columns without the key's, and the rows.

    Raises:
        UserError: the file is no text, has no line of column names, a row has another number of fields, a key comes
            twice, or rows are missing; the message names the line.
    """
    lines = [(number, line) for number, line in enumerate(read_lines(path), 1) if line.strip()]
    while lines and is_comment(lines[0][1].strip()):
        lines.pop(0)
    count = int(lines.pop(0)[1]) if lines and _is_number(lines[0][1].strip()) else None
    if not lines or _SUFFIX.search(re.split(r"[\s,;]", lines[0][1].strip())[0]):
        raise UserError(f"{path}: has no line of column names; get the file again")
    split = _splitter(lines[0][1])
    header = split(lines[0][1])
    lower = [name.lower() for name in header]
    place = next((lower.index(name) for name in _KEY_COLUMNS if name in lower), None)
    if place is None and header[0] == "":
        place = 0
    names = header if place is None else header[:place] + header[place + 1 :]
    rows: list[Row] = []
    first: dict[str, int] = {}
    for number, line in lines[1:]:
        fields = split(line)
        if len(fields) != len(names) + 1:
            raise UserError(f"{path}:{number}: has {len(fields)} fields; a key and {len(names)} values are expected")
        key = without_suffix(fields.pop(place or 0))
        if key in first:
            raise UserError(f"{path}:{number}: key {visible(key)!r} comes twice, first in line {first[key]}")
        first[key] = number
        rows.append(Row(number, key, dict(zip(names, fields, strict=True))))
    if count is not None and count != len(rows):
        raise UserError(f"{path}: says {count} rows and holds {len(rows)}; cut off? get the file again")
    return names, rows


def parse_signs(rows: Sequence[Row], columns: Sequence[str], path: Path) -> dict[str, list[bool]]:
    """Yes and no by key: 1 for yes; -1 or 0, but not both in one table, for no.

    Raises:
        UserError: a column is missing, or a value is none of these; the message names the line.
    """
    signs: dict[str, list[bool]] = {}
    no: str | None = None
    for row in rows:
        found = []
        for column in columns:
            if column not in row.values:
                raise UserError(f"{path}: has no column {column!r}; a table has key and CelebA's 40 attributes")
            value = re.sub(r"\.0+$", "", row.values[column])
            if value not in ("1", "-1", "0") or not row.key or (value != "1" and no not in (None, value)):
                raise UserError(
                    f"{path}:{row.line}: expected a key, and -1 or 1 (or 0 or 1 throughout) for each attribute, "
                    f"not {visible(row.values[column])!r} in {column}"
                )
            no = value if value != "1" else no
            found.append(value == "1")
        signs[row.key] = found
    return signs


class ByKey(Mapping[str, ValueT]):
    """Values by key, where a number is found however many zeros it is written with: ``0`` for ``00000``."""

    def __init__(self, values: Mapping[str, ValueT]) -> None:
        self._values = dict(values)
        self._numbers: dict[int, str] = {}
        for key in values:
            if _is_number(key):
                self._numbers.setdefault(int(key), key)

    def __getitem__(self, key: str) -> ValueT:
        if key not in self._values and _is_number(key) and int(key) in self._numbers:
            key = self._numbers[int(key)]
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def visible(text: str) -> str:
    """Text in which characters that nobody sees, blanks of odd kinds among them, are written as escapes."""
    return "".join(c if c == " " or unicodedata.category(c)[0] not in "CZ" else f"\\u{ord(c):04x}" for c in text)


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= _MAX_DIGITS


def _splitter(header: str) -> Callable[[str], list[str]]:
    """How the lines of a table are split, by its line of column names."""
    delimiter = max(",;\t", key=header.count)
    if header.count(delimiter) == 0:
        return str.split

    def split(line: str) -> list[str]:
        return [field.strip() for field in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))]

    return split
