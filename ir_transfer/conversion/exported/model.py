"""An exported file in the place of a model, so that it goes through the same engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.conversion.exported.file import ExportedFile, RunsFile
from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.style_facts import POLARITY
from ir_transfer.nn.moments import Statistics


class BakedStyle(StyleCode):
    """The style inside of a file: its polarity is known, and the hash of what it was."""

    @property
    def hash(self) -> str:
        """Hash of the style that was baked in."""
        return self.metadata["hash"]


class ExportedModel(TranslationModel, RunsFile):
    """Translates by a file that was exported, with styles and controls that need torch.

    Args:
        file: The file.
    """

    def __init__(self, file: ExportedFile) -> None:
        super().__init__(file.info, file.hyper_parameters)
        self._file = file
        self.run_options = file.run_options
        self.weights_hash = file.weights_hash
        self.metadata = {"band": file.facts.band} if file.facts.band else {}

    @property
    def file(self) -> ExportedFile:
        """The file."""
        return self._file

    def configure(self, options: Mapping[str, str]) -> None:
        """Set run-time options; see the base class."""
        super().configure(options)
        self._file.configure(options)

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> Mapping[str, Tensor]:
        """Return the style of exemplars (B, 1, h, w) by the torch model that was exported; see the base class.

        Raises:
            InputError: The style is inside the file, or its weights do not ship.
        """
        if self._file.facts.is_baked:
            raise InputError(f"expected no --style with {self._file.path}, which has one inside: leave it out")
        if not self._file.facts.weights:
            raise InputError(
                f"expected a saved style with {self._file.path}, whose weights do not ship, got an exemplar: make one "
                "with ir-transfer styles build --weights"
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

    def inside_style(self) -> StyleCode:
        """Return the style that is inside the file."""
        sign = torch.tensor([[-1.0 if self._file.facts.polarity == "black-hot" else 1.0]])
        about = {"weights_hash": self.weights_hash, "polarity_source": "file", "hash": self._file.facts.style}
        return BakedStyle(self.info.name, {POLARITY: sign}, about)
