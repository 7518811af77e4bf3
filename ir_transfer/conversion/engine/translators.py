"""What a run translates with: a model in torch, or an exported file without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ir_transfer.conversion.exported.translator import FileTranslator
from ir_transfer.errors import InputError

if TYPE_CHECKING:
    from ir_transfer.conversion.translate import Translator

AnyTranslator: TypeAlias = "Translator | FileTranslator"


def in_torch(translator: AnyTranslator) -> Translator:
    """Return a translator as one whose model is in torch, which has masks, tiles and other devices.

    Raises:
        InputError: It is an exported file.
    """
    if isinstance(translator, FileTranslator):
        raise InputError(
            f"expected --runtime torch for masks, tiles and clusters, got {translator.model.path}: use the weights "
            "themselves"
        )
    return translator
