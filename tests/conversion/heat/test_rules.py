from __future__ import annotations

import pytest
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights

from ir_transfer.conversion.heat.rules import (
    ALIASES,
    AUTO_SHARES,
    MAP_CLASSES,
    HeatRule,
    fit_rules,
    parse_rule,
    parse_rules,
    plain,
    split_rules,
)
from ir_transfer.errors import InputError, UnknownNameError

CLASSES = ("Person", "traffic_light", "e.bike", "Car")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("person=+0.2", HeatRule("person", None, 0.2)),
        ("Car.Engine=0.1", HeatRule("car", "engine", 0.1)),
        ("Traffic Light=-.05", HeatRule("traffic light", None, -0.05)),
        ("e.bike=1", HeatRule("e.bike", None, 1.0)),
        ("e.bike.wheels=1", HeatRule("e.bike", "wheels", 1.0)),
        ("a=b=0.1", HeatRule("a=b", None, 0.1)),
        ("head=0.1", HeatRule("head", None, 0.1)),
    ],
)
def test_rule_has_class_part_and_shift(text: str, rule: HeatRule) -> None:
    assert parse_rule(text) == rule
    assert parse_rule(rule.text) == rule


@pytest.mark.parametrize("text", ["person", "=0.1", "person=hot", "person=nan", "person=1.1", "person=-inf"])
def test_invalid_rules_are_rejected(text: str) -> None:
    with pytest.raises(InputError, match=r"shift in -1\.\.1"):
        parse_rule(text)


def test_duplicate_classes_are_rejected() -> None:
    with pytest.raises(InputError, match="once for traffic light"):
        parse_rules(["traffic_light=0.1", "Traffic Light=0.2"])
    assert len(parse_rules(["person=0.1", "person.head=0.2"])) == 2


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("person=+0.2,vehicle=.1,dog=1", ["person=+0.2", "vehicle=.1", "dog=1"]),
        ("table, round=0.1", ["table, round=0.1"]),
        ("model 3, old=0.1", ["model 3, old=0.1"]),
        ("auto=0.3,car=0.1", ["auto=0.3", "car=0.1"]),
    ],
)
def test_commas_separate_rules_but_not_names(text: str, parts: list[str]) -> None:
    assert split_rules(text) == parts


def test_names_match_regardless_of_case_and_separators() -> None:
    rules = parse_rules(["PERSON=0.2", "traffic-light=0.1", "e.bike=0.1", "e.bike.wheels=0.2"])
    assert fit_rules(rules, None, CLASSES, ()) == (rules, ())


def test_class_name_takes_precedence_over_a_part_name() -> None:
    rules = parse_rules(["figure.head=0.2"])
    assert fit_rules(rules, None, ["Figure.Head"], ()) == ((HeatRule("figure.head", None, 0.2),), ())
    assert fit_rules(rules, None, ["figure"], ()) == ((HeatRule("figure", "head", 0.2),), ())


def test_unknown_class_lists_the_known_ones() -> None:
    rules = parse_rules(["person=0.1", "persn=0.2"])
    with pytest.raises(UnknownNameError, match=r"unknown class of --heat 'persn': did you mean 'Person'\?.*e\.bike"):
        fit_rules(rules, None, CLASSES, ())
    with pytest.raises(UnknownNameError, match=r"unknown part of an object 'foot': .*torso"):
        fit_rules(parse_rules(["person.foot=0.1"]), None, CLASSES, ())
    with pytest.raises(InputError, match="use --heat auto"):
        fit_rules(rules, None, (), ())


def test_rules_override_the_default_shifts_of_detections() -> None:
    found = ["person", "car", "dog", "bicycle"]
    rules = parse_rules(["Car=0.1", "person.head=0.5", "e.bike=0.3"])
    of_labels, of_found = fit_rules(rules, 0.4, CLASSES, found)
    assert of_labels == (HeatRule("e.bike", None, 0.3),)
    shifts = {rule.what: rule.shift for rule in of_found}
    assert shifts["person"] == pytest.approx(0.4)
    assert shifts["dog"] == pytest.approx(0.4 * AUTO_SHARES["dog"])
    assert (shifts["car"], shifts["person.head"]) == (0.1, 0.5)
    assert "bicycle" not in shifts


def test_without_auto_only_named_classes_are_shifted() -> None:
    rules = parse_rules(["Cars=0.1", "Two-Wheeler=-0.1", "pedestrian.head=0.3"])
    found = ("person", "two-wheeler", "car")
    aliases = {"cars": "car", "pedestrian": "person"}
    expected = (HeatRule("car", None, 0.1), HeatRule("two wheeler", None, -0.1), HeatRule("person", "head", 0.3))
    assert fit_rules(rules, None, (), found, aliases) == ((), expected)


def test_label_classes_take_precedence_over_aliases() -> None:
    rules = parse_rules(["car=0.1", "truck=0.2"])
    of_labels, of_found = fit_rules(rules, 0.2, CLASSES, MAP_CLASSES, ALIASES)
    assert of_labels == (HeatRule("car", None, 0.1),)
    assert {rule.what: rule.shift for rule in of_found} == {"person": 0.2, "vehicle": 0.2}


def test_two_rules_for_one_detected_class_are_rejected() -> None:
    with pytest.raises(InputError, match="bus is found as vehicle"):
        fit_rules(parse_rules(["car=0.1", "bus=0.2"]), None, (), MAP_CLASSES, ALIASES)


def test_aliases_refer_to_classes_of_the_map() -> None:
    names = {plain(name) for name in MAP_CLASSES}
    assert set(ALIASES.values()) == names
    assert not names & ALIASES.keys()
    assert all(plain(name) == name for name in ALIASES)


def test_default_shifts_refer_to_detectable_classes() -> None:
    known = {*MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.meta["categories"], *MAP_CLASSES}
    assert AUTO_SHARES.keys() <= known
