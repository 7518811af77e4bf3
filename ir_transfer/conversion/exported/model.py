"""An exported file as a translation model, so that the same engine runs it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.conversion.exported.file import ExportedFile, RunsFile
from ir_transfer.conversion.options import Precision
from ir_transfer.conversion.styles.choose import StyleChoice
from ir_transfer.errors import InputError
from ir_transfer.export.metadata import Runtime
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.style_facts import POLARITY
from ir_transfer.nn.moments import Statistics


def open_model(choice: StyleChoice, runtime: Runtime, threads: int | None, precision: Precision) -> TranslationModel:
    """Load the model of a choice in torch, or the exported file given as its weights.

    Args:
        choice: Model and weights.
        runtime: ``"torch"``, or the runtime of the exported file.
        threads: Compute threads of the exported file; the runtime's default if None.
        precision: Number format of the exported file's computation.

    Raises:
        IrTransferError: Weights or file cannot be used.
    """
    if runtime == "torch":
        return create_model(choice.model, choice.weights)
    return ExportedModel(ExportedFile(Path(choice.weights), runtime, threads, bfloat16=precision == "bfloat16"))


class BakedStyleCode(StyleCode):
    """The style baked into a file, of which only polarity and hash are known."""

    @property
    def hash(self) -> str:
        """Hash of the style that was baked in."""
        return self.metadata["hash"]


class ExportedModel(TranslationModel, RunsFile):
    """Translates with an exported file; styles and controls are computed in torch."""

    def __init__(self, file: ExportedFile) -> None:
        super().__init__(file.info, file.hyper_parameters)
        self._file = file
        self.run_options = file.run_options
        self.weights_hash = file.weights_hash
        self.metadata = {"band": file.facts.band} if file.facts.band else {}

    @property
    def file(self) -> ExportedFile:
        """The exported file."""
        return self._file

    def configure(self, options: Mapping[str, str]) -> None:
        """Set run-time options; see the base class."""
        super().configure(options)
        self._file.configure(options)

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> Mapping[str, Tensor]:
        """Encode exemplars (B, 1, h, w) with the torch model that was exported; see the base class.

        Raises:
            InputError: The file has a style baked in, or its weights are not bundled.
        """
        if self._file.facts.is_baked:
            raise InputError(f"expected no --style with {self._file.path}, which contains one: omit it")
        if not self._file.facts.weights:
            raise InputError(
                f"expected a saved style with {self._file.path}, whose weights are not bundled, got an exemplar: make "
                "one with ir-transfer styles build --weights"
            )
        model = create_model(self._file.facts.model, self._file.facts.weights)
        if model.weights_hash != self._file.facts.weights_hash:
            raise InputError(
                f"expected weights {self._file.facts.weights_hash} to encode exemplars for {self._file.path}, got "
                f"{model.weights_hash} of this version of ir-transfer: export it again"
            )
        return model.encode(exemplars, white_hot)

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate images (B, 3, H, W) one by one; see the base class."""
        wanted = [] if self._file.facts.is_baked else self._file.facts.style_inputs.split(",")
        extra = {name: np.ascontiguousarray(style[name].numpy(), np.float32) for name in wanted}
        images, share = content.contiguous().numpy(), float(strength)
        made = [self._file.run(images[n : n + 1], share, extra) for n in range(len(images))]
        return torch.from_numpy(np.concatenate(made))

    def baked_style(self) -> StyleCode:
        """Return the style baked into the file."""
        sign = torch.tensor([[-1.0 if self._file.facts.polarity == "black-hot" else 1.0]])
        metadata = {"weights_hash": self.weights_hash, "polarity_source": "file", "hash": self._file.facts.style}
        return BakedStyleCode(self.info.name, {POLARITY: sign}, metadata)
