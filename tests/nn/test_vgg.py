import torch

from ir_transfer.nn.vgg import MirrorDecoder, VggEncoder

VGG19 = {"widths": (64, 128, 256, 512), "depths": (2, 2, 4, 1)}


def test_paper_size_has_the_convolutions_of_vgg19_to_relu4_1() -> None:
    encoder = VggEncoder(**VGG19, input_conv=True)  # type: ignore[arg-type]
    shapes = [tuple(p.shape) for n, p in encoder.named_parameters() if n.endswith("weight") and p.shape[-1] == 3]
    assert [s[:2] for s in shapes] == [
        (64, 3), (64, 64), (128, 64), (128, 128), (256, 128), (256, 256), (256, 256), (256, 256), (512, 256),
    ]  # fmt: skip


def test_levels_halve_and_the_decoder_restores_the_size() -> None:
    encoder, decoder = VggEncoder((4, 8, 12), (1, 2, 1)), MirrorDecoder((4, 8, 12), (1, 2, 1), skips=True)
    features = encoder(torch.rand(2, 3, 32, 48))
    assert [tuple(f.shape[1:]) for f in features] == [(4, 32, 48), (8, 16, 24), (12, 8, 12)]
    assert decoder(features).shape == (2, 1, 32, 48)


def test_without_skips_only_the_deepest_feature_is_used() -> None:
    decoder = MirrorDecoder((4, 8), (1, 1))
    deep = torch.rand(1, 8, 8, 8)
    torch.testing.assert_close(decoder([torch.rand(1, 4, 16, 16), deep]), decoder([torch.zeros(1, 4, 16, 16), deep]))


def test_decoder_has_no_checkerboard_on_flat_features() -> None:
    decoder = MirrorDecoder((4, 8), (2, 2), residual=True, skips=True)
    flat = [torch.full((1, 4, 16, 16), 0.5), torch.full((1, 8, 8, 8), 0.5)]
    output = decoder(flat)
    assert output.std() < 1e-5
