"""Build the bundled presets of configs/styles.yaml for every model with weights of their band.

A model of fixed looks has its presets in its weights. A code that holds patches of its exemplars, from which they could
be made again, ships only where their licence lets them.

python scripts/build_presets.py --data PAIRS [--only adain-lwir]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import yaml

from ir_transfer import list_models, model_info
from ir_transfer.conversion.styles.build import build_style
from ir_transfer.conversion.styles.catalog import BLACK_HOT, WHITE_HOT
from ir_transfer.models.style_code import StyleCode, parts_of
from ir_transfer.models.style_facts import EXEMPLARS
from ir_transfer.models.style_names import LOOKS
from ir_transfer.resources import resource

STYLES = Path(__file__).resolve().parent.parent / "ir_transfer" / "styles"


def main() -> None:
    """Write ``ir_transfer/styles/WEIGHTS/PRESET.safetensors``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that the exemplars' paths are relative to")
    parser.add_argument("--only", help="name of the weights to make them for; all by default")
    arguments = parser.parse_args()
    presets = yaml.safe_load(resource("configs/styles.yaml").read_text())
    readers = [info for info in map(model_info, list_models()) if LOOKS not in info.controls and not info.iterative]
    for weights in [name for info in readers for name in info.weights]:
        if arguments.only not in {None, weights}:
            continue
        model, _, band = weights.rpartition("-")
        for name, preset in presets.items():
            if preset["band"] != band:
                continue
            out = STYLES / weights / f"{name}.safetensors"
            metadata = {"band": band, "polarity": WHITE_HOT, "description": preset["description"]}
            exemplars = [str(arguments.data / path) for path in preset["exemplars"]]
            built = build_style(exemplars, out, model=model, weights=weights, metadata=metadata, white_hot=True)
            # Where the exemplars are stored on the machine that builds is nobody's business.
            code = replace(built.code, metadata={k: v for k, v in built.code.metadata.items() if k != EXEMPLARS})
            code.save(out)
            if any(parts_of(code.tensors)) and "licence" not in preset:
                out.unlink()
                continue
            print(f"wrote {out} ({out.stat().st_size / 1e3:.0f} kB)")
            if preset["black_hot"]:
                black = black_hot(code)
                black.save(out.with_name(f"{name}-black-hot.safetensors"))


def black_hot(code: StyleCode) -> StyleCode:
    """Return the code whose output is the exact negative."""
    tensors = {**code.tensors, "polarity": -code.tensors["polarity"]}
    metadata = {**code.metadata, "polarity": BLACK_HOT, "description": f"{code.metadata['description']}, black-hot"}
    return replace(code, tensors=tensors, metadata=metadata)


if __name__ == "__main__":
    main()
