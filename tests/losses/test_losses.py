import pytest
import torch

from ir_transfer.errors import UnknownNameError
from ir_transfer.losses.adversarial import PatchCritic, adversarial, critic_loss
from ir_transfer.losses.base import Scene
from ir_transfer.losses.registry import LOSSES, check_names
from ir_transfer.nn.perceptual import PerceptualEncoder


def scene(output: torch.Tensor, truth: torch.Tensor) -> Scene:
    torch.manual_seed(0)
    content = truth.expand(-1, 3, -1, -1).clone()
    return Scene(content, truth, output, PerceptualEncoder((4, 4, 4, 4, 4)))


def picture() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.nn.functional.interpolate(torch.rand(2, 1, 8, 8), (64, 64), mode="bilinear")


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"tv"}))  # a flat picture has the least variation
def test_loss_is_smallest_at_the_truth_and_has_a_gradient(name: str) -> None:
    truth = picture()
    output = truth.roll(11, dims=-1).mul(0.7).requires_grad_()
    here, there = LOSSES[name](scene(truth.clone(), truth)), LOSSES[name](scene(output, truth))
    assert here < there
    (gradient,) = torch.autograd.grad(there, output)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_flat_pictures_give_finite_losses_and_gradients(name: str) -> None:
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


def test_coarse_distance_forgives_a_misregistration_of_a_pixel() -> None:
    torch.manual_seed(2)
    truth = torch.rand(1, 1, 64, 64)
    beside = truth.roll(1, dims=-1)
    fine, coarse = (LOSSES[name](scene(beside, truth)) for name in ("charbonnier", "coarse"))
    assert coarse < 0.5 * fine


def test_unknown_loss_names_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="'perceptual'"):
        check_names({"perceptul": 1.0})
    check_names({"adversarial": 1.0, "l1": 0.5})


def test_critic_learns_to_tell_noise_from_flat_pictures() -> None:
    torch.manual_seed(0)
    critic = PatchCritic(8)
    optimiser = torch.optim.Adam(critic.parameters(), 5e-3)
    content, flat = torch.rand(4, 3, 32, 32), torch.full((4, 1, 32, 32), 0.5)
    before = critic_loss(critic, content, torch.rand(4, 1, 32, 32), flat).item()
    for _ in range(60):
        loss = critic_loss(critic, content, torch.rand(4, 1, 32, 32), flat)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert loss.item() < 0.5 * before
    assert adversarial(critic, content, torch.rand(4, 1, 32, 32)) < adversarial(critic, content, flat)
