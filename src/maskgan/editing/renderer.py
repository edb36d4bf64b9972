"""A face network behind label maps and pictures; it keeps nothing of a face between calls.

Style codes and the network's pictures are tensors (N x style_size, N x 3 x h x w in [-1, 1]) that callers pass on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from maskgan.assets import shipped_weights
from maskgan.checkpoints.weights import load_weights
from maskgan.editing.accessory_styles import AccessoryStyles, accessory_styles_beside
from maskgan.editing.face_network import Context, face_network, to_device
from maskgan.editing.refinement import NetworkRefinement, Refinement, RegionStyleRefinement
from maskgan.errors import UserError
from maskgan.images import Picture, resize_label_map, resize_picture
from maskgan.labels import LabelMap, check_labels, class_indices
from maskgan.networks.coarse_edit_network import CoarseEditNetwork
from maskgan.networks.dense_mapping import DenseMappingNetwork
from maskgan.networks.edit_network import EditNetwork
from maskgan.networks.layers import one_hot
from maskgan.networks.parser import FaceParser
from maskgan.pixels import to_tensor

Precision = Literal["fp32", "bf16"]

_ASPECT_TOLERANCE = 0.01


class Renderer:
    """Encodes styles and synthesises faces, several at once if they have one size."""

    def __init__(
        self,
        network: nn.Module,  # see ``face_network``
        resolution: int,  # pixels on the longer side that the network works at
        device: str = "cpu",
        precision: Precision = "fp32",
    ) -> None:
        self.network = face_network(to_device(network, device))
        self._resolution = resolution
        self._device = device
        self._precision = precision
        self._refined_from: Renderer | None = None
        self.accessory_styles: AccessoryStyles = {}
        """Styles of accessories that a face lacks."""
        self.preview = self
        """Renders the same styles at half of the size, for previews; itself if the network cannot."""
        if isinstance(network, EditNetwork) and network.detail is not None:
            self.preview = Renderer(network.coarse, resolution // 2, device, precision)

    @classmethod
    def from_weights(cls, path: Path, device: str = "cpu", precision: Precision = "fp32") -> Renderer:
        """A renderer with the network of a weights file.

        Args:
            path: dense mapping or edit weights.
            device: cpu, cuda or mps.
            precision: fp32 or bf16.

        Raises:
            UserError: a file is missing, damaged, or of another model type.
        """
        network, resolution = load_network(path)
        renderer = cls(network, resolution, device, precision)
        if renderer.uses_context:
            renderer.accessory_styles = renderer.preview.accessory_styles = accessory_styles_beside(path)
        return renderer

    @property
    def uses_context(self) -> bool:
        """Whether the network sees the photograph around the edit region."""
        return self.network.uses_context

    @property
    def unrefined(self) -> Renderer:
        """The renderer whose network this one's was refined from; itself if it was not."""
        return self if self._refined_from is None else self._refined_from

    def encode(self, picture: Picture, label_map: LabelMap) -> Tensor:
        """The style code of a face, 1 x style_size.

        Args:
            picture: H x W x 3 uint8 RGB.
            label_map: its own mask, h x w uint8 0..18, of the same proportions.

        Raises:
            UserError: the proportions differ, or a label is over 18.
        """
        return self.encode_batch([picture], [label_map])

    @torch.no_grad()
    def encode_batch(self, pictures: Sequence[Picture], label_maps: Sequence[LabelMap]) -> Tensor:
        """The style codes of faces, N x style_size.

        Args:
            pictures: N H x W x 3 uint8 RGB images.
            label_maps: their own masks, h x w uint8 0..18, all of one working size.

        Raises:
            UserError: as for ``encode``.
        """
        for picture, label_map in zip(pictures, label_maps, strict=True):
            check_labels(label_map)
            require_same_proportions(picture, label_map)
        images = torch.cat([self.image(*pair) for pair in zip(pictures, label_maps, strict=True)])
        with self._autocast():
            return self.network.encode(images, self._one_hot(label_maps)).float()

    @torch.no_grad()
    def synthesise(self, label_maps: Sequence[LabelMap], styles: Tensor, context: Context | None = None) -> Tensor:
        """Faces for masks, N x 3 x h x w in [-1, 1] of the masks' working size.

        Args:
            label_maps: N label maps, uint8 0..18, all of one working size.
            styles: their style codes, N x style_size.
            context: the photographs at the working size, for a network that sees them; ``None``: it draws everything.
        """
        if context is not None:
            context = replace(context, image=context.image.to(self._device), hole=context.hole.to(self._device))
        with self._autocast():
            return self.network.synthesise(self._one_hot(label_maps), styles, context).float()

    @torch.no_grad()
    def known_levels(self, image: Tensor, label_map: LabelMap) -> Sequence[Tensor]:
        """What the network's encoder makes of a photograph, which saves edits of it time; see ``KnownSources``.

        Args:
            image: the photograph at the working size, 1 x 3 x h x w in [-1, 1].
            label_map: its own mask, uint8 0..18.

        Returns:
            The encoder's first levels, 1 x C x h' x w' each, the largest first; empty if the network has none.
        """
        with self._autocast():
            return self.network.known_levels(image, self._one_hot([label_map]))

    @property
    def has_part_styles(self) -> bool:
        """Whether styles of single parts of a face can be mixed in."""
        return self.network.has_part_styles

    def style_parts(self, parts: Iterable[int | str]) -> tuple[int, ...]:
        """Classes whose styles can be mixed in, by index, name or title, as ascending indices.

        Raises:
            UserError: one is no class, there is none, or the network has no styles of parts.
        """
        indices = class_indices(parts, "parts of a style")
        if not self.has_part_styles:
            raise UserError(
                "parts of a style: these weights have none, only a style of the whole face; copy that, or use others"
            )
        return indices

    def mix_styles(
        self, own: Tensor, other: Tensor, strength: float, parts: Iterable[int | str] | None = None
    ) -> Tensor:
        """The style code ``strength`` of the way from ``own`` to ``other``; exactly either one at 0 and 1.

        Args:
            own: N x style_size.
            other: N x style_size.
            strength: 0..1.
            parts: classes whose codes alone are mixed; the rest is ``own``. ``None``: everything is mixed.

        Raises:
            UserError: ``strength`` is not within 0..1, or as for ``style_parts``.
        """
        check_strength(strength)
        if parts is None:
            return torch.lerp(own, other, strength)
        chosen = self.network.part_style_mask(self.style_parts(parts)).to(own.device)
        return torch.where(chosen, torch.lerp(own, other, strength), own)

    def start_refinement(
        self, picture: Picture, label_map: LabelMap, steps: int, parser: FaceParser | None = None
    ) -> Refinement:
        """A refinement to a face's photograph, to be made step by step; ``refined_model`` takes its result.

        Args:
            picture: H x W x 3 uint8 RGB.
            label_map: its own mask, as for ``encode``.
            steps: 0 to 1000.
            parser: whose features compare faces, on this renderer's device; ``None``: the one that ships is loaded.

        Raises:
            UserError: as for ``encode``, or the number of steps is out of range.
        """
        style = self.encode(picture, label_map)
        if parser is None:
            loaded, _ = load_weights(shipped_weights("parser"), model_type="parser")
            assert isinstance(loaded, FaceParser)
            parser = loaded.to(device=self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        # The preview's network is the coarse part of an edit network, which makes more of a style than the details do.
        small = self.preview
        image, mask = small.image(picture, label_map), small._one_hot([label_map])
        network = small.network.module
        if isinstance(network, DenseMappingNetwork):
            return NetworkRefinement(network, parser, image, mask, style, steps)
        coarse = network.coarse if isinstance(network, EditNetwork) else network
        assert isinstance(coarse, CoarseEditNetwork)
        return RegionStyleRefinement(coarse, parser, image, mask, style, steps, self._precision == "bf16")

    def refined_with(self, network: DenseMappingNetwork) -> Renderer:
        """A renderer with the network that a refinement gave, for the face that it was made to."""
        renderer = Renderer(network, self._resolution, self._device, self._precision)
        renderer._refined_from = self.unrefined
        return renderer

    def working_size(self, label_map: LabelMap) -> tuple[int, int]:
        """Height and width for the network: the longer side at its resolution, both multiples that it can halve."""
        multiple = max(self.network.size_multiple, 32)
        scale = self._resolution / max(label_map.shape)
        height, width = (max(round(side * scale / multiple), 2) * multiple for side in label_map.shape)
        return height, width

    def image(self, picture: Picture, label_map: LabelMap) -> Tensor:
        """The picture at its mask's working size, 1 x 3 x h x w in [-1, 1], on this renderer's device."""
        return to_tensor(resize_picture(picture, self.working_size(label_map)), self._device)

    def _one_hot(self, label_maps: Sequence[LabelMap]) -> Tensor:
        resized = [torch.from_numpy(resize_label_map(m, self.working_size(m)).copy()) for m in label_maps]
        return one_hot(torch.stack(resized).to(self._device), self.network.num_classes)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device, torch.bfloat16, enabled=self._precision == "bf16")


