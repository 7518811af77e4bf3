"""An exported file in the place of a model, so that it goes through the same engine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.conversion.exported.choose import exported_info
from ir_transfer.errors import InputError
from ir_transfer.export.check import inputs_of
from ir_transfer.export.facts import Runtime, read_facts
from ir_transfer.export.sessions import Session, Shapes, open_session
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.run_options import RunOption
from ir_transfer.models.style_code import POLARITY, StyleCode
from ir_transfer.nn.moments import Statistics

SHAPES_OPTION = {
    "shapes": RunOption(
        "static compiles the file for every size of image, dynamic once for all", str, choices=("static", "dynamic")
    )
}
"""The run option of OpenVINO."""


class BakedStyle(StyleCode):
    """The style inside of a file: its polarity is known, and the hash of what it was."""

    @property
    def hash(self) -> str:
        """Hash of the style that was baked in."""
        return self.metadata["hash"]


class ExportedModel(TranslationModel):
    """Translates by a file that was exported.

    Args:
        path: The file.
        runtime: What runs it.
        threads: That compute; the runtime's choice if None.
        bfloat16: Whether OpenVINO may compute in bfloat16.

    Attributes:
        facts: What the file says of itself.
        file_hash: Of the file.

    Raises:
        InputError: A runtime that cannot compute in bfloat16.
        IrTransferError: The file or the runtime cannot be used; see :func:`open_session`.
    """

    def __init__(self, path: Path, runtime: Runtime, threads: int | None = None, *, bfloat16: bool = False) -> None:
        self.facts = read_facts(path)
        if bfloat16 and runtime != "openvino":
            raise InputError(
                f"expected --precision float32 with --runtime {runtime}, got bfloat16: use --runtime openvino for that"
            )
        super().__init__(exported_info(self.facts.model), {"shapes": "dynamic" if self._is_int8 else "static"})
        self.runtime: Runtime = runtime
        self.run_options = SHAPES_OPTION if runtime == "openvino" else {}
        self.weights_hash = self.facts.weights_hash
        self.metadata = {"band": self.facts.band} if self.facts.band else {}
        self.file_hash = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        self._path, self._threads, self._bfloat16 = path, threads, bfloat16
        self._session: Session | None = None

    @property
    def _is_int8(self) -> bool:
        return self.facts.precision == "int8"

    def configure(self, options: Mapping[str, str]) -> None:
        """Set run-time options; see the base class."""
        super().configure(options)
        if self._is_int8 and self.hyper_parameters["shapes"] == "static":
            raise InputError(
                f"expected option shapes=dynamic for {self._path}, which is int8, got static, where OpenVINO fails: "
                "leave the option out"
            )

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> Mapping[str, Tensor]:
        """Return the style of exemplars (B, 1, h, w) by the torch model that was exported; see the base class.

        Raises:
            InputError: The style is inside the file, or its weights do not ship.
        """
        if self.facts.is_baked:
            raise InputError(f"expected no --style with {self._path}, which has one inside: leave it out")
        if not self.facts.weights:
            raise InputError(
                f"expected a saved style with {self._path}, whose weights do not ship, got an exemplar: make one with "
                "ir-transfer styles build --weights"
            )
        model = create_model(self.facts.model, self.facts.weights)
        if model.weights_hash != self.facts.weights_hash:
            raise InputError(
                f"expected weights {self.facts.weights_hash} to encode exemplars for {self._path}, got "
                f"{model.weights_hash} of this version of ir-transfer: export it again"
            )
        return model.encode(exemplars, white_hot)

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate images (B, 3, H, W) one by one; see the base class."""
        wanted = [] if self.facts.is_baked else self.facts.style_inputs.split(",")
        extra = {name: np.ascontiguousarray(style[name].numpy(), np.float32) for name in wanted}
        images, share = content.contiguous().numpy(), float(strength)
        made = [self._opened().run(inputs_of(images[n : n + 1], share, extra)) for n in range(len(images))]
        return torch.from_numpy(np.concatenate(made))

    def inside_style(self) -> StyleCode:
        """Return the style that is inside the file."""
        sign = torch.tensor([[-1.0 if self.facts.polarity == "black-hot" else 1.0]])
        about = {"weights_hash": self.weights_hash, "polarity_source": "file", "hash": self.facts.style}
        return BakedStyle(self.info.name, {POLARITY: sign}, about)

    def _opened(self) -> Session:
        if self._session is None:  # once run-time options are known
            shapes = cast("Shapes", self.hyper_parameters["shapes"])
            self._session = open_session(
                self._path, self.runtime, self._threads, bfloat16=self._bfloat16, shapes=shapes
            )
        return self._session
