"""Refines the registration of a pair by the affine motion that maximises the correlation of edges."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ir_transfer.data.alignment import edge_magnitude
from ir_transfer.data.pair_files import to_unit
from ir_transfer.imaging.image_io import LUMA, OutputLevels

Floats = NDArray[np.float32]

_WORK_WIDTH = 320
_LARGEST = 0.03  # share of the width by which a corner may move; larger motions are estimation errors
_LEAST_GAIN = 0.01  # of the correlation of edges, for a motion to be applied
_BLUR = 5


@dataclass(frozen=True)
class Registration:
    """An affine motion from pixels of the RGB image to those of the infrared image.

    Attributes:
        matrix: Affine (2, 3), float32, in pixels.
        before: Correlation of the edges without it.
        after: Correlation of the edges with it.
    """

    matrix: Floats
    before: float
    after: float

    @property
    def improves(self) -> bool:
        """Whether the motion makes the edges agree better."""
        return self.after >= self.before + _LEAST_GAIN


def measure_registration(rgb: OutputLevels, infrared: OutputLevels) -> Registration:
    """Return the affine motion that registers an infrared image (H, W) to its RGB image (H, W, 3).

    Enhanced correlation coefficient (Evangelidis and Psarakis 2008) of blurred gradient magnitudes. Where it does not
    converge, or a corner would move by more than 3% of the width, the motion is the identity.
    """
    height, width = infrared.shape
    scale = min(1.0, _WORK_WIDTH / width)
    size = (max(round(width * scale), 16), max(round(height * scale), 16))
    luma = np.ascontiguousarray(to_unit(rgb) @ np.asarray(LUMA, np.float32))
    reduced = (cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in (luma, to_unit(infrared)))
    template, moving = (_edges(np.asarray(image, np.float32)) for image in reduced)
    identity = np.eye(2, 3, dtype=np.float32)
    before = _correlation(template, moving)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)
    try:
        motion = cv2.MOTION_AFFINE
        everywhere = np.full(template.shape, 255, np.uint8)
        _, found = cv2.findTransformECC(template, moving, identity.copy(), motion, criteria, everywhere, _BLUR)
    except cv2.error:  # raised if it does not converge
        return Registration(identity, before, before)
    matrix = np.asarray(found, np.float32)
    if _corner_motion(matrix, size) > _LARGEST * size[0]:
        return Registration(identity, before, before)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(moving, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    matrix[:, 2] /= scale
    return Registration(matrix, before, _correlation(template, np.asarray(moved, np.float32)))


def apply_registration(infrared: OutputLevels, registration: Registration) -> OutputLevels:
    """Return the infrared image (H, W) warped onto its RGB image; values beyond its border repeat the border."""
    size = (infrared.shape[1], infrared.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(infrared, registration.matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=infrared.dtype)


def _edges(image: Floats) -> Floats:
    magnitude = np.sqrt(edge_magnitude(image))  # the root evens out strong and weak edges
    return np.asarray(cv2.GaussianBlur(magnitude, (0, 0), 1.0), dtype=np.float32)


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).mean() / (a.std() * b.std() + 1e-9))


def _corner_motion(matrix: Floats, size: tuple[int, int]) -> float:
    width, height = size
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float32)
    return float(np.abs(corners @ matrix.T - corners[:, :2]).max())
