"""Help pages that break lines at spaces alone: never inside an option's name, a value or a default in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

# Stand-ins that click's line breaking does not break at; written out as the plain characters.
_HYPHEN, _SPACE = "\u2011", "\u00a0"
_LONGEST_NOTE = 32  # characters of a note in brackets that stays on one line
# A longer one keeps its first two words together.
_NOTE = re.compile(r"\[[^\[\]\n]+\]")


class HelpFormatter(click.HelpFormatter):
    """``click.HelpFormatter`` that keeps tokens and short notes such as ``[default: 8]`` on one line."""

    def write(self, string: str) -> None:
        """Append to the page."""
        super().write(string.replace(_HYPHEN, "-").replace(_SPACE, " "))

    def write_text(self, text: str) -> None:
        """Append a paragraph."""
        super().write_text(_unbreakable(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Append a table of terms and their explanations."""
        super().write_dl([(term, _unbreakable(text)) for term, text in rows], col_max, col_spacing)


def _unbreakable(text: str) -> str:
    def keep(note: re.Match[str]) -> str:
        return note[0].replace(" ", _SPACE, -1 if len(note[0]) <= _LONGEST_NOTE else 1)

    return _NOTE.sub(keep, text).replace("-", _HYPHEN)
