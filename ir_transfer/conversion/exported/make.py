"""``ir-transfer export``: writes a model and a style to a file that runs without torch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from ir_transfer import __version__, create_model
from ir_transfer.conversion.styles.build import bundled_weights
from ir_transfer.conversion.styles.catalog import BLACK_HOT, WHITE_HOT
from ir_transfer.conversion.styles.choose import StyleChoice, choose_styles
from ir_transfer.conversion.styles.codes import blended, prepare_codes
from ir_transfer.errors import InputError
from ir_transfer.export.check import SIZES, check_difference, largest_difference
from ir_transfer.export.files import write_exported
from ir_transfer.export.metadata import SUFFIXES, ExportMetadata, FileKind, Runtime
from ir_transfer.export.sessions import open_session
from ir_transfer.export.trace import inverted, require_exportable, trace
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_io import MAX_PIXELS
from ir_transfer.models.registry import model_info
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.thermal import ThermalModel

RUNTIMES: dict[FileKind, Runtime] = {"onnx": "onnxruntime", "openvino": "openvino"}
"""Runtime that checks a file of each kind."""


@dataclass(frozen=True)
class ExportOptions:
    """Options of ``ir-transfer export``.

    Attributes:
        model: Name of the model; None uses that of the style or the weights.
        out: The file.
        kind: Kind of the file.
        styles: Styles to bake in; without any, the tensors of the style are inputs of the file.
        style_weights: Blend weight of each style; equal if None.
        weights: Name or file of the weights; by default those that the style requires.
        polarity: Polarity of the results; None keeps that of the style.
        white_hot: Whether the exemplar files are white-hot; None lets the bundled classifier decide.
        exemplar_range: Values of the exemplar files for black and white, or how to determine them.
        max_pixels: Exemplars with more pixels are refused.
        overwrite: Replace an existing file.
        threads: Compute threads of the check; the runtime's default if None.
        sizes: Heights and widths of the test images of the check.
    """

    model: str | None
    out: Path
    kind: FileKind
    styles: tuple[str, ...] = ()
    style_weights: tuple[float, ...] | None = None
    weights: str | None = None
    polarity: Literal["white-hot", "black-hot"] | None = None
    white_hot: bool | None = None
    exemplar_range: AskedRange = "auto"
    max_pixels: int = MAX_PIXELS
    overwrite: bool = False
    threads: int | None = None
    sizes: tuple[tuple[int, int], ...] = field(default=SIZES)

    def check(self) -> None:
        """Raise :class:`~ir_transfer.errors.InputError` for incompatible options."""
        suffix = SUFFIXES[self.kind]
        if self.out.suffix != suffix:
            raise InputError(f"expected -o to end in {suffix} with --to {self.kind}, got {self.out}: rename it")
        if not self.styles and (self.polarity is not None or self.style_weights is not None):
            name = "--polarity" if self.polarity is not None else "--style-weights"
            raise InputError(
                f"expected a --style with {name}, got none: without one, the style is an input of the file"
            )
        existing = [path for path in {self.out, bin_of(self.out)} if path.exists()]
        if existing and not self.overwrite:
            raise InputError(f"expected a new file, got {existing[0]}, which exists: use --overwrite or another -o")


def bin_of(path: Path) -> Path:
    """Return the weight file that belongs to an OpenVINO file; the path itself for other kinds."""
    return path.with_suffix(".bin") if path.suffix == SUFFIXES["openvino"] else path


@dataclass(frozen=True)
class Exportable:
    """A model and the style that it is exported with.

    Attributes:
        model: On the CPU, in evaluation mode.
        code: The style that is baked in, or an example of the same shapes.
        facts: Metadata of the file, without the result of the check.
    """

    model: ThermalModel
    code: StyleCode
    facts: ExportMetadata


def export_file(options: ExportOptions, report: Callable[[str], None] = lambda line: None) -> ExportMetadata:
    """Export a model and return the metadata of the file.

    Args:
        options: What to export.
        report: Called with a progress message at every step.

    Raises:
        IrTransferError: The model cannot be exported, the style does not fit, or the results of the file differ from
            those of torch. Nothing is written then.
    """
    options.check()
    found = prepare_export(options)
    baked = found.facts.is_baked
    report(f"tracing model {found.facts.model}")
    traced = trace(found.model, found.code.tensors, baked=baked)

    def check(path: Path) -> str:
        report(f"checking {len(options.sizes)} images against torch")
        session = open_session(path, RUNTIMES[options.kind], options.threads, shapes="dynamic")
        difference = largest_difference(found.model, found.code, session, baked=baked, sizes=options.sizes)
        check_difference(difference, path)
        return f"{difference.value:.2g}"

    return write_exported(options.out, options.kind, traced, found.facts, check)


def prepare_export(options: ExportOptions) -> Exportable:
    """Load the model and prepare the style of an export.

    Raises:
        IrTransferError: They do not exist or do not fit, or the model cannot be exported.
    """
    choice = _choice(options)
    model = require_exportable(create_model(choice.model, choice.weights).eval())
    if options.styles:
        # In the memory format of convert, so that the style is equal to the last digit and has the same hash.
        model.to(memory_format=torch.channels_last)
        codes = prepare_codes(model, choice, options.max_pixels, options.white_hot, options.exemplar_range)
        code = blended(codes, choice.shares)
        code = code if options.polarity in {None, polarity_of(code)} else inverted(code)
        model.to(memory_format=torch.contiguous_format)
    else:
        code = model.prepare([_exemplar()], white_hot=True)
    baked = bool(options.styles)
    facts = ExportMetadata(
        model=choice.model,
        weights=bundled_weights(choice),
        weights_hash=model.weights_hash,
        style=code.hash if baked else "",
        style_name=", ".join(options.styles),
        style_inputs="" if baked else ",".join(sorted(code.tensors)),
        polarity=polarity_of(code) if baked else "",
        band=model.metadata.get("band", ""),
        version=__version__,
    )
    return Exportable(model, code, facts)


def polarity_of(code: StyleCode) -> str:
    """Return the polarity of a style as text."""
    return WHITE_HOT if code.white_hot else BLACK_HOT


def _choice(options: ExportOptions) -> StyleChoice:
    if options.styles:
        return choose_styles(options.styles, options.style_weights, options.model, options.weights)
    if options.model is None:
        raise InputError("expected a model, got none: name it, such as ir-transfer export adain")
    return StyleChoice(model_info(options.model).name, options.weights or "default", (), ())


def _exemplar() -> torch.Tensor:
    """Return a test exemplar (1, 1, 96, 128) with contrast at every scale."""
    rows, columns = torch.linspace(0, 1, 96)[:, None], torch.linspace(0, 1, 128)[None]
    waves = sum((torch.sin(2 * torch.pi * f * (rows + columns * 1.3)) / f for f in (1, 5, 17)), torch.zeros(96, 128))
    return (0.5 + 0.25 * waves)[None, None].clamp(0, 1)
