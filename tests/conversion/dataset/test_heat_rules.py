from __future__ import annotations

import pytest
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights

from ir_transfer.conversion.dataset.heat_rules import AUTO_PEOPLE, AUTO_SHARES, HeatRule, fit_rules, parse_heat
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
def test_a_rule_says_class_part_and_shift(text: str, rule: HeatRule) -> None:
    assert parse_heat([text]) == ((rule,), None)
    assert parse_heat([rule.text]) == ((rule,), None)


@pytest.mark.parametrize("text", ["person", "=0.1", "person=hot", "person=nan", "person=1.1", "person=-inf", "auto=2"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"shift in -1\.\.1"):
        parse_heat([text])


def test_a_class_is_named_once() -> None:
    with pytest.raises(InputError, match="once for traffic light"):
        parse_heat(["traffic_light=0.1", "Traffic Light=0.2"])
    assert len(parse_heat(["person=0.1", "person.head=0.2"])[0]) == 2


def test_auto_may_have_a_shift_of_its_own() -> None:
    assert parse_heat(["auto"]) == ((), AUTO_PEOPLE)
    assert parse_heat(["AUTO=+0.3", "car=0.1"]) == ((HeatRule("car", None, 0.1),), 0.3)


def test_names_fit_whatever_their_case_and_joints() -> None:
    rules, _ = parse_heat(["PERSON=0.2", "traffic-light=0.1", "e.bike=0.1", "e.bike.wheels=0.2"])
    assert fit_rules(rules, None, CLASSES, ()) == (rules, ())


def test_a_class_that_is_called_like_a_part_is_a_class() -> None:
    rules, _ = parse_heat(["figure.head=0.2"])
    assert fit_rules(rules, None, ["Figure.Head"], ()) == ((HeatRule("figure.head", None, 0.2),), ())
    assert fit_rules(rules, None, ["figure"], ()) == ((HeatRule("figure", "head", 0.2),), ())


def test_an_unknown_class_is_told_with_those_there_are() -> None:
    rules, _ = parse_heat(["person=0.1", "persn=0.2"])
    with pytest.raises(UnknownNameError, match=r"unknown class of --heat 'persn': did you mean 'Person'\?.*e\.bike"):
        fit_rules(rules, None, CLASSES, ())
    with pytest.raises(UnknownNameError, match=r"unknown part of an object 'foot': .*torso"):
        fit_rules(parse_heat(["person.foot=0.1"])[0], None, CLASSES, ())
    with pytest.raises(InputError, match="use --heat auto"):
        fit_rules(rules, None, (), ())


def test_what_is_found_has_shifts_that_rules_replace() -> None:
    found = ["person", "car", "dog", "bicycle"]
    rules, auto = parse_heat(["auto=0.4", "Car=0.1", "person.head=0.5", "e.bike=0.3"])
    of_labels, of_found = fit_rules(rules, auto, CLASSES, found)
    assert of_labels == (HeatRule("e.bike", None, 0.3),)
    shifts = {rule.what: rule.shift for rule in of_found}
    assert shifts["person"] == pytest.approx(0.4)
    assert shifts["dog"] == pytest.approx(0.4 * AUTO_SHARES["dog"])
    assert (shifts["car"], shifts["person.head"]) == (0.1, 0.5)
    assert "bicycle" not in shifts


def test_shifts_are_for_classes_of_the_detector() -> None:
    assert AUTO_SHARES.keys() <= set(MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.meta["categories"])
