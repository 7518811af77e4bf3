import io

import pytest
import torch
from torch import Tensor, nn

from ir_transfer.training import muon
from ir_transfer.training.muon import Muon


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 24, 3), nn.ReLU(), nn.Conv2d(24, 1, 3))


def loss_of(model: nn.Module) -> Tensor:
    image = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    loss: Tensor = (model(image) - image.mean(1, keepdim=True)[..., 3:-3, 3:-3].square()).square().mean()
    return loss


def train(model: nn.Module, optimiser: torch.optim.Optimizer, steps: int) -> float:
    for _ in range(steps):
        optimiser.zero_grad()
        loss = loss_of(model)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return loss_of(model).item()


def test_hidden_step_is_orthogonal_with_the_rms_of_adamw() -> None:
    model = network()
    hidden = dict(model.named_parameters())["2.weight"]
    before = hidden.detach().clone()
    train(model, Muon(model.parameters(), lr=1e-3, weight_decay=0.0), 1)
    step = ((before - hidden.detach()) / 1e-3).flatten(1)
    singular = torch.linalg.svdvals(step) / (0.2 * step.shape[1] ** 0.5)
    # A gradient of low rank (dead units) stays of low rank; what is there is brought to 1.
    assert singular.median() > 0.5
    assert singular.max() < 1.3
    assert 0.1 < step.square().mean().sqrt() < 0.3


def orthogonalised(matrix: Tensor) -> Tensor:
    """Return the result of five quintic iterations on a matrix, by its singular values."""
    u, values, v = torch.linalg.svd(matrix.double() / matrix.double().norm(), full_matrices=False)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    found: Tensor = (u * values) @ v
    return found


@pytest.mark.parametrize("shape", [(8, 12), (12, 2, 2, 2), (9, 16)])
def test_hidden_steps_follow_the_papers(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Momentum .95 with Nesterov's look-ahead (Jordan et al.), scale and decay of Liu et al., equation 4."""
    monkeypatch.setattr(muon, "bfloat16_is_fast", lambda _: False)
    generator = torch.Generator().manual_seed(0)
    learned = [nn.Parameter(torch.randn(shape, generator=generator)) for _ in range(2)]  # alike: they may share work
    expected = [p.detach().double() for p in learned]
    momentum = [torch.zeros_like(e) for e in expected]
    optimiser = Muon(learned, lr=0.1, weight_decay=0.3)
    for _ in range(3):
        for index, parameter in enumerate(learned):
            gradient = torch.randn(shape, generator=generator)
            parameter.grad = gradient.clone()
            momentum[index] = 0.95 * momentum[index] + 0.05 * gradient.double()
            ahead = (0.05 * gradient.double() + 0.95 * momentum[index]).flatten(1)
            step = 0.2 * max(ahead.shape) ** 0.5 * orthogonalised(ahead)
            expected[index] = (1 - 0.1 * 0.3) * expected[index] - 0.1 * step.reshape(shape)
        optimiser.step()
    for parameter, wanted in zip(learned, expected, strict=True):
        torch.testing.assert_close(parameter.detach().double(), wanted, atol=1e-4, rtol=0)


def test_all_layers_learn_including_first_and_last() -> None:
    model = network()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    start = loss_of(model).item()
    assert train(model, Muon(model.parameters(), lr=3e-3), 60) < 0.1 * start
    assert all(not torch.equal(before[name], p) for name, p in model.named_parameters())


def test_state_round_trips_bit_exactly() -> None:
    whole, first = network(), network()
    train(whole, Muon(whole.parameters(), lr=1e-3), 6)
    optimiser = Muon(first.parameters(), lr=1e-3)
    train(first, optimiser, 3)
    file = io.BytesIO()
    torch.save([first.state_dict(), optimiser.state_dict()], file)
    file.seek(0)
    weights, state = torch.load(file, weights_only=True)
    second = network()
    second.load_state_dict(weights)
    resumed = Muon(second.parameters(), lr=1e-3)
    resumed.load_state_dict(state)
    train(second, resumed, 3)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))
