"""Lines that a command prints, about files whose names may hold anything but a null byte.

Names on stderr, and on a terminal, have their control characters escaped: line breaks would forge lines, escape codes
would command the terminal. On a stdout that is a pipe or a file they stay as they are, byte for byte, for scripts.
"""

from __future__ import annotations

import codecs
import sys
from typing import TextIO

import click

_ERRORS = "maskgan-names"


def escaped(text: str) -> str:
    """The text with its characters that are not printable written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def echo_line(line: object, err: bool = False) -> None:
    """Print one line that may hold a file's name, to stdout or to stderr."""
    text = str(line)
    # ``color``: click would strip escape codes from what goes into a pipe, and so change a name.
    click.echo(escaped(text) if err or sys.stdout.isatty() else text, err=err, color=True)


def keep_undecodable_names(stream: TextIO) -> None:
    """Let a strict stream write names that are not of its encoding: as their own bytes, or else escaped."""
    if getattr(stream, "errors", "") == "strict" and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=_ERRORS)


def _own_bytes(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    # One character at a time: beside a byte of a name there may be another character that the encoding lacks.
    first = UnicodeEncodeError(error.encoding, error.object, error.start, error.start + 1, error.reason)
    try:
        return codecs.lookup_error("surrogateescape")(first)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(first)


codecs.register_error(_ERRORS, _own_bytes)
