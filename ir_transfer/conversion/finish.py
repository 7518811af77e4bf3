"""From a translated intensity to the bytes of its file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.plan import Job
from ir_transfer.data.image_io import BitDepth, Format, Picture, encode_gray, to_levels


@dataclass(frozen=True)
class Finish:
    """What happens to every result after its translation; called by many threads at once.

    Attributes:
        bit_depth: Of the file.
        format: Of the file.
        inverted: Whether results are turned to the other polarity.
    """

    bit_depth: BitDepth = 8
    format: Format = "png"
    inverted: bool = False

    def __call__(self, intensity: NDArray[np.float32], job: Job, picture: Picture) -> bytes:
        """Return the bytes of the file.

        Args:
            intensity: (H, W) in [0, 1].
            job: What it was made for.
            picture: What it was made from.

        Raises:
            InputError: NaN or infinite values.
        """
        levels = to_levels(intensity, self.bit_depth)
        if self.inverted != (job.variant is not None and job.variant.inverted):
            levels = (np.iinfo(levels.dtype).max - levels).astype(levels.dtype)
        return encode_gray(levels, self.format)
