"""Recognises the colour palettes of thermal cameras by their curve in RGB, and maps false colours to a scalar.

The colours of a false-colour image are on one curve; those of an RGB image fill a volume. The curve is that of the
image's colour bar if it has one, else of a known palette, else it is estimated from the image: the longest path in the
minimum spanning tree of its colours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial import cKDTree

Colours = NDArray[np.float64]
"""RGB (n, 3) in [0, 1]."""

_POINTS = 1024
_NEAR = 14 / 255  # largest distance of a pixel on the curve, with the rounding of JPEG
_FIT = 0.85  # share of the pixels on the curve: scale, text and logo are off it
_KNOWN_FIT = 0.97  # of a known palette: cameras differ in details, and half a fit gives wrong tones
_KNOWN_MEAN = 6 / 255
_SAMPLES = 8000
_BIN = 8 / 255
_THIN = 4 / 255  # of the ridge
_LEAST_BINS, _MOST_BINS = 8, 1000  # an RGB image has more
_BANDWIDTH = 16 / 255
_RIDGE_STEPS = 6
_STRAIGHT = 0.5  # mean cosine between steps of a 32nd of the length
_EXPLAINED = 0.975  # of the variance of chroma
_GRAY_NEAR = 6 / 255  # of the gray axis: a dull RGB image is a little farther from it
_LEAST_LENGTH = 0.25  # of a curve: shorter ones are tinted gray
_WARMTH = 0.5  # what red over blue counts beside luma where the ends of a curve are compared
_LEAST_ORDER = 0.1
_LUMA = np.array([0.299, 0.587, 0.114])

# Control points (share of the palette, sRGB hex) of common palettes by their names in cameras, coldest first.
_CONTROLS: dict[str, tuple[tuple[float, int], ...]] = {
    "iron": (
        *((0.0, 0x000010), (0.12, 0x20008C), (0.30, 0x7B009B), (0.48, 0xC91C7C), (0.62, 0xE95A1F)),
        *((0.76, 0xF98F00), (0.90, 0xFFD63A), (1.0, 0xFFFFF0)),
    ),
    "rainbow": ((0.0, 0x0000FF), (0.25, 0x00FFFF), (0.5, 0x00FF00), (0.75, 0xFFFF00), (1.0, 0xFF0000)),
    "jet": (
        *((0.0, 0x000080), (0.125, 0x0000FF), (0.375, 0x00FFFF), (0.625, 0xFFFF00), (0.875, 0xFF0000)),
        (1.0, 0x800000),
    ),
    "arctic": ((0.0, 0x00003C), (0.25, 0x0040FF), (0.45, 0x30E0FF), (0.6, 0x787878), (0.8, 0xD88A20), (1.0, 0xFFF5B0)),
    "hot": ((0.0, 0x000000), (0.365, 0xFF0000), (0.746, 0xFFFF00), (1.0, 0xFFFFFF)),
    "lava": ((0.0, 0x000000), (0.2, 0x123A66), (0.4, 0x6A2A7A), (0.6, 0xD02020), (0.8, 0xFF9A10), (1.0, 0xFFFFD0)),
}


@dataclass(frozen=True)
class Palette:
    """A curve through RGB, from cold to hot.

    Attributes:
        name: ``"of its colour bar"`` or ``"of its own"`` if it was estimated from the image.
        curve: Colours at equal steps of the scalar.
        whole: Whether its ends are known; an image may use a part of a palette only.
    """

    name: str
    curve: Colours
    whole: bool = True

    def scalar(self, pixels: Colours) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the position of pixels (n, 3) on the curve in [0, 1], and their distance from it."""
        distances, nearest = cKDTree(self.curve).query(pixels)
        return nearest / (len(self.curve) - 1), distances

    def fit(self, pixels: Colours) -> tuple[float, float]:
        """Return the share of pixels on the curve, and the mean distance of these."""
        distances = self.scalar(pixels)[1]
        near = distances <= _NEAR
        return float(near.mean()), float(distances[near].mean()) if near.any() else 1.0

    def explains(self, pixels: Colours) -> float:
        """Return the share of the variance of chroma that the position on the curve explains.

        An RGB image of low saturation is near every gray curve, but its colours do not follow from its tones.
        """
        distances, nearest = cKDTree(self.curve).query(pixels)
        near = distances <= _NEAR
        if not near.any():
            return 0.0
        chroma, found = _chroma(pixels[near]), _chroma(self.curve[nearest[near]])
        return 1 - float(((chroma - found) ** 2).mean()) / max(float(chroma.var(axis=0).mean()), 1e-9)


def _chroma(pixels: Colours) -> Colours:
    chroma: Colours = pixels[:, [0, 2]] - (pixels @ _LUMA)[:, None]
    return chroma


def known_palettes() -> list[Palette]:
    """Return the known palettes."""
    return [Palette(name, _drawn(points)) for name, points in _CONTROLS.items()]


