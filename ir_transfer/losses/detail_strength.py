"""Local strength of detail, without its sign."""

from torch import Tensor

from ir_transfer.losses.base import CANONICAL_DEVIATION, Scene
from ir_transfer.nn.box_mean import box_mean
from ir_transfer.nn.thermal.local_contrast import cell_means

_WINDOW = 21  # pixels: detail is the difference from the mean of a window
_CELLS = 5
_FLOOR = 0.05  # deviations: weaker detail is noise, which the exemplar's grain takes the place of


def detail_strength(scene: Scene) -> Tensor:
    """Return the mean absolute log ratio () of the local deviations of detail in output and ground truth.

    Detail is the difference from the mean of 21 x 21 pixels; its deviation is measured in about 20 x 20 pixels. The
    mean log ratio of each image is subtracted, since the exemplar determines the overall contrast of detail. The
    sign of detail and a few pixels of misregistration have no effect.
    """
    output, truth = (_log_energy(image / CANONICAL_DEVIATION) for image in (scene.output.float(), scene.truth.float()))
    ratio = (output - truth) / 2
    counted = scene.counted(ratio, _WINDOW).expand_as(ratio)
    mean = (ratio * counted).sum((1, 2, 3), keepdim=True) / counted.sum((1, 2, 3), keepdim=True).clamp(min=1)
    return scene.mean((ratio - mean).abs(), _WINDOW)


def _log_energy(images: Tensor) -> Tensor:
    detail = images - box_mean(images, _WINDOW)
    return (box_mean(cell_means(detail.square()), _CELLS) + _FLOOR**2).log()
