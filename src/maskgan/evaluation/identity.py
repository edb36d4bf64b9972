"""Face embeddings, whose cosine says whether two images show one person.

The own network learnt from 12,000 images; for a number that others can compare, give dlib's network or an ArcFace.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from maskgan.checkpoints.weights import load_weights
from maskgan.data.labelled import middle
from maskgan.errors import UserError
from maskgan.evaluation.batching import to_images
from maskgan.files import require_file
from maskgan.images import Picture, resize_picture
from maskgan.networks.resnet import IdentityNetwork
from maskgan.torch_files import check_script

_ARCFACE_SIDE = 112
# Where a network's crop lies in an aligned CelebA-HQ or FFHQ face: top, bottom, left, right, as fractions.
_Box = tuple[float, float, float, float]
_ARCFACE_CROP = (35 / 256, 223 / 256, 32 / 256, 220 / 256)
_DLIB_SIDE = 150
_DLIB_CROP = (69 / 256, 245 / 256, 40 / 256, 216 / 256)  # the mean of what dlib's own landmarks give on 30 faces


class Embedding(Protocol):
    """Maps faces to unit vectors."""

    name: str
    """The network, as shown in tables."""

    def __call__(self, pictures: Sequence[Picture], aligned: bool = True) -> NDArray[np.float64]:
        """Embed a batch.

        Args:
            pictures: N H x W x 3 uint8 images of any sizes.
            aligned: whole faces, aligned as in CelebA-HQ; ``False`` for crops of them.

        Returns:
            N x D float64; rows have length 1.
        """
        ...


class OwnEmbedding:
    """The network that ``maskgan train identity`` trains."""

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
    def __call__(self, pictures: Sequence[Picture], aligned: bool = True) -> NDArray[np.float64]:
        """See ``Embedding``."""
        images = to_images([middle(picture) for picture in pictures], self._side, self._device)
        return self._network(images).double().cpu().numpy()


class ArcFace:
    """A network that the user brings: N x 3 x 112 x 112 RGB in [-1, 1] to embeddings."""

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
                check_script(path)
                self._script = torch.jit.load(str(path), map_location=device).eval()  # type: ignore[no-untyped-call]
            self._run(np.zeros((1, 3, _ARCFACE_SIDE, _ARCFACE_SIDE), np.float32))
        except UserError:
            raise
        except Exception as error:  # both libraries raise many kinds
            raise UserError(
                f"{path}: is no face embedding for 1 x 3 x 112 x 112 images ({type(error).__name__}); give an "
                "ArcFace as ONNX or TorchScript"
            ) from error
        self._takes_batches = self._try_batch()

    def __call__(self, pictures: Sequence[Picture], aligned: bool = True) -> NDArray[np.float64]:
        """See ``Embedding``."""
        faces = [_crop(picture, _ARCFACE_CROP) for picture in pictures] if aligned else pictures
        images = to_images(faces, _ARCFACE_SIDE, "cpu").numpy()
        if self._takes_batches:
            vectors = self._run(images)
        else:
            vectors = np.concatenate([self._run(image[None]) for image in images])
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    @torch.no_grad()
    def _run(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """N x 3 x 112 x 112 to N x D."""
        if self._session is not None:
            output = np.asarray(self._session.run(None, {self._session.get_inputs()[0].name: images})[0])
        else:
            output = self._script(torch.from_numpy(images).to(self._device)).float().cpu().numpy()
        vectors: NDArray[np.float64] = output.astype(np.float64).reshape(len(images), -1)
        return vectors

    def _try_batch(self) -> bool:
        """Whether the network takes several images and treats each alone; exported files often take just one."""
        images = np.linspace(-1, 1, 2 * 3 * _ARCFACE_SIDE**2, dtype=np.float32)
        images = images.reshape(2, 3, _ARCFACE_SIDE, _ARCFACE_SIDE)
        alone = np.concatenate([self._run(image[None]) for image in images])
        try:
            together = self._run(images)
        except Exception:  # both libraries raise many kinds
            return False
        return together.shape == alone.shape and bool(np.allclose(together, alone, rtol=1e-3, atol=1e-4))


class Dlib:
    """dlib's face recogniser, ``dlib_face_recognition_resnet_model_v1.dat``, in the public domain.

    Source: King, "Dlib-ml: A Machine Learning Toolkit", JMLR 2009; github.com/davisking/dlib-models. It was trained by
    Euclidean distance, so even strangers' cosines are high: compare with ``--task verification``.
    """

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            UserError: it is missing or of another kind, or dlib is not installed.
        """
        require_file(path)
        try:
            import dlib
        except ImportError:
            raise UserError(f"{path}: .dat files are run by dlib: run pip install 'maskgan[dlib]'") from None
        try:
            self._network = dlib.face_recognition_model_v1(str(path))
        except RuntimeError as error:
            raise UserError(f"{path}: is not dlib_face_recognition_resnet_model_v1.dat") from error
        self.name = "dlib's ResNet-29"

    def __call__(self, pictures: Sequence[Picture], aligned: bool = True) -> NDArray[np.float64]:
        """See ``Embedding``."""
        faces = [_crop(picture, _DLIB_CROP) for picture in pictures] if aligned else pictures
        chips = [np.ascontiguousarray(resize_picture(face, (_DLIB_SIDE, _DLIB_SIDE))) for face in faces]
        vectors = np.array(self._network.compute_face_descriptor(chips), np.float64)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def open_embedding(path: Path, device: str = "cpu") -> OwnEmbedding | ArcFace | Dlib:
    """An own weights file (``.safetensors``), dlib's (``.dat``), or an ArcFace that the user brings.

    Raises:
        UserError: see these.
    """
    match path.suffix.lower():
        case ".safetensors":
            return OwnEmbedding(path, device)
        case ".dat":
            return Dlib(path)
        case _:
            return ArcFace(path, device)


def _crop(picture: Picture, box: _Box) -> Picture:
    height, width = picture.shape[:2]
    top, bottom, left, right = box
    return picture[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]


def _onnx_session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise UserError(f"{path}: ONNX files are run by onnxruntime: run pip install 'maskgan[onnx]'") from None
    onnxruntime.set_default_logger_severity(4)  # its own lines would come before our one
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
