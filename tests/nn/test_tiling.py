import torch

from ir_transfer.nn.tiling import Inside, radii


def test_radii_of_one_level_are_the_sum_over_its_convolutions() -> None:
    assert radii([2], [3]) == (2, 5)


def test_radii_are_rounded_up_to_cells_of_coarser_levels() -> None:
    # Up: 1 pixel, rounded to a cell of 2, then a cell of 2 more; down: a cell of 2 and a pixel.
    assert radii([1, 1], [1, 1]) == (3, 7)


def test_positions_of_a_partial_tile() -> None:
    features = torch.arange(5.0).view(1, 1, 5, 1).expand(1, 1, 5, 5)
    inside = Inside((4, 0, 9, 4)).features(features, 2)  # 9 pixels are 5 positions of 2
    assert inside.shape == (1, 1, 3, 2)
    assert inside[0, 0, :, 0].tolist() == [2, 3, 4]


def test_position_weight_is_the_share_of_its_pixels() -> None:
    weights = torch.zeros(1, 1, 5, 4)
    weights[..., 1, 0] = weights[..., 4, :] = 1
    shares = Inside((0, 0, 5, 4), weights).shares(2)
    assert shares is not None
    assert shares[0, 0].tolist() == [[0.25, 0], [0, 0], [1, 1]]
    assert Inside((0, 0, 5, 4)).shares(2) is None


def test_reflection_at_the_image_border_is_included() -> None:
    weights = torch.ones(1, 1, 5, 4)
    padded = Inside((0, 0, 5, 2), weights).padded(5, 4, 3, 4 - 4)
    assert padded.box == (0, 0, 8, 2)
    assert padded.weights is not None
    assert padded.weights.shape == (1, 1, 8, 4)
