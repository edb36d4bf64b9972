"""Graphs as ONNX files: traced, weights stored as float16, described by metadata.

Operators are those of opset 18 that ONNX Runtime Web runs in WebAssembly; float16 weights are cast to float32 when a
file is opened, so results are float32's.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from typing import Any

import numpy as np
import torch

from maskgan import __version__
from maskgan.config_dict import to_dict
from maskgan.errors import MaskGANError, UserError
from maskgan.export.graphs import Graph, TensorSpec

OPSET = 18
METADATA_KEY = "maskgan"
"""Entry of an ONNX file's metadata: the JSON object that ``describe`` makes."""

_SMALLEST_HALF = 64  # numbers in a constant from which it is stored as float16
_TYPES = {torch.float32: "float32", torch.uint8: "uint8", torch.int64: "int64"}


def describe(graph: Graph, weights_sha256: str) -> dict[str, Any]:
    """What the metadata of a file and the manifest say of a graph, as JSON types."""
    return {
        "model_type": graph.info.model_type,
        "config": to_dict(graph.info.config),
        "resolution": graph.info.resolution,
        "label_order": graph.info.label_order,
        "weights_sha256": weights_sha256,
        "licence": graph.info.licence,
        "provenance": graph.info.provenance,
        "inputs": {name: _tensor(spec) for name, spec in graph.inputs.items()},
        "outputs": {name: _tensor(spec) for name, spec in graph.outputs.items()},
    }


def to_onnx(graph: Graph, description: Mapping[str, Any]) -> bytes:
    """An ONNX file.

    Raises:
        UserError: the library ``onnx`` is not installed.
        MaskGANError: torch cannot export the graph.
    """
    onnx = require_onnx()
    traced = BytesIO()
    _register_operators()
    module = graph.module.eval()
    try:
        # torch prints the graph of what it cannot export.
        with redirect_stdout(StringIO()), warnings.catch_warnings(), torch.no_grad():
            # That sizes which decide nothing were read, and that a newer exporter exists (see docs/decisions.md).
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                tuple(spec.example(graph.sizes) for spec in graph.inputs.values()),
                traced,  # type: ignore[arg-type]  # the TorchScript exporter takes streams
                dynamo=False,
                opset_version=OPSET,
                # Batch normalisation stays apart: folded into convolutions, weights would no longer be float16's.
                training=torch.onnx.TrainingMode.PRESERVE,
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
                dynamic_axes={name: _free(spec) for name, spec in (*graph.inputs.items(), *graph.outputs.items())},
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise MaskGANError(f"{graph.name}: torch {torch.__version__} cannot export it: {_first_line(error)}") from error
    model = onnx.load_from_string(traced.getvalue())
    _keep_inputs(onnx, model, graph)
    _store_half(onnx, model)
    model.producer_name, model.producer_version = "maskgan", __version__
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(description)})
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def require_onnx() -> Any:
    """The library ``onnx``.

    Raises:
        UserError: it is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise UserError("exporting networks needs the library onnx: run pip install 'maskgan[export]'") from None
    return onnx


def _free(spec: TensorSpec) -> dict[int, str]:
    return {i: axis for i, axis in enumerate(spec.shape) if isinstance(axis, str)}


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"type": _TYPES[spec.dtype], "shape": list(spec.shape)}


def _keep_inputs(onnx: Any, model: Any, graph: Graph) -> None:
    """Put inputs back that the network does not read and the exporter dropped: each kind of graph has its own."""
    kept = {value.name: value for value in model.graph.input}
    types = {
        torch.float32: onnx.TensorProto.FLOAT,
        torch.uint8: onnx.TensorProto.UINT8,
        torch.int64: onnx.TensorProto.INT64,
    }
    del model.graph.input[:]
    for name, spec in graph.inputs.items():
        unread = onnx.helper.make_tensor_value_info(name, types.get(spec.dtype, 0), spec.shape)
        model.graph.input.append(kept.get(name, unread))


def _store_half(onnx: Any, model: Any) -> None:
    """Store large float32 constants as float16 and cast them; what float16 cannot hold stays."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if values.size < _SMALLEST_HALF or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=1))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])


def _register_operators() -> None:
    """Operators that torch's exporter does not know."""
    register: Callable[..., None] = torch.onnx.register_custom_op_symbolic  # type: ignore[attr-defined]
    register("aten::_upsample_bicubic2d_aa", _bicubic_antialias, OPSET)


def _bicubic_antialias(g: Any, image: Any, size: Any, align_corners: Any, scales: Any) -> Any:
    """Enlarging by bicubic interpolation with antialias=True: Keys' kernel with -0.5, cut off at the border."""
    from torch.onnx import symbolic_helper

    del size, align_corners
    factors = symbolic_helper._maybe_get_const(scales, "fs")
    empty = g.op("Constant", value_t=torch.tensor([], dtype=torch.float32))
    return g.op(
        "Resize",
        image,
        empty,
        g.op("Constant", value_t=torch.tensor([1.0, 1.0, *factors])),
        mode_s="cubic",
        cubic_coeff_a_f=-0.5,
        exclude_outside_i=1,
        coordinate_transformation_mode_s="half_pixel",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
