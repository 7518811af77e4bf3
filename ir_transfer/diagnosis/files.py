"""Checks of bundled weights and styles by their hashes, and of networks that are downloaded on first use."""

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from ir_transfer.conversion.styles.catalog import list_presets
from ir_transfer.diagnosis.check import Check
from ir_transfer.errors import IrTransferError, MissingFileError
from ir_transfer.models.registry import list_models, model_info
from ir_transfer.models.weight_files import read
from ir_transfer.resources import resource

_REINSTALL = "reinstall ir-transfer, or fetch the file again"
_HASH = 16  # characters of a hash, as in styles and manifests


def check_weights() -> list[Check]:
    """Check that the weights files that models declare, and other bundled ones, exist and can be read.

    The detail of each check contains its hash.
    """
    # A model may declare the weights of another model, whose name is their prefix.
    declared = {
        weights: name for name in list_models() for weights in model_info(name).weights if weights.startswith(name)
    }
    try:
        shipped = {path.stem for path in resource("weights").glob("*.safetensors")}
    except MissingFileError:
        shipped = set()
    return [_check_weights(weights, declared.get(weights)) for weights in sorted(shipped | declared.keys())]


def _check_weights(weights: str, model: str | None) -> Check:
    name = f"weights {weights}"
    try:
        path = resource(f"weights/{weights}.safetensors")
        if model is not None:
            read(path, kind="weights", model=model)
        else:
            load_file(path)
    except (IrTransferError, SafetensorError) as error:
        return Check(name, "failed", " ".join(str(error).split()), _REINSTALL)
    return Check(name, "ok", f"{_hash(path)}, {path.stat().st_size / 1e6:.1f} MB")


def check_styles() -> list[Check]:
    """Check that the presets were built with the installed weights."""
    presets = list_presets()
    if not presets:
        return [Check("styles", "failed", "no presets", _REINSTALL)]
    hashes = {name: _hash(resource(f"weights/{name}.safetensors")) for name in {preset.weights for preset in presets}}
    wrong = [
        f"{preset.weights}/{preset.name}"
        for preset in presets
        if preset.metadata.get("weights_hash") != hashes[preset.weights]
    ]
    if wrong:
        return [Check("styles", "failed", f"built with other weights: {', '.join(wrong)}", _REINSTALL)]
    return [Check("styles", "ok", f"{len(presets)} presets match their weights")]


def check_caches() -> list[Check]:
    """Check which of the networks that are downloaded on first use are in torch's cache."""
    import torch
    from torchvision.models import VGG19_Weights
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    uses = (
        ("--vgg torchvision", VGG19_Weights.IMAGENET1K_V1.url),
        ("--heat auto:maskrcnn", MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.url),
    )
    found = []
    for use, url in uses:
        path = folder / url.rpartition("/")[2]
        if not path.is_file():
            remedy = f"to use it offline, save {url} there"
            found.append(Check(f"cache for {use}", "note", f"not downloaded yet: {path}", remedy))
            continue
        # By torch's convention the name ends in the first digits of the hash.
        digits, digest = path.stem.rpartition("-")[2], hashlib.sha256(path.read_bytes()).hexdigest()
        if digest.startswith(digits):
            found.append(Check(f"cache for {use}", "ok", str(path)))
        else:
            remedy = "delete the file, which is downloaded again"
            found.append(Check(f"cache for {use}", "failed", f"{path} has the hash {digest[:_HASH]}", remedy))
    return found


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_HASH]
