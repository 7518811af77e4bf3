import io

import torch
from torch import Tensor, nn

from ir_transfer.training.muon import Muon


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 24, 3), nn.ReLU(), nn.Conv2d(24, 1, 3))


def loss_of(model: nn.Module) -> Tensor:
    picture = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    loss: Tensor = (model(picture) - picture.mean(1, keepdim=True)[..., 3:-3, 3:-3].square()).square().mean()
    return loss


def train(model: nn.Module, optimiser: torch.optim.Optimizer, steps: int) -> float:
    for _ in range(steps):
        optimiser.zero_grad()
        loss = loss_of(model)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return loss_of(model).item()


def test_hidden_step_is_orthogonal_and_of_the_size_of_adamw() -> None:
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


def test_it_learns_and_first_and_last_layers_too() -> None:
    model = network()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    start = loss_of(model).item()
    assert train(model, Muon(model.parameters(), lr=3e-3), 60) < 0.1 * start
    assert all(not torch.equal(before[name], p) for name, p in model.named_parameters())


def test_state_survives_saving_to_the_bit() -> None:
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
