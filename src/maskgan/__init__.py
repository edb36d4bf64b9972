"""MaskGAN: edit a face by editing its semantic mask."""

__version__ = "0.2.0"
