from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from ir_transfer.conversion.options import Options
from ir_transfer.conversion.plan import Job, Variant
from ir_transfer.dataset.options import DatasetOptions, Rule, parse_rules
from ir_transfer.dataset.plan import ExemplarSimilarity, StyleChooser, draw_variants
from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import DecodedImage
from tests.conftest import photograph, thermal


def options(seed: int = 0, **changes: Any) -> DatasetOptions:
    return DatasetOptions(Options(("set",), ("a", "b", "c"), seed=seed), **changes)


def rel_path(number: int) -> PurePosixPath:
    return PurePosixPath(f"images/{number:04}.png")


def image(pixels: Any) -> DecodedImage:
    levels = np.ascontiguousarray(np.moveaxis(np.asarray(pixels, np.uint8), -1, 0))
    return DecodedImage(levels, 255.0, hashlib.sha256(levels.tobytes()).hexdigest())


def test_each_style_is_used_once_before_any_repeats() -> None:
    for number in range(20):
        drawn = draw_variants(options(variants=5), rel_path(number), number, 3)
        assert sorted(one.style for one in drawn[:3] if one.style is not None) == [0, 1, 2]
        assert [one.style for one in drawn[3:]] == [one.style for one in drawn[:2]]
        assert [one.number for one in drawn] == [0, 1, 2, 3, 4]


def test_assignment_depends_only_on_seed_and_path() -> None:
    asked = options(strengths=(0.5, 1.0), flip_share=0.5)
    assert draw_variants(asked, rel_path(1), 1, 3) == draw_variants(asked, rel_path(1), 99, 3)
    first = [draw_variants(asked, rel_path(n), n, 3)[0] for n in range(50)]
    other_seed = [
        draw_variants(options(1, strengths=(0.5, 1.0), flip_share=0.5), rel_path(n), n, 3)[0] for n in range(50)
    ]
    assert first != other_seed
    assert {one.style for one in first} == {0, 1, 2}
    assert {one.strength for one in first} == {0.5, 0.6, 0.7, 0.8, 0.9, 1.0}
    assert 10 < sum(one.inverted for one in first) < 40


def test_round_robin_cycles_through_styles() -> None:
    asked = options(assign="round-robin", variants=2)
    styles = [one.style for n in range(3) for one in draw_variants(asked, rel_path(n), n, 3)]
    assert styles == [0, 1, 2, 0, 1, 2]


def test_grayscale_variant_is_last_and_has_no_style() -> None:
    drawn = draw_variants(options(variants=2, include_gray=True, flip_share=1.0), rel_path(0), 0, 3)
    assert [one.style is None for one in drawn] == [False, False, True]
    assert drawn[-1] == Variant(2, None)


def test_rules_assign_styles_by_light_and_by_path() -> None:
    rules, styles = parse_rules(("night=dark.png", "images/0003.png=b"), ("a", "b"))
    assert styles == ("a", "b", "dark.png")
    assert rules == (Rule("night", 2, "night=dark.png"), Rule("images/0003.png", 1, "images/0003.png=b"))
    paths = {Path(str(rel_path(n))): rel_path(n) for n in range(5)}
    choose = StyleChooser(options(rules=rules), paths, None)
    day, night = photograph(), photograph() // 5

    def chosen(number: int, pixels: Any) -> int | None:
        job = Job(str(rel_path(number)), str(rel_path(number)), Variant(0, 0))
        variant = choose(job, image(pixels)).variant
        assert variant is not None
        return variant.style

    assert chosen(1, night) == 2
    assert chosen(1, day) == 0
    assert chosen(3, day) == 1
    gray = Job(str(rel_path(1)), str(rel_path(1)), Variant(0, None))
    assert choose(gray, image(night)) == gray


@pytest.mark.parametrize("text", ["night", "=a", "night=", ""])
def test_rule_needs_a_condition_and_a_style(text: str) -> None:
    with pytest.raises(InputError, match="CONDITION=STYLE"):
        parse_rules((text,), ("a",))


def test_nearest_exemplar_is_found_in_either_polarity() -> None:
    scenes = [thermal(64, 64, seed).astype(np.float32) / np.float32(255) for seed in (1, 2, 3)]
    similarity = ExemplarSimilarity(
        [np.float32(1) - scenes[0], scenes[1], np.float32(0.5) + np.float32(0.3) * scenes[2]]
    )
    for index, scene in enumerate(scenes):
        quoted = image(np.repeat((scene * 255)[..., None], 3, axis=2))
        assert similarity.ranked(quoted)[0] == index
        assert sorted(similarity.ranked(quoted)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variants": 0}, "--variants in 1..100, got 0"),
        ({"variants": 101}, "got 101"),
        ({"flip_share": 1.5}, "--flip-polarity in 0..1, got 1.5"),
        ({"strengths": (0.8, 0.2)}, "LOW..HIGH in 0..1, got 0.8..0.2"),
        ({"strengths": (-0.1, 0.2)}, "LOW..HIGH"),
        ({"shard": (4, 4)}, "got 5/4"),
    ],
)
def test_values_out_of_range_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        options(**changes).check()
