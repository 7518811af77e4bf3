import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ir_transfer.data.augment import ExemplarAugment, PairAugment, Tone


def test_geometry_is_the_same_for_both_pictures() -> None:
    rows, columns = np.mgrid[:90, :120]
    ramp = (rows + columns).astype(np.uint8)
    augment = PairAugment(64, seed=0)
    for _ in range(5):
        content, truth, _ = augment(np.repeat(ramp[..., None], 3, axis=2), ramp)
        photo = content.mean(axis=0).ravel()
        assert np.corrcoef(photo, truth.ravel())[0, 1] > 0.95


def test_same_seed_same_crops() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (90, 120), dtype=np.uint8)
    augment = ExemplarAugment((32, 40), seed=5)
    first = augment(picture)
    augment.reseed(5)
    assert np.array_equal(first, augment(picture))
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


def test_rows_follow_the_crop() -> None:
    columns = np.linspace(0, 255, 91).astype(np.uint8)[:, None].repeat(120, axis=1)
    augment = PairAugment(64, seed=1)
    for _ in range(5):
        _, truth, rows = augment(np.repeat(columns[..., None], 3, axis=2), columns)
        np.testing.assert_allclose(rows[0, 8:-8, 8:-8], truth[0, 8:-8, 8:-8] * 2 - 1, atol=0.06)
