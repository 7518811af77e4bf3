"""Traces a model to an ONNX file with dynamic height and width."""

import io
import warnings
from collections.abc import Mapping

import torch
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.export.graph import TracedGraph
from ir_transfer.export.metadata import IMAGE, OUTPUT, STRENGTH, require_package
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.style_facts import POLARITY
from ir_transfer.models.thermal import ThermalModel

_OPSET = 17
_TRACED_SIZE = (200, 264)  # all levels of the neck have several positions, and no side is a multiple of 16


def require_exportable(model: TranslationModel) -> ThermalModel:
    """Return a model if it can be exported.

    Raises:
        InputError: The model is not compact, or ONNX lacks an operation that it needs.
    """
    if not isinstance(model, ThermalModel):
        raise InputError(
            f"expected a compact system to export, got model {model.info.name!r} of another kind: see the models "
            "with tiling 'overview' in ir-transfer models"
        )
    if model.info.name == "style_swap":
        raise InputError(
            "expected a model with a fixed graph to export, got style_swap, whose patch search depends on the image "
            "size: choose another compact model"
        )
    if (alignment := model.hyper_parameters.get("alignment", "moments")) != "moments":
        raise InputError(
            f"expected option alignment=moments to export, got {alignment!r}, for which ONNX has no operation: "
            "omit the option"
        )
    return model


def trace(model: ThermalModel, style: Mapping[str, Tensor], *, baked: bool) -> bytes:
    """Return a model as an ONNX file without metadata.

    Args:
        model: Model in evaluation mode, on the CPU, in float32.
        style: Style tensors, each of any shape; without ``baked``, only their names and shapes are used.
        baked: Whether to store the style in the file; otherwise each tensor is an input of the same name.

    Raises:
        MissingPackageError: The extra ``export`` is not installed.
    """
    require_package("onnx")
    names = tuple(sorted(style))
    graph = TracedGraph(model, names, style if baked else None).eval()
    extra = () if baked else tuple(style[name] for name in names)
    image = torch.rand(1, 3, *_TRACED_SIZE, generator=torch.Generator().manual_seed(0))
    size = {2: "height", 3: "width"}
    written = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        # These warn of constants, and that the tracing exporter is deprecated. The newer exporter rejects the overview,
        # whose size depends on a value. Every export is compared with torch at ten sizes, which checks the constants.
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


def inverted(code: StyleCode) -> StyleCode:
    """Return a style with the opposite polarity."""
    return StyleCode(code.model, {**code.tensors, POLARITY: -code.tensors[POLARITY]}, code.metadata)
