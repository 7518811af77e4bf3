"""Selection of the best and worst scenes."""

from __future__ import annotations

import torch

from ir_transfer.evaluation.results import Cases
from ir_transfer.evaluation.scenes import Scene


def test_keeps_the_two_best_and_two_worst_scenes() -> None:
    cases = Cases()
    photograph, truth = torch.rand(1, 3, 20, 24), torch.rand(1, 1, 20, 24)
    for index, value in enumerate([0.3, 0.1, 0.9, 0.5, 0.2, 0.8]):
        scene = Scene(f"s{index}", photograph, truth)
        cases.offer("mine", scene, truth, torch.rand(1, 1, 8, 8), {"perceptual": (value, 1.0), "ms_ssim": (0.0, 1.0)})
        assert len(cases.by_method["mine"]) <= 4
    assert [case.stem for case in cases.best("mine")] == ["s1", "s4"]
    assert [(case.stem, case.value) for case in cases.worst("mine")] == [("s2", 0.9), ("s5", 0.8)]
    images = cases.best("mine")[0].images
    assert {name: p.shape for name, p in images.items()} == {
        "RGB": (20, 24, 3),
        "exemplar": (8, 8),
        "output": (20, 24),
        "ground truth": (20, 24),
    }


def test_without_a_feature_extractor_scenes_are_ranked_by_similarity() -> None:
    cases, image = Cases(), torch.rand(1, 1, 20, 24)
    cases.offer("mine", Scene("s", torch.rand(1, 3, 20, 24), image), image, image, {"ms_ssim": (0.7, 1.0)})
    assert (cases.best("mine")[0].column, cases.worst("mine")) == ("ms_ssim", [])
    cases.offer("other", Scene("s", torch.rand(1, 3, 20, 24), image), image, image, {"psnr": (0.7, 1.0)})
    assert cases.best("other") == []
