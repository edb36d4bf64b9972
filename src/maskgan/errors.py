"""The two ways in which a command can end badly.

``UserError`` is for what the person can mend (a wrong file, a wrong option): exit code 2.
``MaskGANError`` alone is for failures that are ours or the machine's, and for inputs left out of many: exit code 1.
Both carry one line that names the file or option and says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class MaskGANError(Exception):
    """A failure with a one-line message; the program ends with ``exit_code`` and no traceback."""

    exit_code = 1


class UserError(MaskGANError):
    """The input or the command line is wrong, and the message says how to mend it."""

    exit_code = 2


@contextmanager
def errors_of(name: str) -> Iterator[None]:
    """Put the name of a file, or of a face in it, in front of what is wrong with it.

    Raises:
        UserError: one was raised in the block.
    """
    try:
        yield
    except UserError as error:
        raise UserError(f"{name}: {error}") from error
