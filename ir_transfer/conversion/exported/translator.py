"""A translator that runs an exported file with its style baked in, without torch."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.controls import NO_CONTROLS, Controls
from ir_transfer.conversion.exported.choose import runtime_of
from ir_transfer.conversion.exported.file import ExportedFile
from ir_transfer.conversion.options import Options, Precision
from ir_transfer.conversion.pending import PendingResults
from ir_transfer.conversion.plan import Variant
from ir_transfer.conversion.styles.catalog import BLACK_HOT, BakedStyleFile
from ir_transfer.conversion.styles.choose import StyleChoice
from ir_transfer.errors import InputError
from ir_transfer.export.metadata import ExportMetadata
from ir_transfer.imaging.image_io import BitDepth, DecodedImage

if TYPE_CHECKING:
    from ir_transfer.conversion.translate import Translator

AnyTranslator: TypeAlias = "Translator | FileTranslator"
"""The translator of a run: a model in torch, or an exported file without torch."""


@dataclass(frozen=True)
class CpuDevice:
    """The CPU as a device, in place of :class:`torch.device`; runtimes of exported files compute on it."""

    type: str = "cpu"

    def __str__(self) -> str:
        """Return its type."""
        return self.type


@dataclass(frozen=True)
class BakedStyleFacts:
    """The style baked into a file, as the file describes it."""

    facts: ExportMetadata

    @property
    def metadata(self) -> Mapping[str, str]:
        """Strings that a style code would have."""
        return {"weights_hash": self.facts.weights_hash, "polarity_source": "file"}

    @property
    def white_hot(self) -> bool:
        """Whether the style is white-hot."""
        return self.facts.polarity != BLACK_HOT

    @property
    def hash(self) -> str:
        """Hash of the style."""
        return self.facts.style


@dataclass(frozen=True)
class FileTranslator:
    """Replaces :class:`~ir_transfer.conversion.translate.Translator` in a run; translates images one by one.

    Attributes:
        model: The exported file.
        strength: 0 keeps the appearance of the RGB image, 1 applies the style in full.
        precision: Number format of the runtime's computation.
        thread_count: Compute threads; one per core if None.
        device: Always the CPU.
        controls: Always none, as for the grid: they need torch.
        grid: Empty.
    """

    model: ExportedFile
    strength: float = 1.0
    precision: Precision = "float32"
    thread_count: int | None = None
    device: CpuDevice = field(default_factory=CpuDevice)
    controls: Controls = NO_CONTROLS
    grid: tuple[tuple[BakedStyleFacts, ...], ...] = ()

    @classmethod
    def load(cls, options: Options, choice: StyleChoice) -> FileTranslator:
        """Open the file of a style choice and set its run-time options.

        Raises:
            IrTransferError: The file cannot be used, or does not support the options.
        """
        bfloat16 = options.precision == "bfloat16"
        model = ExportedFile(Path(choice.weights), runtime_of(options), options.threads, bfloat16=bfloat16)
        model.configure(options.model_options)
        return cls(model, options.strength, options.precision, options.threads)

    @property
    def style(self) -> BakedStyleFacts:
        """The style baked into the file."""
        return BakedStyleFacts(self.model.facts)

    @property
    def codes(self) -> tuple[BakedStyleFacts, ...]:
        """The only style."""
        return (self.style,)

    @property
    def style_hash(self) -> str:
        """Hash of the style."""
        return self.style.hash

    @property
    def versions(self) -> dict[str, str]:
        """Device type, for the manifest; the version of the runtime is recorded separately."""
        return {"device": self.device.type}

    @property
    def threads(self) -> int:
        """Number of compute threads."""
        return self.thread_count or os.cpu_count() or 1

    def use_threads(self, count: int) -> None:
        """Do nothing: the session's threads are shared by all calls."""

    @property
    def takes_batches(self) -> bool:
        """Whether images are translated in batches."""
        return False

    def batch_for(self, height: int, width: int) -> int:
        """Return the batch size for images of a size."""
        return 1

    def of(self, variant: Variant) -> FileTranslator:
        """Return the translator for a variant that has a style."""
        return replace(self, strength=variant.strength)

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> PendingResults:
        """Translate images before returning; the results are intensities even if ``bit_depth`` is given."""
        began = time.perf_counter()
        made = self(images)
        return PendingResults.of(made, time.perf_counter() - began)

    def __call__(self, images: Sequence[DecodedImage]) -> list[NDArray[np.float32]]:
        """Translate images to intensities (H, W) in [0, 1].

        Raises:
            InputError: An image does not fit into the free memory.
        """
        made = (self.model.run(image.rgb()[None], self.strength)[0, 0] for image in images)
        return [np.clip(intensity, 0, 1) for intensity in made]


def runs_without_torch(options: Options, choice: StyleChoice) -> bool:
    """Return whether a conversion needs only an exported file with its style baked in."""
    baked = len(choice.styles) == 1 and isinstance(choice.styles[0], BakedStyleFile)
    return baked and not options.controls.keep_tone and not options.heat.asked


def in_torch(translator: AnyTranslator) -> Translator:
    """Narrow a translator to one in torch, which alone supports masks, tiles and other devices.

    Raises:
        InputError: It runs an exported file.
    """
    if isinstance(translator, FileTranslator):
        raise InputError(
            f"expected --runtime torch for masks, tiles and clusters, got {translator.model.path}: use the weights "
            "themselves"
        )
    return translator
