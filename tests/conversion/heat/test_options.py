from __future__ import annotations

import pytest

from ir_transfer.conversion.heat.options import HeatOptions, parse_heat
from ir_transfer.conversion.heat.rules import AUTO_PEOPLE, HeatRule
from ir_transfer.errors import InputError, UnknownNameError


@pytest.mark.parametrize(
    ("text", "auto", "finder"),
    [
        ("auto", AUTO_PEOPLE, "class-map"),
        ("AUTO=+0.3", 0.3, "class-map"),
        ("auto:maskrcnn", AUTO_PEOPLE, "maskrcnn"),
        ("auto:MaskRCNN=-0.1", -0.1, "maskrcnn"),
        ("auto:class-map", AUTO_PEOPLE, "class-map"),
    ],
)
def test_auto_selects_the_detector_and_the_shift(text: str, auto: float, finder: str) -> None:
    assert parse_heat([text]) == HeatOptions((), auto, finder)
    assert parse_heat([text, "car=0.1"]) == HeatOptions((HeatRule("car", None, 0.1),), auto, finder)


def test_explicit_rules_need_no_finder() -> None:
    rules = HeatRule("person", None, 0.2), HeatRule("car", "engine", 0.1)
    assert parse_heat(["person=+0.2,car.engine=+0.1"]) == HeatOptions(rules)
    assert parse_heat(["auto=0.3,car.engine=0.1"]) == HeatOptions(rules[1:], 0.3, "class-map")
    assert not parse_heat([]).asked
    assert parse_heat(["auto"]).asked


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["auto=2"], r"shift in -1\.\.1"),
        (["auto", "auto:maskrcnn"], "auto once, got auto and auto:maskrcnn"),
        (["automatic"], r"shift in -1\.\.1"),
    ],
)
def test_invalid_options_are_rejected(texts: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_heat(texts)


def test_an_unknown_finder_is_reported_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'maskrcnn'.*known: class-map, maskrcnn"):
        parse_heat(["auto:mask-rcnn"])


@pytest.mark.parametrize("texts", [[], ["auto"], ["person=0.1"]])
def test_weights_apply_to_mask_rcnn_only(texts: list[str]) -> None:
    with pytest.raises(InputError, match=r"auto:maskrcnn with --heat-weights a\.pth"):
        parse_heat(texts, "a.pth").check()
    parse_heat(["auto:maskrcnn"], "a.pth").check()


def test_the_manifest_holds_the_requested_rules() -> None:
    assert parse_heat(["auto:maskrcnn", "Car=0.1"]).settings() == {"heat": ["car=+0.1"], "heat_auto": AUTO_PEOPLE}
