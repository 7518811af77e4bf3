"""Runtime and style of a conversion with an exported file; does not import torch."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ir_transfer.conversion.options import Options
from ir_transfer.conversion.styles.catalog import BakedStyleFile
from ir_transfer.conversion.styles.choose import StyleChoice, choose_styles
from ir_transfer.errors import InputError
from ir_transfer.export.metadata import ExportMetadata, Runtime, read_metadata, runtime_for
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.registry import model_info


def runtime_of(options: Options) -> Runtime:
    """Return the runtime of a conversion by its weights and ``--runtime``.

    Raises:
        InputError: Options that contradict each other, or that exported files do not support.
    """
    runtime = runtime_for(options.weights, options.runtime)
    if runtime == "torch":
        return runtime
    used = {
        "--device": options.device not in {"auto", "cpu"},
        "--engine ray": options.engine == "ray",
        "--tile-size": options.size.tile is not None,
        "--memory": options.size.memory is not None,
        "--batch-size": options.batch_size is not None,
        "--style-mask": bool(options.controls.style_masks),
    }
    if found := [name for name, is_used in used.items() if is_used]:
        raise InputError(
            f"expected no {' or '.join(found)} with --runtime {runtime}, which translates whole images on the CPU: "
            "omit it, or use --runtime torch with the weights themselves"
        )
    return runtime


def choose_run_styles(options: Options) -> StyleChoice:
    """Return the styles of a conversion with the model and weights that they require.

    Raises:
        InputError: A model other than that of the exported file.
        IrTransferError: See :func:`choose_styles`; also a style for an exported file with a style baked in.
    """
    if runtime_of(options) == "torch":
        return choose_styles(options.styles, options.style_weights, options.model, options.weights)
    path = Path(str(options.weights))
    facts = read_metadata(path)
    if options.model not in {None, facts.model}:
        raise InputError(f"expected --model {facts.model} with {path}, got {options.model}: omit it")
    if facts.is_baked:
        return _baked_choice(path, facts, options.styles, options.style_weights)
    choice = choose_styles(options.styles, options.style_weights, facts.model, facts.weights or None)
    return replace(choice, weights=str(path))


def _baked_choice(
    path: Path, facts: ExportMetadata, styles: Sequence[str], shares: Sequence[float] | None
) -> StyleChoice:
    if styles or shares is not None:
        raise InputError(
            f"expected no {'--style' if styles else '--style-weights'} with {path}, which contains the style "
            f"{facts.style_name}: omit it, or export the model without --style"
        )
    return StyleChoice(facts.model, str(path), (BakedStyleFile(path),), (1.0,))


def declared_info(choice: StyleChoice, options: Options) -> ModelInfo:
    """Return the capabilities of the model of a choice, or of the exported file."""
    return model_info(choice.model) if runtime_of(options) == "torch" else exported_info(choice.model)


def exported_info(model: str) -> ModelInfo:
    """Return the capabilities of an exported file of a model: no tiles, and strength as the only control."""
    return replace(model_info(model), tiling="none", controls=("strength",))
