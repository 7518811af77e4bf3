import torch
from hypothesis import given
from hypothesis import strategies as st

from ir_transfer.nn.resize import resize_short_side


@given(st.integers(16, 200), st.integers(16, 200), st.sampled_from([1, 8]))
def test_short_side_and_aspect(height: int, width: int, multiple: int) -> None:
    resized = resize_short_side(torch.rand(1, 1, height, width), 64, multiple)
    assert resized.shape[-2] % multiple == resized.shape[-1] % multiple == 0
    assert abs(min(resized.shape[-2:]) - 64) <= multiple / 2
    factor = 64 / min(height, width)
    assert abs(resized.shape[-2] - height * factor) <= multiple / 2
    assert abs(resized.shape[-1] - width * factor) <= multiple / 2


def test_image_of_the_requested_size_is_unchanged() -> None:
    image = torch.rand(1, 1, 64, 80)
    assert resize_short_side(image, 64, 8) is image
