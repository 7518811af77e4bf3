"""Post-processing of a translated intensity into the bytes of its file: heat, camera, polarity, levels."""

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

_NODATA = 0  # as for rasters without a nodata value


@dataclass(frozen=True)
class PostProcess:
    """Converts every translated intensity to the content of its file; thread-safe.

    Attributes:
        bit_depth: Bit depth of the file.
        format: Format of the file.
        inverted: Indices of the styles whose results are inverted; the index is 0 if results have no variants.
        black_hot: Indices of the styles whose results are black-hot before inversion.
        steps: Applied in order to the white-hot intensity, but not to a plain luma.
        heat: Shifts of apparent intensity, applied before the steps.
        compression: Compression of the file.
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
        """Whether levels of ``bit_depth`` are accepted in place of an intensity, since no step needs it."""
        return not self.steps and self.heat is None

    def __call__(self, result: Result, job: Job, image: DecodedImage) -> tuple[bytes, Heated | None]:
        """Return the content of the file of a result, and the shifted objects; None without ``--heat``.

        Args:
            result: Intensity (H, W) in [0, 1], or its levels if :attr:`takes_levels`.
            job: Job of the result.
            image: RGB image that was translated.

        Raises:
            InputError: NaN or infinite values.
            MemoryError: The device has too little memory to detect objects.
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
        return data, heated

    def _changed(
        self, intensity: NDArray[np.float32], job: Job, image: DecodedImage
    ) -> tuple[NDArray[np.float32], bool, Heated | None]:
        """Apply heat and steps; return the intensity, whether it was inverted to white-hot, and the shifted objects."""
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
