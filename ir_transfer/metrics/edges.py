"""Edges of the RGB image in the output: the share that is kept, and the shift, since its labels are reused."""

import numpy as np
import torch
import torch.nn.functional as F
from kornia.filters import spatial_gradient
from skimage.registration import phase_cross_correlation
from torch import Tensor

STRONG = 0.9
"""Quantile of an image's gradient magnitudes above which a pixel is an edge."""

WINDOW = 64
"""Side in pixels of the windows whose shift is measured, half a window apart."""

STRUCTURE = 0.01
"""Least standard deviation of the gradient magnitudes in a window, in both images, for its shift to be measured."""

LIMIT = 0.5
"""Largest median shift in pixels at which labels still fit."""

_UPSAMPLING = 20  # of the phase correlation: its resolution is a twentieth of a pixel


def magnitude(image: Tensor) -> Tensor:
    """Return the Sobel gradient magnitude (B, 1, H, W) of images of that shape."""
    gradient: Tensor = spatial_gradient(image, mode="sobel")
    length: Tensor = gradient.norm(dim=2)
    return length


def edges_kept(output: Tensor, luma: Tensor) -> Tensor:
    """Return the share (B,) of the RGB image's edge pixels that have an edge pixel of the output within 1 pixel.

    Edges are the strongest tenth of either image's gradients (:data:`STRONG`), so that contrast and polarity have no
    effect; by chance alone, up to 0.6 of scattered edges are kept, and far fewer of lines. A flat image has no edge.

    Args:
        output: (B, 1, H, W) in [0, 1].
        luma: Same shape, of the RGB image.
    """
    return share_near(*(_strong(image) for image in (luma, output)))


def share_near(wanted: Tensor, found: Tensor) -> Tensor:
    """Return the share (B,) of the true pixels of a mask (B, 1, H, W) with one of another mask within 1 pixel."""
    near = F.max_pool2d(found.float(), 3, stride=1, padding=1) > 0
    return (wanted & near).sum(dim=(1, 2, 3)).double() / wanted.sum(dim=(1, 2, 3)).clamp(min=1)


def _strong(image: Tensor) -> Tensor:
    strength = magnitude(image)
    # A rounding error of a flat image is not an edge.
    limits = np.quantile(strength.flatten(1).cpu().numpy(), STRONG, axis=1).clip(min=1e-4)
    return strength > torch.from_numpy(limits).to(strength)[:, None, None, None]


def shift(output: Tensor, luma: Tensor) -> tuple[float, int]:
    """Return the shift in pixels of an output against its RGB image, and the number of measured windows.

    Phase correlation (Kuglin and Hines 1975) of the gradient magnitudes, refined to a twentieth of a pixel by an
    up-sampled transform (Guizar-Sicairos et al. 2008), in windows half a :data:`WINDOW` apart that have
    :data:`STRUCTURE` in both images. The median over windows is taken of each component, and its length returned: a
    window without a counterpart has a random shift, and random directions cancel where random lengths do not.
    (0, 0) for a flat image.

    Args:
        output: (1, 1, H, W) in [0, 1].
        luma: Same shape, of the RGB image.
    """
    images = [magnitude(image)[0, 0].double().cpu().numpy() for image in (luma, output)]
    height, width = images[0].shape
    side = min(WINDOW, height, width)
    taper = np.outer(np.hanning(side), np.hanning(side))
    found = []
    for top in range(0, height - side + 1, max(side // 2, 1)):
        for left in range(0, width - side + 1, max(side // 2, 1)):
            windows = [image[top : top + side, left : left + side] for image in images]
            if min(window.std() for window in windows) >= STRUCTURE:
                tapered = (taper * (window - window.mean()) for window in windows)
                found.append(phase_cross_correlation(*tapered, upsample_factor=_UPSAMPLING, normalization="phase")[0])
    return (float(np.hypot(*np.median(found, axis=0))), len(found)) if found else (0.0, 0)
