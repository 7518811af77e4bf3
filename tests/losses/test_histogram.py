import pytest
from scipy.stats import wasserstein_distance

from ir_transfer.losses.histogram import histogram
from tests.losses.scenes import random_scene


def test_equals_the_wasserstein_distance_of_every_seventh_pixel() -> None:
    scene = random_scene(batch=1)
    pixels = [image.flatten()[::7].numpy() for image in (scene.output, scene.truth)]
    assert histogram(scene).item() == pytest.approx(wasserstein_distance(*pixels), rel=1e-4)
