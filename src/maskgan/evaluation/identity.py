"""Who is it? Embeddings of faces, whose cosines say how alike two are.

The own small network learnt from 12,000 faces; a number that others can compare needs an ArcFace file of theirs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from maskgan.checkpoints.weights import load_weights
from maskgan.errors import UserError
from maskgan.evaluation.attribute_predictor import centre_square
from maskgan.files import require_file
from maskgan.images import Picture, resize_picture
from maskgan.networks.resnet import IdentityNetwork
from maskgan.pixels import to_tensor

_ARCFACE_SIDE = 112
# Where ArcFace's crop lies in an aligned CelebA-HQ or FFHQ face: top, bottom, left, right, as fractions.
_ARCFACE_CROP = (35 / 256, 223 / 256, 32 / 256, 220 / 256)


class Embedding(Protocol):
    """Turns a face into numbers of which the dot product is a cosine."""

    name: str
    """Says which network a number comes from."""

    def __call__(self, picture: Picture, whole: bool = True) -> NDArray[np.float64]:
        """Embed a picture.

        Args:
            picture: H x W x 3 uint8.
            whole: an aligned face as in CelebA-HQ; ``False`` for a part of one.

        Returns:
            D numbers of length 1.
        """
        ...


class OwnEmbedding:
    """The network that ``maskgan train identity`` makes."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Load a weights file.

        Raises:
            UserError: it is missing, damaged or of another model type.
        """
        network, info = load_weights(path, model_type="identity")
        assert isinstance(network, IdentityNetwork)
        self.name = f"own ResNet-18, {info.step:,} faces seen"
        self._network = network.to(device)
        self._side = info.resolution
        self._device = device

    @torch.no_grad()
    def __call__(self, picture: Picture, whole: bool = True) -> NDArray[np.float64]:
        """See ``Embedding``."""
        return self._network(centre_square(picture, self._side, self._device))[0].double().cpu().numpy()


class ArcFace:
    """A network that the user brings: 1 x 3 x 112 x 112 RGB in [-1, 1] to an embedding."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Open a file.

        Args:
            path: ``.onnx``, or TorchScript, which is run as it is.
            device: for TorchScript; ONNX runs on the CPU.

        Raises:
            UserError: the file is missing or neither of these, or onnxruntime is not installed.
        """
        self.name = path.name
        self._device = device
        self._session: Any = None
        require_file(path)
        try:
            if path.suffix.lower() == ".onnx":
                self._session = _onnx_session(path)
            else:
                self._script = torch.jit.load(str(path), map_location=device).eval()  # type: ignore[no-untyped-call]
            self(np.zeros((_ARCFACE_SIDE, _ARCFACE_SIDE, 3), np.uint8))
        except UserError:
            raise
        except Exception as error:  # both libraries raise many kinds
            raise UserError(
                f"{path}: is no face embedding for 1 x 3 x 112 x 112 pictures ({type(error).__name__}); give an "
                "ArcFace as ONNX or TorchScript"
            ) from error

    @torch.no_grad()
    def __call__(self, picture: Picture, whole: bool = True) -> NDArray[np.float64]:
        """See ``Embedding``."""
        if whole:
            height, width = picture.shape[:2]
            top, bottom, left, right = _ARCFACE_CROP
            picture = picture[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
        small = resize_picture(picture, (_ARCFACE_SIDE, _ARCFACE_SIDE))
        image = to_tensor(small)
        if self._session is not None:
            found = np.asarray(
                self._session.run(None, {self._session.get_inputs()[0].name: np.ascontiguousarray(image)})[0]
            )
        else:
            found = self._script(image.to(self._device)).float().cpu().numpy()
        flat: NDArray[np.float64] = found.astype(np.float64).ravel()
        return flat / max(float(np.linalg.norm(flat)), 1e-12)


def open_embedding(path: Path, device: str = "cpu") -> OwnEmbedding | ArcFace:
    """An own weights file (``.safetensors``), or a network that the user brings.

    Raises:
        UserError: see both.
    """
    return OwnEmbedding(path, device) if path.suffix.lower() == ".safetensors" else ArcFace(path, device)


def _onnx_session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise UserError(f"{path}: ONNX files are run by onnxruntime: run pip install 'maskgan[onnx]'") from None
    onnxruntime.set_default_logger_severity(4)  # its own lines would come before our one
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
