import torch

from ir_transfer.losses.adversarial import PatchCritic, adversarial, critic_loss


def test_critic_learns_to_distinguish_noise_from_flat_images() -> None:
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


def test_hinge_losses_equal_the_formula() -> None:
    torch.manual_seed(0)
    critic = PatchCritic(4).eval()  # in training its spectral norms move with every call
    content, real, made = torch.rand(2, 3, 32, 32), torch.rand(2, 1, 32, 32), torch.rand(2, 1, 32, 32)
    high, low = critic(content, real), critic(content, made)
    expected = (1 - high).clamp(min=0).mean() + (1 + low).clamp(min=0).mean()
    torch.testing.assert_close(critic_loss(critic, content, real, made), expected)
    torch.testing.assert_close(adversarial(critic, content, made), -low.mean())


def test_critic_loss_has_no_gradient_for_the_generator() -> None:
    critic = PatchCritic(4)
    content, real, made = torch.rand(2, 3, 32, 32), torch.rand(2, 1, 32, 32), torch.rand(2, 1, 32, 32)
    made.requires_grad_()
    critic_loss(critic, content, real, made).backward()  # type: ignore[no-untyped-call]
    assert made.grad is None
    assert all(parameter.grad is not None for parameter in critic.parameters())
    adversarial(critic, content, made).backward()  # type: ignore[no-untyped-call]
    assert made.grad is not None
    assert made.grad.any()
