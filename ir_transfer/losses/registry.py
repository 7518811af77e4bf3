"""Losses by the name that a recipe uses."""

from collections.abc import Iterable, Mapping

from ir_transfer.errors import UnknownNameError
from ir_transfer.losses.base import Loss, Traits
from ir_transfer.losses.content import content
from ir_transfer.losses.coral import coral
from ir_transfer.losses.detail_strength import detail_strength
from ir_transfer.losses.embossing import embossing
from ir_transfer.losses.gradient import gradient
from ir_transfer.losses.gram import gram
from ir_transfer.losses.histogram import histogram
from ir_transfer.losses.mean_std import mean_std
from ir_transfer.losses.mmd import mmd
from ir_transfer.losses.mrf import mrf
from ir_transfer.losses.object_contrast import expected_people, outlines, people_contrast, vehicle_contrast
from ir_transfer.losses.paired import charbonnier, coarse, correlation, hot_objects, l1, laplacian
from ir_transfer.losses.perceptual import deep_perceptual, perceptual
from ir_transfer.losses.ssim import ssim
from ir_transfer.losses.texture import texture
from ir_transfer.losses.thermal_map import map_correlation, thermal_map
from ir_transfer.losses.tv import tv

LOSSES: Mapping[str, Loss] = {
    "l1": Loss("truth", function=l1),
    "charbonnier": Loss("truth", batchwise=True, function=charbonnier),  # its weights' mean is over the batch
    "coarse": Loss("truth", batchwise=True, function=coarse),
    "laplacian": Loss("truth", function=laplacian),
    "hot_objects": Loss("truth", batchwise=True, function=hot_objects),  # a mean over the batch's hot pixels
    "correlation": Loss("truth", function=correlation),
    "ssim": Loss("truth", function=ssim),
    "thermal_map": Loss("truth", batchwise=True, function=thermal_map),  # its weights' mean is over the batch
    "map_correlation": Loss("truth", function=map_correlation),
    "people_contrast": Loss("truth", batchwise=True, function=people_contrast),  # a mean over the batch's people
    "vehicle_contrast": Loss("truth", batchwise=True, function=vehicle_contrast),
    "expected_people": Loss("labels", batchwise=True, function=expected_people),
    "outlines": Loss("labels", batchwise=True, function=outlines),
    "gradient": Loss("truth", batchwise=True, function=gradient),  # windows count by their strength in the batch
    "detail_strength": Loss("truth", function=detail_strength),
    "texture": Loss("truth", function=texture),
    "perceptual": Loss("truth", needs_vgg=True, function=perceptual),
    "deep_perceptual": Loss("truth", needs_vgg=True, function=deep_perceptual),
    "mean_std": Loss("style", needs_vgg=True, function=mean_std),
    "gram": Loss("style", needs_vgg=True, function=gram),
    "coral": Loss("style", needs_vgg=True, function=coral),
    "mmd": Loss("style", needs_vgg=True, batchwise=True, function=mmd),  # compares the batch's patches as sets
    "mrf": Loss("style", needs_vgg=True, function=mrf),
    "histogram": Loss("style", function=histogram),
    "content": Loss("content", needs_vgg=True, function=content),
    "embossing": Loss("content", function=embossing),
    "tv": Loss("content", function=tv),
}
ADVERSARIAL, HINTS, LAYERED = "adversarial", "hints", "layered"
TRAITS: Mapping[str, Traits] = {
    **LOSSES,
    # These contain a network of their own and are computed by the training objective.
    ADVERSARIAL: Traits("style"),  # without a ground truth, the discriminator sees the infrared image alone
    LAYERED: Traits("style", needs_vgg=True, batchwise=True),  # its moving averages are the batch's
    HINTS: Traits("content", needs_vgg=True, batchwise=True),  # its targets' moments are the batch's
}


def check_names(names: Iterable[str]) -> None:
    """Raise :class:`UnknownNameError` for a loss that does not exist."""
    for name in names:
        if name not in TRAITS:
            raise UnknownNameError.among("loss", name, TRAITS)


def needing_vgg(names: Iterable[str]) -> list[str]:
    """Return the names of the losses that need the perceptual VGG, sorted."""
    return sorted(name for name in names if TRAITS[name].needs_vgg)


def needing_ground_truth(names: Iterable[str]) -> list[str]:
    """Return the names of the losses that need a registered ground truth, sorted."""
    return sorted(name for name in names if TRAITS[name].reference == "truth")
