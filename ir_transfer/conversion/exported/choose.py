"""The style of a conversion by an exported file; free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ir_transfer.conversion.options import Options
from ir_transfer.conversion.styles.catalog import BakedStyleFile
from ir_transfer.conversion.styles.choose import StyleChoice, choose_styles
from ir_transfer.errors import InputError
from ir_transfer.export.facts import FileFacts, Runtime, read_facts, runtime_for
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.registry import model_info


def runtime_of(options: Options) -> Runtime:
    """Return what runs the weights of a conversion.

    Raises:
        InputError: Options that contradict each other, or that an exported file cannot follow.
    """
    runtime = runtime_for(options.weights, options.runtime)
    if runtime == "torch":
        return runtime
    asked = {
        "--device": options.device not in {"auto", "cpu"},
        "--engine ray": options.engine == "ray",
        "--tile-size": options.size.tile is not None,
        "--memory": options.size.memory is not None,
        "--batch-size": options.batch_size is not None,
        "--style-mask": bool(options.controls.style_masks),
    }
    if found := [name for name, is_asked in asked.items() if is_asked]:
        raise InputError(
            f"expected no {' or '.join(found)} with --runtime {runtime}, which takes whole images on the processor: "
            "leave it out, or use --runtime torch with the weights themselves"
        )
    return runtime


def choose_run_styles(options: Options) -> StyleChoice:
    """Return the styles of a conversion with the model and weights that go with them.

    Raises:
        InputError: Another model than that of the exported file.
        IrTransferError: See :func:`choose_styles`; for an exported file also a style where one is inside, or none.
    """
    if runtime_of(options) == "torch":
        return choose_styles(options.styles, options.style_weights, options.model, options.weights)
    path = Path(str(options.weights))
    facts = read_facts(path)
    if options.model not in {None, facts.model}:
        raise InputError(f"expected --model {facts.model} with {path}, got {options.model}: leave it out")
    if facts.is_baked:
        return _inside(path, facts, options.styles, options.style_weights)
    choice = choose_styles(options.styles, options.style_weights, facts.model, facts.weights or None)
    return replace(choice, weights=str(path))


def _inside(path: Path, facts: FileFacts, styles: Sequence[str], shares: Sequence[float] | None) -> StyleChoice:
    if styles or shares is not None:
        raise InputError(
            f"expected no {'--style' if styles else '--style-weights'} with {path}, which has the style "
            f"{facts.style_name} inside: leave it out, or export the model without --style"
        )
    return StyleChoice(facts.model, str(path), (BakedStyleFile(path),), (1.0,))


def declared_info(choice: StyleChoice, options: Options) -> ModelInfo:
    """Return what the model of a choice declares, or the exported file in its place."""
    return model_info(choice.model) if runtime_of(options) == "torch" else exported_info(choice.model)


def exported_info(model: str) -> ModelInfo:
    """Return what an exported file of a model declares: it takes whole images, and no label maps."""
    return replace(model_info(model), tiling="none", controls=("strength",))
