from __future__ import annotations

from typing import Any

from ir_transfer.conversion.styles.build import ExemplarSummary, disagreements


def summary(name: str, polarity: str = "white-hot", **changed: Any) -> ExemplarSummary:
    taken = {"low": 0.0, "high": 255.0, "unit": "8 bit", "guessed": False, "stretched": False}
    record = {"file": name, "width": 640, "height": 512, "palette": None, "left_out": {}, "mean": 0.4, "deviation": 0.2}
    return ExemplarSummary({**record, "range": taken | changed.pop("range", {}), **changed}, polarity)


def test_similar_exemplars_agree() -> None:
    assert disagreements([summary("a"), summary("b", mean=0.5, width=320, height=256), summary("c")]) == []
    assert disagreements([summary("a")]) == []


def test_each_kind_of_disagreement_is_named() -> None:
    plain = [summary("a"), summary("b")]
    for far, words in (
        (summary("c", mean=0.8), "c: its mean is 0.80, that of most 0.40"),
        (summary("c", deviation=0.04), "c: its contrast is 0.04, that of most 0.2"),
        (summary("c", width=120, height=96), "c: its shorter side is 96, that of most 512"),
        (summary("c", "black-hot"), "c: black-hot, the others not"),
    ):
        found = disagreements([*plain, far])
        assert [line for line in found if line.startswith(words)], found
        assert len(found) == 1


def test_ranges_of_other_units_or_spans_disagree() -> None:
    celsius = {"low": 10.0, "high": 40.0, "unit": "Celsius", "guessed": True}
    same = [summary("a", range=celsius), summary("b", range=celsius)]
    assert disagreements(same) == []
    wide = disagreements([*same, summary("c", range={**celsius, "high": 400.0})])
    assert wide == ["c: its range spans 390, that of most 30"]
    assert "8 bit, Celsius" in disagreements([*same, summary("c")])[0]


def test_report_line_has_size_range_and_polarity() -> None:
    made = summary("a.tif", range={"unit": "counts", "low": 7000.0, "high": 9000.0, "guessed": True})
    assert made.line == "a.tif: 640 x 512, range 7000 to 9000 counts (guessed), white-hot"
    assert "palette iron, 2.0% ignored (scale)" in summary("b", palette="iron", left_out={"scale": 0.02}).line
