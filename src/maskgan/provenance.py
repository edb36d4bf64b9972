"""Pictures that say of themselves that a generative model edited them.

The mark is IPTC's ``digitalSourceType`` in an XMP packet, the field that picture services and C2PA readers look at:
https://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from maskgan import __version__
from maskgan.files import atomic_path
from maskgan.images import Picture, SourceImage, check_picture_path, encode_edit
from maskgan.images.content_credentials import Signer, sign

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_NAMESPACE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="{_NAMESPACE}"
    xmp:CreatorTool="MaskGAN {__version__}"
    Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
_MAX_PACKET = 60_000  # bytes; a JPEG's segment holds no more


def encode_edited(
    picture: Picture, format: Literal["png", "jpeg"], source: SourceImage | None = None, changed: bool = True
) -> bytes:
    """The file of an edited picture, marked.

    Args:
        picture: H x W x 3 uint8 RGB.
        format: a JPEG has the source's quality, or 95 without chroma subsampling.
        source: what was edited: its metadata, colour space and unedited pixels are kept.
        changed: whether a pixel differs from the source's; where none does, the source's own mark is kept, if any.
    """
    suffix = ".png" if format == "png" else ".jpg"
    return encode_edit(picture, suffix, source, _packet(source, suffix, changed), "the picture")


def write_edited(
    path: Path | str,
    picture: Picture,
    source: SourceImage | None = None,
    signer: Signer | None = None,
    parent: Path | None = None,
    changed: bool = True,
) -> None:
    """Write an edited picture, marked; BMP files cannot carry the mark.

    Args:
        path: the file; its suffix chooses the format, as in ``images.write_picture``.
        picture: H x W x 3 uint8 RGB.
        source: what was edited: its metadata, colour space and unedited pixels are kept.
        signer: who signs its content credentials; ``None``: it gets none.
        parent: the file that was edited, which the credentials name.
        changed: whether a pixel differs from the source's; where none does, the source's own mark is kept, if any, and
            credentials say only that the parent was opened.

    Raises:
        UserError: the suffix is unknown or the file cannot be written or signed; nothing is left half-written.
    """
    path = Path(path)
    suffix = check_picture_path(path)
    with atomic_path(path) as temporary:
        encoded = encode_edit(picture, suffix, source, _packet(source, suffix, changed), str(path))
        if signer is not None:
            encoded = sign(encoded, suffix, signer, parent, str(path), DIGITAL_SOURCE_TYPE if changed else None)
        temporary.write_bytes(encoded)


def _packet(source: SourceImage | None, suffix: str, changed: bool) -> bytes:
    """The XMP packet to write: the source's own with the mark in it, or one with the mark alone.

    Of what was not changed, it is the source's own, or empty.
    """
    own = b"" if source is None else source.metadata.xmp
    if not changed:
        return own if suffix != ".jpg" or len(own) <= _MAX_PACKET else b""
    marked = _marked(own.decode("utf-8", "replace").strip("\0 \r\n\t")) if own else None
    return (_XMP if marked is None or len(marked.encode()) > _MAX_PACKET else marked).encode()


def _marked(packet: str) -> str | None:
    """A packet with the mark in place of any other source type; ``None`` if it is not well formed."""
    packet = re.sub(r"""\s[\w.-]+:DigitalSourceType\s*=\s*("[^"]*"|'[^']*')""", "", packet)
    packet = re.sub(r"<([\w.-]+:DigitalSourceType)\b[^>]*(/>|>[^<]*</\1>)", "", packet)
    opening = re.search(r"<([\w.-]+):RDF\b[^>]*>", packet)
    if opening is None or opening[0].endswith("/>") or "<!DOCTYPE" in packet:
        return None
    rdf = opening[1]
    mark = (
        f'<{rdf}:Description {rdf}:about="" xmlns:Iptc4xmpExt="{_NAMESPACE}" '
        f'Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"/>'
    )
    packet = packet[: opening.end()] + mark + packet[opening.end() :]
    try:
        ElementTree.fromstring(packet)
    except ElementTree.ParseError:
        return None
    return packet