def find_palette(rgb: NDArray[np.float32], bar: Colours | None = None) -> Palette | None:
    """Return the palette of a false-colour image; None if its colours are not on a curve.

    Args:
        rgb: sRGB (3, h, w) in [0, 1].
        bar: Colours (n, 3) of the colour bar in the image, from one end to the other.
    """
    pixels = _sampled(rgb.reshape(3, -1).T.astype(np.float64))
    if bar is not None:
        own = Palette("of its colour bar", _from_cold_to_hot(_resampled(bar, np.linspace(0, 1, len(bar)))))
        if own.fit(pixels)[0] >= _FIT:
            return own
    gray = Palette("gray", _drawn(((0.0, 0x000000), (1.0, 0xFFFFFF))))
    if float((gray.scalar(pixels)[1] <= _GRAY_NEAR).mean()) >= _FIT:
        return gray  # with a scale or logo in colour
    fitting = [(palette, *palette.fit(pixels)) for palette in known_palettes()]
    best, share, mean = max(fitting, key=lambda one: (one[1], -one[2]))
    if share >= _KNOWN_FIT and mean <= _KNOWN_MEAN:
        return best
    return _own_curve(pixels)


def on_curve(distances: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which distances (of any shape) from a palette are small enough for its pixels, unlike text or a logo."""
    near: NDArray[np.bool_] = distances <= 2 * _NEAR
    return near


def _own_curve(pixels: Colours) -> Palette | None:
    bins, counts = np.unique(np.round(pixels / _BIN).astype(np.int16), axis=0, return_counts=True)
    common = np.argsort(-counts, kind="stable")[:_MOST_BINS]
    common = common[counts[common] >= max(2, len(pixels) // 10_000)]
    if len(common) < _LEAST_BINS or counts[common].sum() < _FIT * len(pixels):
        return None
    points: Colours = bins[common].astype(np.float64) * _BIN
    weight = np.sqrt(counts[common]).astype(np.float64)
    thin = np.unique(np.round(_on_ridge(points, weight) / _THIN), axis=0)
    ridge: Colours = thin * _THIN
    path = ridge[_longest_path(ridge)]
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    if length[-1] < _LEAST_LENGTH:
        return None
    if (curve := _oriented(_resampled(_smoothed(path), length / length[-1]))) is None:
        return None
    own = Palette("of its own", curve, whole=False)
    return own if own.fit(pixels)[0] >= _FIT and own.explains(pixels) >= _EXPLAINED and not _winds(own) else None


def _on_ridge(points: Colours, weight: NDArray[np.float64]) -> Colours:
    """Return points moved onto the ridge of their density.

    Subspace-constrained mean shift (Ozertem and Erdogmus 2011): each step keeps the component of the mean shift across
    the local principal direction, which removes the scatter of JPEG about the curve and keeps its length.
    """
    moved = points
    for _ in range(_RIDGE_STEPS):
        squares = ((moved[:, None] - points[None]) ** 2).sum(axis=2)
        kernel = weight * np.exp(-squares / (2 * _BANDWIDTH**2))
        kernel /= kernel.sum(axis=1, keepdims=True)
        mean = kernel @ points
        second = kernel @ (points[:, :, None] * points[:, None, :]).reshape(-1, 9)
        covariance = second.reshape(-1, 3, 3) - mean[:, :, None] * mean[:, None, :]
        along = np.linalg.eigh(covariance)[1][:, :, -1]
        shift = mean - moved
        moved = moved + shift - (shift * along).sum(axis=1, keepdims=True) * along
    return moved


def _longest_path(points: Colours) -> NDArray[np.intp]:
    """Return the indices of the longest path in the minimum spanning tree of points."""
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    tree = csr_matrix(minimum_spanning_tree(csr_matrix(distances)))
    first = int(np.argmax(dijkstra(tree, directed=False, indices=0)))
    lengths, before = dijkstra(tree, directed=False, indices=first, return_predecessors=True)
    path = [int(np.argmax(lengths))]
    while path[-1] != first:
        path.append(int(before[path[-1]]))
    return np.array(path)


def _smoothed(path: Colours) -> Colours:
    """Return the mean of each point and its neighbours on the path, since bins zigzag about the curve."""
    padded = np.pad(path, ((2, 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, channel], np.full(5, 0.2), "valid") for channel in range(3)], axis=1)


def _winds(palette: Palette) -> bool:
    """Return whether a path winds through a cloud of colours instead of following a curve."""
    steps = np.diff(palette.curve[::32], axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    kept = lengths > 1e-6
    unit = steps[kept] / lengths[kept, None]
    return bool((unit[1:] * unit[:-1]).sum(axis=1).mean() < _STRAIGHT)


def _from_cold_to_hot(curve: Colours) -> Colours:
    oriented = _oriented(curve)
    return curve if oriented is None else oriented


def _oriented(curve: Colours) -> Colours | None:
    """Return the curve with its hot end last: the brighter or redder one; None if the ends do not differ enough."""
    edge = max(1, len(curve) // 50)
    cold, hot = curve[:edge].mean(axis=0), curve[-edge:].mean(axis=0)
    order = (hot - cold) @ _LUMA + _WARMTH * ((hot - cold)[0] - (hot - cold)[2])
    if abs(order) < _LEAST_ORDER:
        return None
    return curve if order > 0 else curve[::-1]


def _resampled(colours: Colours, places: NDArray[np.float64]) -> Colours:
    steps = np.linspace(0, 1, _POINTS)
    return np.stack([np.interp(steps, places, colours[:, channel]) for channel in range(3)], axis=1)


def _drawn(points: tuple[tuple[float, int], ...]) -> Colours:
    colours = np.array([[value >> 16, value >> 8 & 255, value & 255] for _, value in points]) / 255
    return _resampled(colours, np.array([place for place, _ in points]))


def _sampled(pixels: Colours) -> Colours:
    step = max(1, len(pixels) // _SAMPLES)
    return pixels[::step]
