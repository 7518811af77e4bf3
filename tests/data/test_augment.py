import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ir_transfer.data.augment import ExemplarAugment, PairAugment, Tone


def test_geometry_is_the_same_for_both_images() -> None:
    rows, columns = np.mgrid[:90, :120]
    ramp = (rows + columns).astype(np.uint8)
    augment = PairAugment(64, seed=0)
    for _ in range(5):
        content, truth, _ = augment(np.repeat(ramp[..., None], 3, axis=2), ramp)
        photo = content.mean(axis=0).ravel()
        assert np.corrcoef(photo, truth.ravel())[0, 1] > 0.95


def test_16_bit_precision_is_kept() -> None:
    rows, columns = np.mgrid[:90, :120]
    fine = (40000 + (rows + columns) % 200).astype(np.uint16)  # one level of 8 bits
    content, truth, _ = PairAugment(64, seed=0)(np.repeat(fine[..., None], 3, axis=2), fine)
    exemplar = ExemplarAugment((32, 40), seed=5)(fine)
    assert content.shape == (3, 64, 64)
    assert content.dtype == truth.dtype == exemplar.dtype == np.float32
    for image in (truth, exemplar):
        assert len(np.unique(np.round(image * 65535))) > 50
        assert 40000 <= image.min() * 65535 <= image.max() * 65535 <= 40200


def test_light_changes_apply_to_16_bit_images() -> None:
    fine = np.random.default_rng(0).integers(0, 65535, (72, 96, 3), dtype=np.uint16)
    augment = PairAugment(48, seed=0)
    for seed in range(40):
        augment.reseed(seed)
        content, _, _ = augment(fine, fine[..., 0])
        assert 0 <= content.min() < content.max() <= 1


def test_same_seed_same_crops() -> None:
    image = np.random.default_rng(0).integers(0, 255, (90, 120), dtype=np.uint8)
    augment = ExemplarAugment((32, 40), seed=5)
    first = augment(image)
    augment.reseed(5)
    assert np.array_equal(first, augment(image))
    assert first.shape == (1, 32, 40)


@given(seed=st.integers(0, 1000))
def test_tone_is_monotone_and_stays_in_range(seed: int) -> None:
    tone = Tone.draw(np.random.default_rng(seed))
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[None]
    toned = tone(ramp)
    steps = np.diff(toned[0])
    assert toned.min() >= 0
    assert toned.max() <= 1
    assert (steps <= 1e-6).all() if tone.inverted else (steps >= -1e-6).all()


def test_inverted_tone_is_the_exact_negative() -> None:
    ramp = np.linspace(0, 1, 11, dtype=np.float32)
    np.testing.assert_allclose(Tone(0.8, 1.1, 0.05, True)(ramp), 1 - Tone(0.8, 1.1, 0.05, False)(ramp), atol=1e-6)
