from __future__ import annotations

import io

import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.nn.box_mean import box_mean


@pytest.mark.parametrize("side", [3, 5, 17, 21])
@pytest.mark.parametrize("size", [(17, 30), (4, 9)])
def test_windows_are_averaged_over_positions_within_the_border(side: int, size: tuple[int, int]) -> None:
    values = torch.rand(2, 3, *size, dtype=torch.float64)
    padded, inside = (F.pad(v, [side // 2] * 4) for v in (values, torch.ones_like(values)))
    sums, counts = (v.unfold(2, side, 1).unfold(3, side, 1).sum((-2, -1)) for v in (padded, inside))
    torch.testing.assert_close(box_mean(values, side), sums / counts)


def test_constant_is_unchanged() -> None:
    torch.testing.assert_close(box_mean(torch.full((1, 1, 6, 8), 0.3), 11), torch.full((1, 1, 6, 8), 0.3))


class _BoxMean(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return box_mean(values, 11)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_exported_graph_gives_the_same_means() -> None:
    values, written = torch.rand(1, 3, 17, 30), io.BytesIO()
    torch.onnx.export(
        _BoxMean(),
        (values[..., :13, :20],),
        written,  # type: ignore[arg-type]  # the tracing exporter takes a buffer
        dynamo=False,
        input_names=["values"],
        dynamic_axes={"values": {2: "height", 3: "width"}},
    )
    session = onnxruntime.InferenceSession(written.getvalue(), providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {"values": values.numpy()})
    torch.testing.assert_close(torch.from_numpy(made), box_mean(values, 11))
