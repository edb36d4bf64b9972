"""The coarse part of the edit network, which draws at half of the picture's side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskgan.config import EditNetworkConfig
from maskgan.networks.edit_layers import (
    DownBlock,
    ResidualBlock,
    SelfAttention,
    UpBlock,
    initialise,
    pixel_norm,
    stem_input,
    with_hole,
)
from maskgan.networks.region_style_encoder import RegionStyleEncoder
from maskgan.networks.regions import downsample, downsample_pyramid, mask_to_regions, num_regions, region_indices
from maskgan.networks.windows import cut_window, halve_window, put_window, renew_features, seen_from, window_around

# Last levels of the decoder, whose windows are whole cells.
_LOCAL_LEVELS = 2
KNOWN_LEVELS = 3
"""First levels of the encoder, whose features of a photograph are worth keeping; later ones cost little."""


class KnownLevels(NamedTuple):
    """What the encoder made of photographs without a hole, for edits of them.

    Attributes:
        levels: see ``EditNetwork.known_levels``.
        changed: top, bottom, left and right of the window that all holes, and labels other than the photographs', lie
            in, int64 of shape 4, in cells of ``window_cell`` pixels.
    """

    levels: Sequence[Tensor]
    changed: Tensor


class CoarseDrawing(NamedTuple):
    """What the coarse network made; the detail level takes all but ``levels``.

    Attributes:
        image: N x 3 x H x W, float32: the photograph outside of the hole.
        features: N x base_channels x H/2 x W/2.
        fine: N x base_channels/4 x H x W.
        regions: of the mask, N x regions x H x W.
        levels: the encoder's first, N x C x H/2 x W/2 of the whole picture, then N x C' x H/4 x W/4 and so on; of a
            photograph without a hole, what ``KnownLevels`` takes.
    """

    image: Tensor
    features: Tensor
    fine: Tensor
    regions: Tensor
    levels: Sequence[Tensor] = ()


class CoarseEditNetwork(nn.Module):
    """A U-Net whose skips bring the surroundings of the hole to its border.

    Each pixel is normalised over its channels, never a channel over the picture: absolute colours of the context
    survive, and no feature can tower above the rest of its map, which is where droplet artefacts come from (Karras et
    al., CVPR 2020, section 2). Decoder layers are modulated region by region with style codes, as in SEAN (Zhu et al.,
    CVPR 2020). It works at half of the picture's side behind a pixel-unshuffle stem (Shi et al., CVPR 2016).
    """

    def __init__(self, config: EditNetworkConfig) -> None:
        super().__init__()
        self.config = config
        widths = [min(config.base_channels * 2**i, config.max_channels) for i in range(config.downsamplings + 1)]
        self.style_encoder = RegionStyleEncoder(config)
        self.stem = nn.Conv2d(4 * 4 + config.num_classes, widths[0], 3, padding=1)
        self.down = nn.ModuleList(DownBlock(a, b) for a, b in pairwise(widths))
        self.attention = SelfAttention(widths[-1])
        self.residual = nn.ModuleList(
            ResidualBlock(widths[-1], config.code_size) for _ in range(config.residual_blocks)
        )
        self.up = nn.ModuleList(UpBlock(a, b, config.code_size) for a, b in pairwise(widths[::-1]))
        fine = widths[0] // 4
        self.to_fine = nn.Conv2d(widths[0], 4 * fine, 1)
        self.refine = nn.Conv2d(fine + 4, fine, 3, padding=1)
        self.head = nn.Conv2d(fine + 4, 3, 3, padding=1)
        initialise(self)
        nn.init.normal_(self.head.weight, 0.0, 0.02)

    @property
    def size_multiple(self) -> int:
        """Height and width of pictures must be multiples of this."""
        return int(2 ** (self.config.downsamplings + 1))

    @property
    def window_cell(self) -> int:
        """Pixels a side of the cells that windows of ``draw`` are made of."""
        return int(2 ** (self._local_levels + 1))

    @property
    def window_margin(self) -> int:
        """Pixels from the border of a window within which ``draw`` differs from what it draws without a window."""
        # Two 3x3 convolutions at the full side, and at each level one and an enlarging one.
        return 2 + sum(2 * 2**level for level in range(1, self._local_levels + 1))

    @property
    def _local_levels(self) -> int:
        return min(_LOCAL_LEVELS, len(self.up))

    def part_style_mask(self, labels: Iterable[int]) -> Tensor:
        """See ``EditNetwork.part_style_mask``."""
        chosen = torch.zeros(num_regions(self.config.num_classes), dtype=torch.bool)
        chosen[region_indices(labels, self.config.num_classes)] = True
        return chosen.repeat_interleave(self.config.code_size)

    def encode_style(self, image: Tensor, mask: Tensor, dropped: Tensor | None = None) -> Tensor:
        """See ``EditNetwork.encode_style``."""
        return self.style_encoder(image, mask_to_regions(mask), dropped).flatten(1)

    def window(self, hole: Tensor) -> Tensor | None:
        """See ``EditNetwork.window``."""
        return window_around(hole, self.window_cell, self.window_margin)

    def known_levels(self, image: Tensor, mask: Tensor) -> list[Tensor]:
        """See ``EditNetwork.known_levels``."""
        return self._encode(with_hole(image, torch.zeros_like(image[:, :1])), mask, count=KNOWN_LEVELS)

    def forward(
        self,
        mask: Tensor,
        style: Tensor,
        image: Tensor,
        hole: Tensor,
        window: Tensor | None = None,
        known: KnownLevels | None = None,
    ) -> Tensor:
        """See ``EditNetwork.forward``."""
        drawn = self.draw(mask, style, image, hole, window, known).image
        return drawn if window is None else put_window(image.float(), drawn, window, self.window_cell)

    def draw(
        self,
        mask: Tensor,
        style: Tensor,
        image: Tensor,
        hole: Tensor,
        window: Tensor | None = None,
        known: KnownLevels | None = None,
    ) -> CoarseDrawing:
        """The picture and the features that it was drawn from; other arguments as for ``forward``.

        Args:
            mask: see ``EditNetwork.forward``.
            style: see there.
            image: see there.
            hole: see there.
            window: top, bottom, left and right of what to draw, int64 of shape 4, in cells of ``window_cell`` pixels;
                what is returned covers this window alone, but for ``levels``. ``None``: everything.
            known: see ``EditNetwork.forward``.
        """
        codes = style.view(style.shape[0], -1, self.config.code_size)
        context = with_hole(image, hole)
        regions = mask_to_regions(mask)
        shares = downsample_pyramid(downsample(regions, 2), len(self.up) + 1)
        *skips, x = self._encode(context, mask, known)
        x = self.attention(x)
        for block in self.residual:
            x = block(x, codes, shares[0])
        x = self._decode(x, skips, codes, shares, window)
        if window is not None:
            context, image, hole, regions = (
                cut_window(each, window, self.window_cell) for each in (context, image, hole, regions)
            )
        fine = F.silu(F.pixel_shuffle(self.to_fine(x), 2))
        context = context.to(fine.dtype)
        fine = fine + F.silu(self.refine(torch.cat([fine, context], dim=1)))
        drawn = self.head(torch.cat([fine, context], dim=1)).float()
        return CoarseDrawing(torch.where(hole > 0, drawn, image.float()), x, fine, regions, skips[:KNOWN_LEVELS])

    def _encode(
        self, context: Tensor, mask: Tensor, known: KnownLevels | None = None, count: int | None = None
    ) -> list[Tensor]:
        """The encoder's features, the largest first.

        Args:
            context: of ``with_hole``.
            mask: see ``draw``.
            known: see ``EditNetwork.forward``.
            count: how many levels to compute, without ``known``; ``None``: all.
        """
        layers: list[Callable[..., Tensor]] = [self._embed, *self.down][:count]
        inputs: tuple[Tensor, ...] = (context, mask.to(context.dtype))
        features: list[Tensor] = []
        if known is not None:
            changed = known.changed * self.window_cell
            for level in known.levels:
                x, changed = renew_features(layers.pop(0), inputs, level, changed)
                features.append(x)
                inputs = (x,)
        for layer in layers:
            features.append(layer(*inputs))
            inputs = (features[-1],)
        return features

    def _embed(self, context: Tensor, mask: Tensor) -> Tensor:
        """The stem."""
        return F.silu(pixel_norm(self.stem(stem_input(context, mask))))

    def _decode(
        self, x: Tensor, skips: Sequence[Tensor], codes: Tensor, shares: Sequence[Tensor], window: Tensor | None
    ) -> Tensor:
        """The features that are drawn from, in a window of ``draw``.

        Args:
            x: the encoder's last features.
            skips: those before, the largest first.
            codes: style codes.
            shares: of regions in the pixels of all levels, the smallest first; of the encoder's last features, too.
            window: see ``draw``.
        """
        # ``windows[level]``: the part of this level's input that the next one's depends on.
        windows: dict[int, Tensor] = {}
        if window is not None:
            far = len(self.up) - self._local_levels
            windows[far] = window
            for level in range(far - 1, -1, -1):
                # A 3x3 convolution, and an enlarging one.
                windows[level] = halve_window(windows[level + 1], 2, shares[level])
        place = torch.zeros(4, dtype=torch.int64)  # what x covers
        for level, (up, skip, share) in enumerate(zip(self.up, reversed(skips), shares[1:], strict=True)):
            if level in windows:
                x = cut_window(x, seen_from(windows[level], place))
                place = windows[level]
            if window is not None and level >= min(windows):
                place = 2 * place
                skip, share = cut_window(skip, place), cut_window(share, place)
            x = up(x, skip, codes, share)
        return x
