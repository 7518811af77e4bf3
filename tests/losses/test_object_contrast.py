from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.losses.object_contrast import expected_people, outlines, people_contrast, vehicle_contrast

PERSON, VEHICLE = 1, 3


def scene(number: int, truth_level: float, output_level: float, ground: float = 0.5, side: int = 4) -> Scene:
    """Return an object of ``side`` cells on flat ground, with ground truth and output in canonical tone."""
    box = slice(14, 14 + side)
    classes = torch.zeros(1, 11, 40, 40)
    classes[:, 7] = 1
    classes[:, 7, box, box], classes[:, number, box, box] = 0, 1

    def image(level: float) -> Tensor:
        found = torch.full((1, 1, 160, 160), ground)
        found[..., 56 : 56 + 4 * side, 56 : 56 + 4 * side] = level
        return found

    return Scene(torch.zeros(1, 3, 160, 160), image(truth_level), image(output_level), classes=classes)


@pytest.mark.parametrize(("loss", "number"), [(people_contrast, PERSON), (vehicle_contrast, VEHICLE)])
def test_colder_objects_cost_the_difference_in_deviations(loss: object, number: int) -> None:
    function = people_contrast if loss is people_contrast else vehicle_contrast
    # Contrast 0.3 or 1.5 deviations; the output falls short by one deviation, or by two where it is dark.
    for output_level, short in ((0.8, 0.0), (0.6, 1.0), (0.4, 2.0)):
        found = function(scene(number, 0.8, output_level)).item()
        assert found == pytest.approx(short, rel=0.12, abs=1e-6)


def test_hotter_objects_cost_nothing() -> None:
    assert people_contrast(scene(PERSON, 0.7, 1.2)).item() == 0


def test_dark_objects_in_the_ground_truth_cost_nothing() -> None:
    assert people_contrast(scene(PERSON, 0.3, 0.1)).item() == 0


def test_target_contrast_is_capped_for_lamps() -> None:
    assert people_contrast(scene(PERSON, 5.0, 1.1)).item() == 0
    assert people_contrast(scene(PERSON, 5.0, 0.9)).item() == pytest.approx(0.5, rel=0.2)


def test_only_the_given_class_counts() -> None:
    assert people_contrast(scene(VEHICLE, 0.8, 0.2)).item() == 0
    assert vehicle_contrast(scene(PERSON, 0.8, 0.2)).item() == 0
    plain = scene(PERSON, 0.8, 0.2)
    assert people_contrast(Scene(plain.content, plain.truth, plain.output)).item() == 0


@pytest.mark.parametrize("ground", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("side", [1, 2, 6])
def test_invariant_to_the_background_level(ground: float, side: int) -> None:
    """Contrast is measured against the ring, for small and large objects and on dark and bright ground."""
    found = people_contrast(scene(PERSON, ground + 0.3, ground - 0.1, ground, side)).item()
    many = side * side / (side * side + 1.6)  # 1e-3 of 40 x 40 cells damp what few cells say
    assert found == pytest.approx(2.0 * many, rel=0.1)


def test_vehicle_that_fills_the_window_is_compared_only_at_its_border() -> None:
    """Its middle has no ring within reach, so it has no target contrast."""
    cold = scene(VEHICLE, 0.65, 0.4, 0.8, side=26)
    assert vehicle_contrast(cold).item() == 0
    warm = scene(VEHICLE, 0.8, 0.6, 0.5, side=26)
    assert vehicle_contrast(warm).item() == pytest.approx(1.0, rel=0.15)


def test_gradient_heats_the_object() -> None:
    one = scene(PERSON, 0.8, 0.5)
    one.output.requires_grad_()
    people_contrast(one).backward()  # type: ignore[no-untyped-call]
    assert one.output.grad is not None
    assert one.output.grad[..., 56:72, 56:72].sum() < 0
    assert not one.output.grad[..., :56, :].any(), "a darker ring would be a halo"


def test_small_person_slightly_brighter_than_bright_ground_counts() -> None:
    """The level of the ground has no effect, although one cell is a small share of the window."""
    assert people_contrast(scene(PERSON, 0.834, 0.734, 0.8, 1)).item() > 0.1


def test_people_without_a_ground_truth_are_expected_to_be_warm() -> None:
    for output_level, short in ((0.74, 0.0), (0.54, 1.0), (0.3, 2.2)):  # contrasts of 1.2, 0.2 and -1 deviations
        found = expected_people(scene(PERSON, 0.5, output_level)).item()
        assert found == pytest.approx(short, rel=0.12, abs=5e-3)
    assert expected_people(scene(VEHICLE, 0.5, 0.3)).item() == 0
    plain = scene(PERSON, 0.5, 0.3)
    assert expected_people(Scene(plain.content, plain.truth, plain.output)).item() == 0


def test_outline_loss_follows_the_label_outline() -> None:
    """An output with the person's shape costs nearly 0, its negative 2, shifted and blurred ones in between."""
    sharp = scene(PERSON, 0.5, 0.9)
    found = outlines(sharp).item()
    assert found < 0.1
    shifted, blurred = scene(PERSON, 0.5, 0.9), scene(PERSON, 0.5, 0.9)
    shifted.output = sharp.output.roll(8, dims=-1)
    blurred.output = F.avg_pool2d(sharp.output, 25, 1, 12, count_include_pad=False)
    assert found + 0.1 < outlines(blurred).item() < outlines(shifted).item() < 1
    assert outlines(scene(PERSON, 0.5, 0.1)).item() > 1.8


def test_outline_loss_of_a_flat_output_has_a_gradient_towards_warm_people() -> None:
    flat = scene(PERSON, 0.5, 0.5)
    flat.output = flat.output.requires_grad_()
    loss = outlines(flat)
    assert loss.item() == pytest.approx(1, abs=0.1)
    (gradient,) = torch.autograd.grad(loss, flat.output)
    assert gradient[..., 56:72, 56:72].mean() < 0 < gradient[..., 40:52, 56:72].mean()


def test_outline_loss_applies_to_people_only() -> None:
    assert outlines(scene(VEHICLE, 0.8, 0.2)).item() == 0
    plain = scene(PERSON, 0.8, 0.2)
    assert outlines(Scene(plain.content, plain.truth, plain.output)).item() == 0
