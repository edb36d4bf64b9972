"""Pictures that say of themselves that a generative model edited them.

The mark is IPTC's ``digitalSourceType`` in an XMP packet, the field that picture services and C2PA readers look at:
https://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from maskgan import __version__
from maskgan.images import PICTURE_SUFFIXES, Picture, check_picture_path, write_picture

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmp:CreatorTool="MaskGAN {__version__}"
    Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def encode_edited(picture: Picture, format: Literal["png", "jpeg"]) -> bytes:
    """The file of an edited picture (H x W x 3 uint8 RGB), marked; JPEG of quality 95 without chroma subsampling."""
    buffer = BytesIO()
    suffix = ".png" if format == "png" else ".jpg"
    Image.fromarray(picture).save(buffer, format.upper(), **PICTURE_SUFFIXES[suffix], **_mark(suffix))
    return buffer.getvalue()


def write_edited(path: Path | str, picture: Picture) -> None:
    """As ``images.write_picture``, marked; BMP files cannot carry the mark.

    Raises:
        UserError: the suffix is unknown or the file cannot be written; nothing is left half-written.
    """
    write_picture(path, picture, **_mark(check_picture_path(Path(path))))


def _mark(suffix: str) -> dict[str, Any]:
    """What to tell Pillow."""
    if suffix == ".png":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", _XMP)
        return {"pnginfo": info}
    return {} if suffix == ".bmp" else {"xmp": _XMP.encode()}
