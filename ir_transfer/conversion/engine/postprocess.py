"""From a translated intensity to the bytes of its file: heat, the camera, polarity, levels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.pending import Result
from ir_transfer.conversion.plan import Job
from ir_transfer.imaging.encode import DEFAULT_COMPRESSION, Compression, Format, encode_gray
from ir_transfer.imaging.image_io import BitDepth, DecodedImage, OutputLevels, to_levels
from ir_transfer.imaging.raster.write import hidden
from ir_transfer.labels.frames import to_stored

if TYPE_CHECKING:
    from ir_transfer.conversion.heat.shift import Heat, Heated

Step = Callable[[NDArray[np.float32], Job, DecodedImage], NDArray[np.float32]]
"""Takes and returns a white-hot intensity (H, W) in [0, 1]."""

_NODATA = 0  # what rasters without a nodata value of their own have, too


@dataclass(frozen=True)
class ProcessedResult:
    """A result that is ready to be written.

    Attributes:
        data: The bytes of its file.
        heat: Which objects were found and shifted, if any were to be.
    """

    data: bytes
    heat: Heated | None = None


@dataclass(frozen=True)
class PostProcess:
    """What happens to every result after its translation; called by many threads at once.

    Attributes:
        bit_depth: Of the file.
        format: Of the file.
        inverted: Styles whose results are turned to the other polarity, by index; 0 where results have no variants.
        black_hot: Styles whose results are black-hot before that.
        steps: What is done to the white-hot intensity before it is written, in this order; not to a plain luma.
        heat: Shifts objects before the steps.
        compression: Of the file.
    """

    bit_depth: BitDepth = 8
    format: Format = "png"
    inverted: frozenset[int] = frozenset()
    black_hot: frozenset[int] = frozenset()
    steps: tuple[Step, ...] = ()
    heat: Heat | None = None
    compression: Compression = DEFAULT_COMPRESSION

    @property
    def takes_levels(self) -> bool:
        """Whether levels of ``bit_depth`` serve in place of an intensity: nothing is done before they are made."""
        return not self.steps and self.heat is None

    def __call__(self, result: Result, job: Job, image: DecodedImage) -> ProcessedResult:
        """Return the file of a result.

        Args:
            result: Intensity (H, W) in [0, 1], or its levels if :attr:`takes_levels`.
            job: What it was made for.
            image: What it was made from.

        Raises:
            InputError: NaN or infinite values.
            MemoryError: The device has too little to look for objects.
        """
        style = 0 if job.variant is None else job.variant.style
        turned, heated = False, None
        if result.dtype.kind == "u":
            levels = cast("OutputLevels", result)
        else:
            intensity, turned, heated = self._changed(np.asarray(result, np.float32), job, image)
            levels = to_levels(intensity, self.bit_depth)
        if turned != ((style in self.inverted) != (job.variant is not None and job.variant.inverted)):
            levels = (np.iinfo(levels.dtype).max - levels).astype(levels.dtype)
        valid = image.valid
        nodata = None if valid is None or levels.shape != valid.shape else _NODATA
        levels = levels if nodata is None else hidden(levels, valid, nodata)
        if job.turn != 1:
            levels = to_stored(levels, job.turn)
        exif = image.reading.kept_exif
        data = encode_gray(levels, self.format, nodata=nodata, exif=exif, compression=self.compression)
        return ProcessedResult(data, heated)

    def _changed(
        self, intensity: NDArray[np.float32], job: Job, image: DecodedImage
    ) -> tuple[NDArray[np.float32], bool, Heated | None]:
        """Return an intensity after heat and steps, whether it became white-hot for them, and what was heated."""
        style = 0 if job.variant is None else job.variant.style
        if style is None or self.takes_levels:
            return intensity, False, None
        turned = style in self.black_hot
        intensity = 1 - intensity if turned else intensity
        heated = None if self.heat is None else self.heat(intensity, image, job.source)
        intensity = intensity if heated is None else heated.intensity
        for step in self.steps:
            intensity = step(intensity, job, image)
        return intensity, turned, heated
