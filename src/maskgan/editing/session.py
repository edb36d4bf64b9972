"""An editing session: numpy arrays outside, tensors inside, the costly half computed once.

editor = FaceEditor.from_weights(shipped_weights("dense-mapping"))
editor.set_source(picture, label_map)     # encodes the style, once
editor.set_mask(edited)                   # cheap
face = editor.render()                    # one pass of the backbone
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from maskgan.checkpoints.weights import load_weights
from maskgan.editing.compositing import composite
from maskgan.errors import UserError
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap, check_labels
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.layers import one_hot

Blend = Literal["full", "region"]

_ASPECT_TOLERANCE = 0.01


@dataclass(frozen=True)
class _Source:
    """The face being edited, and what was computed from it once."""

    picture: Picture
    label_map: LabelMap
    style: Tensor  # 1 x style_size
    reconstruction: Tensor | None = None  # 1 x 3 x h x w, the network's picture of the unedited mask


class FaceEditor:
    """Edits one face at a time with a dense mapping network."""

    def __init__(
        self,
        network: DenseMappingNetwork,
        resolution: int,  # pixels on the longer side that the network works at
        device: str = "cpu",
        precision: Literal["fp32", "bf16"] = "fp32",
    ) -> None:
        self._network = network.to(device=device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self._resolution = resolution
        self._device = device
        self._precision = precision
        self._source: _Source | None = None
        self._mask: LabelMap | None = None
        self._style: Tensor | None = None  # a borrowed style, if one is set

    @classmethod
    def from_weights(cls, path: Path, device: str = "cpu", precision: Literal["fp32", "bf16"] = "fp32") -> FaceEditor:
        """An editor with the network of a weights file.

        Raises:
            UserError: the file is missing, damaged, or of another kind.
        """
        network, info = load_weights(path, kind="dense-mapping")
        assert isinstance(network, DenseMappingNetwork)
        return cls(network, info.resolution, device, precision)

    def set_source(self, picture: Picture, label_map: LabelMap) -> None:
        """Begin with a face: encode its style, forget earlier masks and styles.

        Args:
            picture: H x W x 3 uint8 RGB.
            label_map: h x w uint8 0..18, of the same proportions; the picture's own mask.

        Raises:
            UserError: the proportions differ, or a label is over 18.
        """
        self._source = _Source(picture, label_map, self._encode(picture, label_map))
        self._mask = None
        self._style = None

    def set_mask(self, label_map: LabelMap) -> None:
        """Replace the mask that the face is to follow.

        Args:
            label_map: h x w uint8 0..18, of the size of the source's own mask.

        Raises:
            UserError: no source is set, the size differs, or a label is over 18.
        """
        source = self._require_source()
        check_labels(label_map, "edited mask")
        if label_map.shape != source.label_map.shape:
            raise UserError(
                f"edited mask: {_size(label_map)}, but the face's own mask is {_size(source.label_map)}; "
                "both must have one size"
            )
        self._mask = label_map

    def set_style(self, picture: Picture, label_map: LabelMap) -> None:
        """Borrow the look of another face (shapes as in ``set_source``); ``reset_style`` gives the own one back.

        Raises:
            UserError: the proportions differ, or a label is over 18.
        """
        self._style = self._encode(picture, label_map)

    def reset_style(self) -> None:
        """Go back to the source's own style."""
        self._style = None

    def render(self, blend: Blend = "region") -> Picture:
        """Render the face that follows the present mask and style.

        Args:
            blend: ``full`` gives the network's picture; ``region`` keeps the original's pixels away from the edit and
                blends softly across the border. A borrowed style changes all of the face, so it is always ``full``.

        Returns:
            H x W x 3 uint8 RGB, of the source's size.

        Raises:
            UserError: no source is set.
        """
        source = self._require_source()
        mask = source.label_map if self._mask is None else self._mask
        size = (source.picture.shape[0], source.picture.shape[1])
        if blend == "full" or self._style is not None:
            style = source.style if self._style is None else self._style
            return resize_picture(_to_picture(self._synthesise(mask, style)), size)
        if np.array_equal(mask, source.label_map):
            return source.picture.copy()
        if source.reconstruction is None:
            source = replace(source, reconstruction=self._synthesise(source.label_map, source.style))
            self._source = source
        assert source.reconstruction is not None
        made = self._synthesise(mask, source.style)
        return composite(source.picture, source.label_map, mask, made, source.reconstruction)

    def render_style_onto(self, label_map: LabelMap) -> Picture:
        """The borrowed style, or else the source's, on any mask; no source is needed.

        Args:
            label_map: h x w uint8 0..18.

        Returns:
            h x w x 3 uint8 RGB, of the mask's size.

        Raises:
            UserError: neither a style nor a source is set, or a label is over 18.
        """
        check_labels(label_map)
        style = self._style if self._style is not None else self._require_source().style
        size = (label_map.shape[0], label_map.shape[1])
        return resize_picture(_to_picture(self._synthesise(label_map, style)), size)

    def _require_source(self) -> _Source:
        if self._source is None:
            raise UserError("no face is set; call set_source first")
        return self._source

    @torch.no_grad()
    def _encode(self, picture: Picture, label_map: LabelMap) -> Tensor:
        check_labels(label_map)
        require_same_proportions(picture, label_map)
        size = self._working_size(label_map)
        image = torch.from_numpy(resize_picture(picture, size).copy()).to(self._device)
        with self._autocast():
            return self._network.encode_style(
                (image.permute(2, 0, 1)[None].float() / 127.5 - 1), self._one_hot(label_map)
            ).float()

    @torch.no_grad()
    def _synthesise(self, label_map: LabelMap, style: Tensor) -> Tensor:
        with self._autocast():
            return self._network.synthesise(self._one_hot(label_map), style).float()

    def _one_hot(self, label_map: LabelMap) -> Tensor:
        resized = torch.from_numpy(resize_label_map(label_map, self._working_size(label_map)).copy())
        return one_hot(resized[None].to(self._device), self._network.config.num_classes)

    def _working_size(self, label_map: LabelMap) -> tuple[int, int]:
        """Height and width for the network: the longer side at its resolution, both multiples that it can halve."""
        multiple = max(self._network.size_multiple, 32)
        scale = self._resolution / max(label_map.shape)
        height, width = (max(round(side * scale / multiple), 2) * multiple for side in label_map.shape)
        return height, width

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device, torch.bfloat16, enabled=self._precision == "bf16")


def require_same_proportions(picture: Picture, label_map: LabelMap) -> None:
    """Raise unless picture and label map show the same frame.

    Raises:
        UserError: giving both sizes.
    """
    ratio = (picture.shape[1] / picture.shape[0]) / (label_map.shape[1] / label_map.shape[0])
    if abs(ratio - 1) > _ASPECT_TOLERANCE:
        raise UserError(
            f"the mask is {_size(label_map)} and the picture {_size(picture)}: "
            "they have other proportions, so the mask belongs to another picture or was cropped"
        )


def _size(array: Picture | LabelMap) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"


def _to_picture(image: Tensor) -> Picture:
    """1 x 3 x H x W in [-1, 1] to H x W x 3 uint8, rounded."""
    pixels = ((image[0].clamp(-1, 1) + 1) * 127.5).round().byte()
    return pixels.permute(1, 2, 0).cpu().numpy()
