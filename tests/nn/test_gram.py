import torch

from ir_transfer.nn.gram import gram_matrix


def test_gram_matrix_is_the_mean_of_outer_products() -> None:
    features = torch.rand(1, 3, 4, 5)
    expected = sum(torch.outer(v, v) for v in features[0].flatten(1).T) / 20
    torch.testing.assert_close(gram_matrix(features)[0], expected)
