from __future__ import annotations

import numpy as np

from ir_transfer.app.presets import preset_cards, presets_of


def test_model_presets_omit_black_hot_variants() -> None:
    assert "preset:lwir-road-day" in presets_of(None)
    assert presets_of(None) == presets_of("adain")
    assert not any(name.endswith("black-hot") for name in presets_of("wct2"))
    assert presets_of("johnson") == ["preset:lwir-road-day", "preset:nir-ground"]
    assert presets_of("gray") == []


def test_preset_thumbnails_differ() -> None:
    cards = preset_cards()
    assert [card.name for card in cards] == presets_of(None)
    images = [np.asarray(card.image, dtype=np.float32) for card in cards]
    assert all(image.shape == (192, 256) and image.std() > 10 for image in images)
    assert all(np.abs(a - b).mean() > 1 for i, a in enumerate(images) for b in images[:i])