def load_network(path: Path) -> tuple[nn.Module, int]:
    """The network of a weights file that renders faces, and the resolution that it works at.

    Raises:
        UserError: the file is missing, damaged, or of another model type.
    """
    network, info = load_weights(path, model_type=("dense-mapping", "edit"))
    return network, info.resolution


def check_strength(strength: float) -> None:
    """Raise unless that much of a style can be mixed in.

    Raises:
        UserError: it is not within 0..1.
    """
    if not 0 <= strength <= 1:
        raise UserError(f"a style's strength is between 0 and 1, not {strength}")


def require_same_proportions(picture: Picture, label_map: LabelMap) -> None:
    """Raise unless picture and label map show the same frame.

    Raises:
        UserError: giving both sizes.
    """
    ratio = (picture.shape[1] / picture.shape[0]) / (label_map.shape[1] / label_map.shape[0])
    if abs(ratio - 1) > _ASPECT_TOLERANCE:
        raise UserError(
            f"the mask is {size_text(label_map)} and the picture {size_text(picture)}: "
            "they have other proportions, so the mask belongs to another picture or was cropped"
        )


def size_text(array: Picture | LabelMap) -> str:
    """Width and height as people write them, such as 512x384."""
    return f"{array.shape[1]}x{array.shape[0]}"
