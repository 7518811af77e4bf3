import torch

from ir_transfer.losses.base import Scene
from ir_transfer.losses.tv import tv


def test_equals_the_formula() -> None:
    output = torch.tensor([[[[0.0, 1.0, 1.0], [0.0, 0.0, 4.0]]]])
    down, across = (0 + 1 + 3) / 3, (1 + 0 + 0 + 4) / 4
    scene = Scene(output.expand(-1, 3, -1, -1), output, output)
    torch.testing.assert_close(tv(scene), torch.tensor(down + across))
