"""Translates by an exported file with its style inside, in the place of a model with its style; free of torch."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.controls import NO_CONTROLS, Controls
from ir_transfer.conversion.exported.choose import runtime_of
from ir_transfer.conversion.exported.file import ExportedFile
from ir_transfer.conversion.launched import Launched
from ir_transfer.conversion.options import Options, Precision
from ir_transfer.conversion.plan import Variant
from ir_transfer.conversion.styles.choose import BLACK_HOT, InsideFile, StyleChoice
from ir_transfer.export.metadata import ExportMetadata
from ir_transfer.imaging.image_io import BitDepth, DecodedImage


@dataclass(frozen=True)
class Processor:
    """The processor as a device: the runtimes of exported files compute there."""

    type: str = "cpu"

    def __str__(self) -> str:
        """Return its type."""
        return self.type


@dataclass(frozen=True)
class InsideStyle:
    """The style inside of a file, which is known by what the file says of it."""

    facts: ExportMetadata

    @property
    def metadata(self) -> Mapping[str, str]:
        """What its file says."""
        return {"weights_hash": self.facts.weights_hash, "polarity_source": "file"}

    @property
    def white_hot(self) -> bool:
        """Whether hot is bright."""
        return self.facts.polarity != BLACK_HOT

    @property
    def hash(self) -> str:
        """Hash of the style that was baked in."""
        return self.facts.style


@dataclass(frozen=True)
class FileTranslator:
    """Takes the place of :class:`~ir_transfer.conversion.translate.Translator` in a run; images go one by one.

    Attributes:
        model: The file.
        strength: 0 keeps the RGB image's own look, 1 is the exemplar's.
        precision: What the runtime computes in.
        thread_count: Threads that compute; a thread for each core if None.
    """

    model: ExportedFile
    strength: float = 1.0
    precision: Precision = "float32"
    thread_count: int | None = None
    device: Processor = field(default_factory=Processor)
    controls: Controls = NO_CONTROLS
    grid: tuple[tuple[InsideStyle, ...], ...] = ()

    @classmethod
    def load(cls, options: Options, choice: StyleChoice) -> FileTranslator:
        """Open the file of a choice and set its run-time options.

        Raises:
            IrTransferError: The file cannot be used, or does not take the options.
        """
        bfloat16 = options.precision == "bfloat16"
        model = ExportedFile(Path(choice.weights), runtime_of(options), options.threads, bfloat16=bfloat16)
        model.configure(options.model_options)
        return cls(model, options.strength, options.precision, options.threads)

    @property
    def style(self) -> InsideStyle:
        """The style inside of the file."""
        return InsideStyle(self.model.facts)

    @property
    def codes(self) -> tuple[InsideStyle, ...]:
        """The only style."""
        return (self.style,)

    @property
    def style_hash(self) -> str:
        """Hash of the style."""
        return self.style.hash

    @property
    def versions(self) -> dict[str, str]:
        """What computes, for the manifest, besides the runtime."""
        return {"device": self.device.type}

    @property
    def threads(self) -> int:
        """Threads that compute."""
        return self.thread_count or os.cpu_count() or 1

    def use_threads(self, count: int) -> None:
        """Leave the threads as they are: they are the session's, which all calls share."""

    @property
    def takes_batches(self) -> bool:
        """Whether images go in batches."""
        return False

    def batch_for(self, height: int, width: int) -> int:
        """Return how many images of a size are translated at once."""
        return 1

    def of(self, variant: Variant) -> FileTranslator:
        """Return the translator of a variant that has a style."""
        return replace(self, strength=variant.strength)

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> Launched:
        """Translate images; what is launched is done, as intensities, also where ``bit_depth`` asks for levels."""
        began = time.perf_counter()
        made = self(images)
        return Launched.of(made, time.perf_counter() - began)

    def __call__(self, images: Sequence[DecodedImage]) -> list[NDArray[np.float32]]:
        """Translate images to intensities (H, W) in [0, 1].

        Raises:
            InputError: The free memory has no room for one.
        """
        made = (self.model.run(image.rgb()[None], self.strength)[0, 0] for image in images)
        return [np.clip(intensity, 0, 1) for intensity in made]


def runs_without_torch(options: Options, choice: StyleChoice) -> bool:
    """Return whether a conversion needs nothing but an exported file with its style inside."""
    inside = len(choice.styles) == 1 and isinstance(choice.styles[0], InsideFile)
    return inside and not options.controls.keep_tone and not options.heat.asked
