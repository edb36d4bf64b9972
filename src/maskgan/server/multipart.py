"""Multipart forms, read in memory: nothing that a person uploads touches the disk.

Source: RFC 7578, and RFC 2046 section 5.1.1 for the boundaries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

from maskgan.server.http_errors import HTTPError, bad_request

OVERHEAD = 64 << 10
"""Bytes that boundaries and headers may add to a form's parts."""

_MAX_PARTS = 8
_MAX_HEADER = 4 << 10
_MAX_BOUNDARY = 70  # RFC 2046
_MAX_CONTENT_TYPE = 1 << 10  # parsing its parameters takes quadratic time


@dataclass(frozen=True)
class Form:
    """The parts of a form: bytes by name, files and plain fields alike."""

    parts: Mapping[str, bytes]

    def get(self, name: str) -> bytes | None:
        """A part, or ``None`` where the form has none of this name."""
        return self.parts.get(name)

    def require(self, name: str) -> bytes:
        """A part.

        Raises:
            HTTPError: 400, the form lacks it.
        """
        if name not in self.parts:
            raise bad_request(f"the form lacks its part {name!r}")
        return self.parts[name]


def parse_form(body: bytes, content_type: str) -> Form:
    """The form in a request's body.

    Raises:
        HTTPError: 400, it is damaged or has too many parts.
    """
    if len(content_type) > _MAX_CONTENT_TYPE:
        raise _damaged()
    boundary = _parameters(content_type).get("boundary", "").encode("latin-1", "replace")
    if not 0 < len(boundary) <= _MAX_BOUNDARY:
        raise bad_request("the form has no boundary; send multipart/form-data as a browser does")
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, _MAX_PARTS + 2)
    if len(pieces) > _MAX_PARTS + 2:
        raise bad_request(f"the form has more than {_MAX_PARTS} parts")
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise bad_request("the form is cut off; send it again")
    return Form(dict(_part(piece) for piece in pieces[1:-1]))


def _part(piece: bytes) -> tuple[str, bytes]:
    end = piece.find(b"\r\n\r\n", 0, _MAX_HEADER)
    if end < 0:
        raise _damaged()
    for line in piece[:end].decode("utf-8", "replace").split("\r\n"):
        field, _, value = line.partition(":")
        if field.strip().lower() == "content-disposition":
            name = _parameters(value).get("name")
            if name:
                return name, piece[end + 4 :]
    raise _damaged()


def _parameters(header: str) -> dict[str, str]:
    """A header's parameters, such as ``name`` in ``form-data; name="mask"``."""
    message = Message()
    message["content-type"] = header.replace("\r", " ").replace("\n", " ")
    return {key.lower(): text for key, text in message.get_params([])[1:] if isinstance(text, str)}


def _damaged() -> HTTPError:
    return bad_request("the form is damaged; send multipart/form-data as a browser does")
