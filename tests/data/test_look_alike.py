import numpy as np

from ir_transfer.data.look_alike import find_look_alikes, fingerprint
from ir_transfer.synthetic.images import render


def test_adjacent_video_frames_match_and_other_scenes_do_not() -> None:
    keys = [(seed, frame) for seed in range(5) for frame in (0, 1)]
    images = [render(seed, frame, size=(96, 80)) for seed, frame in keys]
    rgb = np.stack([fingerprint(p.rgb.mean(axis=2)) for p in images])
    ir = np.stack([fingerprint(p.ir) for p in images])
    found = [(keys[i], keys[j]) for i, j in find_look_alikes(rgb, ir)]
    assert all(one[0] == other[0] for one, other in found)
    assert len(found) >= 3


def test_images_without_structure_match_nothing() -> None:
    blank = np.stack([fingerprint(np.full((50, 60), level, np.float32)) for level in (0.0, 0.5)])
    assert not list(find_look_alikes(blank, blank, alike=0.1))


def test_equal_images_match_regardless_of_brightness() -> None:
    random = np.random.default_rng(0)
    image = random.random((60, 80)).astype(np.float32)
    prints = np.stack([fingerprint(image), fingerprint(0.4 * image + 0.3)])
    assert list(find_look_alikes(prints, prints)) == [(0, 1)]
