"""Weights out of ONNX files, as numpy arrays; nothing of the file is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgan.errors import UserError
from maskgan.files import require_file

FloatArray = NDArray[np.float32]


class OnnxWeights:
    """The constants of a graph, quantised ones as float32.

    Attributes:
        path: of the file.
        tensors: by name: initializers, and what ``DequantizeLinear`` and ``Reshape`` make of them.
        convolutions: weight and bias of each ``Conv`` in the order of the graph; a bias may be absent.
    """

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            UserError: the library ``onnx`` or the file is missing, or it is no ONNX file.
        """
        try:
            import onnx
        except ImportError:
            raise UserError(f"{path}: reading it needs the library onnx: run pip install 'maskgan[train]'") from None
        self.path = require_file(path)
        try:
            graph = onnx.load(str(path), load_external_data=False).graph
        except Exception as error:  # the parser raises many kinds
            raise UserError(f"{path}: is no ONNX file ({type(error).__name__})") from error
        self.convolutions: list[tuple[FloatArray, FloatArray | None]] = []
        try:
            constants = self._constants(graph, onnx.numpy_helper.to_array)
        except Exception as error:  # what a graph says of its tensors may be wrong in any way
            raise UserError(f"{path}: its tensors do not fit its graph ({error}); get the file again") from error
        self.tensors: Mapping[str, FloatArray] = {
            name: values.astype(np.float32) for name, values in constants.items() if values.dtype.kind in "fiu"
        }

    def _constants(self, graph: Any, to_array: Callable[[Any], NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Initializers and what is made of them; fills ``convolutions``."""
        if any(tensor.external_data for tensor in graph.initializer):
            raise ValueError("they lie in other files")
        constants = {tensor.name: to_array(tensor) for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type in ("DequantizeLinear", "Reshape") and all(name in constants for name in node.input):
                values = [constants[name] for name in node.input]
                if node.op_type == "Reshape":
                    constants[node.output[0]] = values[0].reshape(values[1])
                else:
                    constants[node.output[0]] = _dequantised(values[0], values[1], values[2], _axis(node))
            elif node.op_type == "Conv":
                weight, *bias = (constants[name].astype(np.float32) for name in node.input[1:])
                self.convolutions.append((weight, bias[0] if bias else None))
        return constants


def _axis(node: Any) -> int:
    return next((a.i for a in node.attribute if a.name == "axis"), 1)


def _dequantised(quantised: NDArray[Any], scales: NDArray[Any], zeros: NDArray[Any], axis: int) -> NDArray[np.float32]:
    """``(quantised - zero) * scale``, with one scale for each block along an axis."""
    block = -(-quantised.shape[axis] // scales.shape[axis]) if scales.ndim else 1
    if scales.ndim:
        scales, zeros = (
            np.repeat(t, block, axis=axis).take(range(quantised.shape[axis]), axis=axis) for t in (scales, zeros)
        )
        if not scales.shape == zeros.shape == quantised.shape:
            raise ValueError(f"scales of {scales.shape} for a tensor of {quantised.shape}")
    return (quantised.astype(np.float32) - zeros.astype(np.float32)) * scales.astype(np.float32)
