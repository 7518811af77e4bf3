"""Exported files: metadata, execution at any size, and no file after a failed check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from numpy.typing import NDArray

from ir_transfer import __version__, create_model
from ir_transfer.conversion.exported import make
from ir_transfer.conversion.exported.make import ExportOptions, export_file
from ir_transfer.errors import InputError, MissingFileError, WeightsError
from ir_transfer.export.check import Difference, check_difference, largest_difference, style_inputs
from ir_transfer.export.metadata import ExportMetadata, FileKind, read_metadata, runtime_for
from ir_transfer.export.sessions import OnnxRuntimeSession, OpenVinoSession, inputs_of, open_session
from tests.export.exported_files import exemplar_file, export_small, random_image, small_weights
from tests.models.small_thermal import scene

Exported = tuple[Path, ExportMetadata]


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_small(tmp_path_factory.mktemp("onnx"), "onnx", polarity="black-hot")


@pytest.fixture(scope="module")
def openvino_file(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_small(tmp_path_factory.mktemp("openvino"), "openvino", "wct2")


@pytest.fixture(scope="module")
def open_style_file(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_small(tmp_path_factory.mktemp("open"), "onnx", baked=False)


def test_onnx_file_has_metadata(onnx_file: Exported) -> None:
    path, facts = onnx_file
    found = onnxruntime.InferenceSession(str(path)).get_modelmeta().custom_metadata_map
    weights = create_model("adain", small_path(path)).weights_hash
    assert found["ir_transfer.model"] == "adain"
    assert found["ir_transfer.weights_hash"] == weights
    assert found["ir_transfer.style_name"].endswith("look.png")
    assert found["ir_transfer.polarity"] == "black-hot"
    assert found["ir_transfer.version"] == __version__
    assert "sRGB" in found["ir_transfer.preprocessing"]
    assert float(found["ir_transfer.largest_difference"]) <= 1e-3
    assert read_metadata(path) == facts


def small_path(exported: Path) -> Path:
    return exported.parent / f"small-{exported.stem.removesuffix('-any')}.safetensors"


def test_openvino_file_has_the_same_metadata(openvino_file: Exported) -> None:
    path, facts = openvino_file
    assert read_metadata(path) == facts
    assert (facts.model, facts.polarity, facts.precision) == ("wct2", "white-hot", "float32")
    assert facts.is_baked
    assert openvino.Core().read_model(path).inputs[0].any_name == "image"


@pytest.mark.parametrize("size", [(16, 16), (37, 61), (200, 140)])
def test_files_run_at_other_sizes(onnx_file: Exported, openvino_file: Exported, size: tuple[int, int]) -> None:
    for path, _ in (onnx_file, openvino_file):
        image = random_image(*size)
        model = create_model(path.stem, small_path(path))
        style = make.prepare_export(options_for(path)).code
        with torch.inference_mode():
            wanted = model(torch.from_numpy(image), style, 0.7).numpy()
        found = open_session(path, runtime_for(str(path), None), 1).run(inputs_of(image, 0.7, {}))
        np.testing.assert_allclose(found, wanted, atol=1e-3)


def options_for(path: Path) -> ExportOptions:
    """Return the options of an exported file of the fixtures."""
    kind: FileKind = "onnx" if path.suffix == ".onnx" else "openvino"
    style = (str(exemplar_file(path.parent)),)
    weights = str(small_path(path))
    polarity = read_metadata(path).polarity
    return ExportOptions(path.stem, path, kind, style, None, weights, polarity, white_hot=True)  # type: ignore[arg-type]


def test_file_with_style_inputs_accepts_any_style(open_style_file: Exported) -> None:
    path, facts = open_style_file
    assert facts.style_inputs.split(",")[:3] == ["detail.contrast", "grain.deviation", "level0.mean"]
    assert (facts.style, facts.polarity) == ("", "")
    model = create_model("adain", small_path(path))
    session = OnnxRuntimeSession(path, 1)
    image = scene(50, 70)
    for seed, white_hot in ((5, True), (6, False)):
        code = model.prepare([scene(60, 80, seed, channels=1)], white_hot=white_hot)
        with torch.inference_mode():
            wanted = model(image, code).numpy()
        found = session.run(inputs_of(image.numpy(), 1.0, style_inputs(code)))
        np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_openvino_runs_onnx_files_with_fixed_and_dynamic_shapes(onnx_file: Exported) -> None:
    image = random_image(33, 47)
    wanted = OnnxRuntimeSession(onnx_file[0], 1).run(inputs_of(image, 1.0, {}))
    for shapes in ("static", "dynamic"):
        session = OpenVinoSession(onnx_file[0], 1, shapes=shapes)
        np.testing.assert_allclose(session.run(inputs_of(image, 1.0, {})), wanted, atol=1e-4)


def test_mismatch_with_torch_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ir_transfer.export.graph.CURVE_SHARE", 0.2)
    with pytest.raises(InputError, match=r"match torch within 0\.001, got a difference of .* no file was written"):
        export_small(tmp_path, "onnx")
    assert not [path.name for path in tmp_path.iterdir() if "onnx" in path.name]


def test_check_detects_wrong_sizes_and_nan(onnx_file: Exported) -> None:
    path, _ = onnx_file
    found = make.prepare_export(options_for(path))

    class Damaged(OnnxRuntimeSession):
        def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
            made = super().run(inputs)
            return np.full_like(made, np.nan) if made.shape[2] == 48 else made

    difference = largest_difference(found.model, found.code, Damaged(path, 1), baked=True, sizes=((16, 20), (48, 50)))
    assert difference[1:] == (48, 50)
    with pytest.raises(InputError, match="50 x 48"):
        check_difference(difference, path)
    check_difference(Difference(1e-3, 1, 1), path)


def test_msgnet_can_be_exported(tmp_path: Path) -> None:
    _, facts = export_small(tmp_path, "onnx", "msgnet")
    assert float(facts.largest_difference) <= 1e-3


def test_existing_file_is_not_overwritten(onnx_file: Exported) -> None:
    with pytest.raises(InputError, match="--overwrite"):
        export_file(options_for(onnx_file[0]))


def test_incompatible_options_are_rejected(tmp_path: Path) -> None:
    options = ExportOptions("adain", tmp_path / "a.xml", "onnx")
    with pytest.raises(InputError, match=r"end in \.onnx"):
        options.check()
    with pytest.raises(InputError, match="--style with --polarity"):
        replace(options, out=tmp_path / "a.onnx", polarity="white-hot").check()


def test_files_without_metadata_are_rejected(tmp_path: Path, onnx_file: Exported) -> None:
    import onnx

    other = onnx.load(str(onnx_file[0]))
    del other.metadata_props[:]
    onnx.save(other, str(tmp_path / "other.onnx"))
    with pytest.raises(WeightsError, match="without metadata on model"):
        read_metadata(tmp_path / "other.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"bad\.onnx"):
        read_metadata(tmp_path / "bad.onnx")
    (tmp_path / "bad.xml").write_text("nothing")
    with pytest.raises(WeightsError, match=r"bad\.xml"):
        read_metadata(tmp_path / "bad.xml")
    with pytest.raises(MissingFileError, match=r"none\.onnx"):
        read_metadata(tmp_path / "none.onnx")


def test_runtime_is_selected_by_the_file() -> None:
    assert runtime_for(None, None) == runtime_for("adain-nir", "torch") == "torch"
    assert runtime_for("a.onnx", None) == "onnxruntime"
    assert runtime_for("a.onnx", "openvino") == runtime_for("a.xml", None) == "openvino"
    for path, asked in (
        ("a.onnx", "torch"),
        ("a.xml", "onnxruntime"),
        ("a.safetensors", "onnxruntime"),
        (None, "openvino"),
    ):
        with pytest.raises(InputError, match="--runtime"):
            runtime_for(path, asked)  # type: ignore[arg-type]


def test_weights_must_belong_to_the_requested_model(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="wct2"):
        export_file(ExportOptions("adain", tmp_path / "a.onnx", "onnx", weights=str(small_weights(tmp_path, "wct2"))))


def test_the_graph_compiles_in_seconds(tmp_path: Path) -> None:
    """OpenVINO takes minutes for cumulative sums of fixed size, and for kernels of 15 or more columns in bfloat16."""
    path, _ = export_small(tmp_path, "onnx")
    graph = onnx.load(path).graph
    kernels: dict[str, list[list[int]]] = {"Conv": [], "AveragePool": []}
    for node in graph.node:
        kernels.get(node.op_type, []).extend(list(a.ints) for a in node.attribute if a.name == "kernel_shape")
    assert len(kernels["Conv"]) > 10
    assert max(kernel[1] for kernel in kernels["Conv"]) < 15
    assert max(kernels["AveragePool"]) == [45, 1], "means over windows are pooled"
    assert "CumSum" not in {node.op_type for node in graph.node}
    image = np.random.default_rng(0).random((1, 3, 128, 128), np.float32)
    exact, rounded = (
        OpenVinoSession(path, 1, bfloat16=bfloat16).run(inputs_of(image, 1.0, {})) for bfloat16 in (False, True)
    )
    assert np.abs(exact - rounded).max() < 0.1
