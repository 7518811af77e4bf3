"""Metrics of scenes with invalid pixels depend only on the valid pixels."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.scene_metrics import MetricValues, SceneEvaluator
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.metrics.object_heat import Box, HeatObject, Region
from ir_transfer.nn.perceptual import PerceptualEncoder
from tests.evaluation.street_scene import render

COLLAR = 16
"""Pixels; a multiple of the cell side of every metric, so that a cropped scene has the same cells."""
INNER = (..., slice(COLLAR, 112 - COLLAR), slice(2 * COLLAR, 144 - COLLAR))
PERSON = Box(70, 40, 78, 60, "person")


def smooth(size: tuple[int, int], seed: int) -> Tensor:
    noise = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.avg_pool2d(noise, 5, 1, 2, count_include_pad=False)


@pytest.fixture
def street() -> tuple[Scene, Tensor]:
    """A rendered street, and an output between its ground truth and noise."""
    rgb, ir = render(0)
    truth = torch.from_numpy(ir)[None, None] / 255
    truth[..., 40:60, 70:78] = 0.9
    scene = Scene("s", torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255, truth)
    return scene, (0.7 * truth + 0.3 * smooth((112, 144), 1)).clamp(0, 1)


def collared(scene: Scene, output: Tensor, junk: int) -> tuple[Scene, Tensor]:
    """The scene with an invalid border of arbitrary values."""
    valid = torch.zeros_like(scene.ground_truth, dtype=torch.bool)
    valid[INNER] = True
    photograph, truth, made = (
        torch.where(valid, image, smooth((112, 144), junk + number))
        for number, image in enumerate((scene.rgb, scene.ground_truth, output))
    )
    return replace(scene, rgb=photograph, ground_truth=truth, valid=valid), made


def figures(scene: Scene, output: Tensor, boxes: list[Box]) -> MetricValues:
    torch.manual_seed(0)
    encoder = PerceptualEncoder(widths=(4, 4, 8, 8, 8)).eval()
    evaluator = SceneEvaluator(scene, boxes, list(COLUMNS), encoder)
    exemplar = smooth((64, 80), 9)
    with torch.inference_mode():
        own, look = evaluator.measure_ground_truth()
        found, _ = evaluator.measure(output, look.moments if look else None, exemplar)
    return {**{f"truth {key}": figure for key, figure in own.items()}, **found}


def test_invalid_border_changes_no_metric(street: tuple[Scene, Tensor]) -> None:
    scene, output = street
    whole = Scene("s", scene.rgb[INNER], scene.ground_truth[INNER])
    expected = figures(whole, output[INNER], [replace(PERSON, left=38, right=46, top=24, bottom=44)])
    found = figures(*collared(scene, output, 20), [PERSON])
    assert {"psnr", "ssim", "ms_ssim", "people_hot", "spectrum", "perceptual", "shift", "line_noise"} < set(found)
    assert set(found) == set(expected)
    for key, (value, weight) in expected.items():
        assert found[key][0] == pytest.approx(value, rel=1e-4, abs=1e-6), key
        assert found[key][1] == weight, key


def test_invalid_region_affects_no_metric(street: tuple[Scene, Tensor]) -> None:
    scene, output = street
    valid = torch.ones_like(scene.ground_truth, dtype=torch.bool)
    valid[..., 20:52, 30:60] = False
    one, other = (
        figures(
            replace(scene, ground_truth=torch.where(valid, scene.ground_truth, fill), valid=valid),
            torch.where(valid, output, 1 - fill),
            [PERSON],
        )
        for fill in (torch.tensor(0.0), torch.tensor(0.8))
    )
    assert set(one) == set(other) >= {"psnr", "ssim", "gradient_agreement", "spectrum", "perceptual"}
    for key, figure in one.items():
        assert other[key] == pytest.approx(figure), key
    plain = figures(scene, output, [PERSON])
    assert one["psnr"][0] == pytest.approx(plain["psnr"][0], abs=1)


def test_objects_outside_valid_pixels_are_ignored(street: tuple[Scene, Tensor]) -> None:
    scene, output = street
    hidden = Box(4, 4, 10, 12, "person")
    pixels = torch.cartesian_prod(torch.arange(40, 60), torch.arange(70, 78)).numpy()
    ring = torch.cartesian_prod(torch.arange(30, 38), torch.arange(60, 90)).numpy()
    masked, made = collared(scene, output, 20)
    frames: list[HeatObject] = [PERSON, hidden, Region(pixels, ring, "person"), Region(pixels, ring - 30, "person")]
    found, _ = SceneEvaluator(masked, frames, ["people_heat"]).measure(made)
    assert found["people_heat"][1] == 2


def test_metrics_that_cannot_be_computed_are_omitted_and_listed(street: tuple[Scene, Tensor]) -> None:
    scene, output = street
    valid = torch.zeros_like(scene.ground_truth, dtype=torch.bool)
    valid[..., ::2, :] = True  # no two rows together
    encoder = PerceptualEncoder(widths=(4, 4, 8, 8, 8)).eval()
    evaluator = SceneEvaluator(replace(scene, valid=valid), [], list(COLUMNS), encoder)
    found, look = evaluator.measure(output, None, None)
    assert look is None
    assert not {"ssim", "ms_ssim", "spectrum", "perceptual", "shift", "line_noise"} & set(found)
    assert {"psnr", "nmi", "histogram_emd", "gradient_truth"} <= set(found)
    said = evaluator.validity
    assert said is not None
    assert said["valid"] == 0.5
    assert set(found) | set(said["not_computed"]) >= {"ssim", "ms_ssim", "spectrum", "line_noise", "patch_mmd", "psnr"}
    assert not set(found) & set(said["not_computed"])


def test_fully_valid_scene_equals_an_unmasked_one(street: tuple[Scene, Tensor]) -> None:
    scene, _ = street
    assert SceneEvaluator(scene, [], ["psnr"]).validity is None
    assert torch.equal(scene.exemplar, scene.ground_truth)
