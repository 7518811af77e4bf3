import torch

from ir_transfer.nn.rows import with_rows, with_rows_of


def test_rows_run_from_top_to_bottom() -> None:
    rows = with_rows(torch.rand(2, 3, 5, 4))[:, 3]
    torch.testing.assert_close(rows[1, :, 2], torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0]))


def test_a_tile_keeps_its_own_rows() -> None:
    whole = with_rows(torch.rand(1, 1, 8, 4), channels=1)
    tile = whole[..., 2:5, :]
    assert torch.equal(with_rows(tile, channels=1), tile)


def test_tiles_have_the_rows_of_their_picture() -> None:
    whole = with_rows(torch.rand(1, 3, 37, 4))
    assert torch.equal(with_rows_of(whole[:, :3, 16:32], 37, 16), whole[:, :, 16:32])
