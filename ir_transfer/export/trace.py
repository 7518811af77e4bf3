"""From a model to the bytes of an ONNX file, whose height and width are free."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

import torch
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.export.facts import IMAGE, OUTPUT, STRENGTH, needed
from ir_transfer.export.graph import TracedGraph
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.style_facts import POLARITY
from ir_transfer.models.thermal import ThermalModel

_OPSET = 17
_TRACED_SIZE = (200, 264)  # every level of the neck has several positions, and no side is a multiple of 16


def exportable(model: TranslationModel) -> ThermalModel:
    """Return a model as one that can be exported.

    Raises:
        InputError: It looks at no overview, or its statistics need what ONNX has no operation for.
    """
    if not isinstance(model, ThermalModel):
        raise InputError(
            f"expected a compact system to export, got model {model.info.name!r} of another kind: see the models "
            "with tiling 'overview' in ir-transfer models"
        )
    if (alignment := model.hyper_parameters.get("alignment", "moments")) != "moments":
        raise InputError(
            f"expected option alignment=moments to export, got {alignment!r}, for which ONNX has no operation: "
            "leave the option out"
        )
    return model


def trace(model: ThermalModel, style: Mapping[str, Tensor], *, baked: bool) -> bytes:
    """Return the ONNX file of a model, without metadata.

    Args:
        model: In evaluation mode, on the CPU, in float32.
        style: Tensors of a style, each of any shape; only the shapes matter unless they are baked in.
        baked: Whether the style is kept inside; otherwise each tensor is an input of its own name.

    Raises:
        MissingPackageError: The extra ``export`` is not installed.
    """
    needed("onnx")
    names = tuple(sorted(style))
    graph = TracedGraph(model, names, style if baked else None).eval()
    extra = () if baked else tuple(style[name] for name in names)
    image = torch.rand(1, 3, *_TRACED_SIZE, generator=torch.Generator().manual_seed(0))
    size = {2: "height", 3: "width"}
    written = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        # Of constants and of the tracing exporter's age: the newer one refuses the overview, whose size depends on a
        # value. That the trace holds for other sizes is checked on images of ten sizes after every export.
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)  # type: ignore[attr-defined]
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=UserWarning)
        torch.onnx.export(
            graph,
            (image, torch.ones(1), *extra),
            written,  # type: ignore[arg-type]  # the tracing exporter takes a buffer
            dynamo=False,
            opset_version=_OPSET,
            input_names=[IMAGE, STRENGTH, *(() if baked else names)],
            output_names=[OUTPUT],
            dynamic_axes={IMAGE: size, OUTPUT: size},
        )
    return written.getvalue()


def turned(code: StyleCode) -> StyleCode:
    """Return a style whose results are the inverse."""
    return StyleCode(code.model, {**code.tensors, POLARITY: -code.tensors[POLARITY]}, code.metadata)
