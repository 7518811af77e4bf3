import pytest
from skimage.metrics import structural_similarity

from ir_transfer.losses.ssim import ssim
from tests.losses.scenes import random_scene


def test_equals_scikit_image_inside_the_border() -> None:
    scene = random_scene(batch=1)
    expected = structural_similarity(
        scene.output[0, 0].numpy(), scene.truth[0, 0].numpy(), data_range=1.0, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    assert ssim(scene).item() == pytest.approx(1 - expected, abs=0.02)
