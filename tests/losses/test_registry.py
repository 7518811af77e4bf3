import pytest
import torch

from ir_transfer.errors import UnknownNameError
from ir_transfer.losses.base import Scene
from ir_transfer.losses.registry import LOSSES, check_names, needing_ground_truth, needing_vgg
from tests.losses.scenes import random_scene, random_vgg


def scene(output: torch.Tensor, truth: torch.Tensor) -> Scene:
    return Scene(truth.expand(-1, 3, -1, -1).clone(), truth, output, random_vgg(), classes=hot_classes(truth))


def hot_classes(truth: torch.Tensor) -> torch.Tensor:
    """Return class probabilities: hot cells are people on the left and vehicles on the right, the rest is road."""
    hot = (torch.nn.functional.avg_pool2d(truth, 4) > 0.6)[:, 0].float()
    left, right = hot.clone(), hot.clone()
    left[..., hot.shape[-1] // 2 :], right[..., : hot.shape[-1] // 2] = 0, 0
    classes = torch.zeros(len(truth), 11, *hot.shape[1:])
    classes[:, 1], classes[:, 3], classes[:, 7] = left, right, 1 - hot
    return classes


def image() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.nn.functional.interpolate(torch.rand(2, 1, 8, 8), (64, 64), mode="bilinear")


# A flat image has the least variation, and a truth that is the RGB image's luma is all embossed.
@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"tv", "embossing"}))
def test_loss_is_minimal_at_the_ground_truth_and_has_a_gradient(name: str) -> None:
    truth = image()
    output = truth.roll(11, dims=-1).mul(0.7).requires_grad_()
    here, there = LOSSES[name](scene(truth.clone(), truth)), LOSSES[name](scene(output, truth))
    assert here < there
    (gradient,) = torch.autograd.grad(there, output)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_flat_images_give_finite_losses_and_gradients(name: str) -> None:
    truth, output = torch.full((1, 1, 64, 64), 0.5), torch.full((1, 1, 64, 64), 0.4, requires_grad=True)
    loss = LOSSES[name](scene(output, truth))
    (gradient,) = torch.autograd.grad(loss, output)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


def test_a_vanished_hot_object_costs_more_than_its_area() -> None:
    truth = torch.full((1, 1, 64, 64), 0.3)
    truth[..., 20:36, 30:36] = 0.9
    cold = torch.full_like(truth, 0.3)
    warm = truth * 0.9 + 0.03
    assert LOSSES["hot_objects"](scene(cold, truth)) > 5 * LOSSES["hot_objects"](scene(warm, truth))
    too_hot = truth.clone()
    too_hot[..., 20:36, 30:36] = 1.0
    assert LOSSES["hot_objects"](scene(too_hot, truth)) < 1e-3


def test_coarse_distance_tolerates_one_pixel_of_misregistration() -> None:
    torch.manual_seed(2)
    truth = torch.rand(1, 1, 64, 64)
    beside = truth.roll(1, dims=-1)
    fine, coarse = (LOSSES[name](scene(beside, truth)) for name in ("charbonnier", "coarse"))
    assert coarse < 0.5 * fine


def test_unknown_loss_names_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="'perceptual'"):
        check_names({"perceptul": 1.0})
    check_names({"adversarial": 1.0, "l1": 0.5})


BLOBS = random_scene(batch=4)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_batchwise_flag_states_whether_halves_average_to_the_whole(name: str) -> None:
    halves = [BLOBS.subset(torch.tensor(chosen)) for chosen in ([True, True, False, False], [False, False, True, True])]
    apart = abs(sum(LOSSES[name](half).item() for half in halves) / 2 - LOSSES[name](BLOBS).item())
    assert (apart > 1e-5) == LOSSES[name].batchwise


@pytest.mark.parametrize("name", sorted(name for name in LOSSES if LOSSES[name].reference == "content"))
def test_content_losses_do_not_use_the_ground_truth(name: str) -> None:
    other = Scene(BLOBS.content, 1 - BLOBS.truth, BLOBS.output, BLOBS.vgg)
    assert LOSSES[name](other) == LOSSES[name](BLOBS)


def test_every_loss_declares_its_requirements() -> None:
    assert needing_ground_truth(["l1", "gram", "tv", "adversarial"]) == ["l1"]
    assert needing_vgg(["l1", "gram", "hints", "mmd"]) == ["gram", "hints", "mmd"]
