import pytest
import torch
from torch import nn

from ir_transfer.errors import InputError
from ir_transfer.losses.hints import FeatureHints


class Pyramid(nn.Module):
    """Two levels: the image's channels, and their means over 2 x 2."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [image, nn.functional.avg_pool2d(image, 2)]


def targets_of(image: torch.Tensor) -> dict[str, torch.Tensor]:
    mixture = torch.tensor([[1.0, 0, 0], [0, 1, -1], [1, 1, 0], [-1, 0, 1]])
    mixed = torch.einsum("dc,bchw->bdhw", mixture, image) * 300 + 1000
    return {"relu1_1": mixed, "relu2_1": nn.functional.avg_pool2d(mixed, 2), "relu3_1": torch.zeros(1)}


def test_hints_predict_feature_content_but_not_noise() -> None:
    torch.manual_seed(0)
    encoder, hints = Pyramid(), FeatureHints([3, 3], [4, 4, 4])
    hints.attach(encoder)
    optimiser = torch.optim.Adam(hints.parameters(), 3e-2)
    for _ in range(150):
        image = torch.rand(2, 3, 16, 16)
        encoder(image)
        known = hints(targets_of(image))
        encoder(image)
        unknown = hints(targets_of(torch.rand(2, 3, 16, 16)))
        optimiser.zero_grad()
        known.backward()
        optimiser.step()
    assert known.item() < 0.2
    assert unknown.item() > 0.8


def test_inactive_channels_cost_nothing_and_stay_finite() -> None:
    encoder, hints = Pyramid(), FeatureHints([3, 3], [2, 2])
    hints.attach(encoder)
    nn.init.zeros_(hints.regressors[0].weight)  # type: ignore[arg-type]
    nn.init.zeros_(hints.regressors[0].bias)  # type: ignore[arg-type]
    nn.init.zeros_(hints.regressors[1].weight)  # type: ignore[arg-type]
    nn.init.zeros_(hints.regressors[1].bias)  # type: ignore[arg-type]
    encoder(torch.rand(1, 3, 8, 8))
    assert hints({"relu1_1": torch.zeros(1, 2, 8, 8), "relu2_1": torch.zeros(1, 2, 4, 4)}).item() == 0


def test_hints_without_encoder_features_are_rejected() -> None:
    with pytest.raises(InputError, match="attach"):
        FeatureHints([3], [4])({"relu1_1": torch.rand(1, 4, 8, 8)})
