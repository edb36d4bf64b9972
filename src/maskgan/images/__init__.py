"""Reading and writing pictures and label maps, checked.

Pictures are H x W x 3 uint8 sRGB arrays, upright; label maps are H x W uint8 arrays in CelebAMask-HQ order.
"""

from maskgan.images.formats import (
    MAX_PIXELS,
    MIN_SIDE,
    READABLE,
    TooManyPixelsError,
    UnknownFormatError,
    open_image,
    open_image_file,
)
from maskgan.images.masks import decode_label_map, encode_label_map, fit_label_map, read_label_map, write_label_map
from maskgan.images.metadata import JpegCoding
from maskgan.images.reading import (
    Picture,
    SourceImage,
    decode_picture,
    decode_source,
    over_white,
    read_picture,
    read_source,
)
from maskgan.images.resizing import resize_label_map, resize_picture
from maskgan.images.writing import (
    PICTURE_SUFFIXES,
    check_picture_path,
    encode_edit,
    encode_source,
    write_animation,
    write_picture,
)

__all__ = [
    "MAX_PIXELS",
    "MIN_SIDE",
    "PICTURE_SUFFIXES",
    "READABLE",
    "JpegCoding",
    "Picture",
    "SourceImage",
    "TooManyPixelsError",
    "UnknownFormatError",
    "check_picture_path",
    "decode_label_map",
    "decode_picture",
    "decode_source",
    "encode_edit",
    "encode_label_map",
    "encode_source",
    "fit_label_map",
    "open_image",
    "open_image_file",
    "over_white",
    "read_label_map",
    "read_picture",
    "read_source",
    "resize_label_map",
    "resize_picture",
    "write_animation",
    "write_label_map",
    "write_picture",
]
