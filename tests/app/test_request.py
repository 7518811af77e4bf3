from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ir_transfer.app.request import Request, camera_of, heat_rules, parse_range
from ir_transfer.cli import main
from ir_transfer.conversion import convert as engine
from ir_transfer.conversion.options import Options
from ir_transfer.errors import InputError, UnknownNameError

PLAIN = Request(("a.png",), ("preset:lwir-road-day",), model="adain")
REQUESTS = [
    PLAIN,
    replace(PLAIN, images=("with space (1).png", "-dash.png", "it's.jpg"), out="infrared_a b"),
    replace(PLAIN, strength=0.35, polarity="black-hot", bit_depth=16, format="tiff"),
    replace(PLAIN, styles=("preset:lwir-road-day", "b.png"), exemplar_polarity="white-hot", exemplar_range="full"),
    replace(PLAIN, styles=("a.png",), exemplar_range=(7000.5, 9000.0), model=None),
    replace(PLAIN, heat=heat_rules(True, [("person", 0.25), ("two-wheeler", 0.0), ("vehicle", -0.1)])),
    replace(PLAIN, camera=camera_of("boson-640", "camera", 0.2, 0.9)),
    replace(PLAIN, camera=camera_of(None, "linear", 0.2, 0.9)),
]


class _CapturedError(Exception):
    pass


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_command_line_parses_to_the_same_options(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Options] = []

    def capture(options: Options, *rest: Any) -> None:
        seen.append(options)
        raise _CapturedError

    monkeypatch.setattr(engine, "convert", capture)
    monkeypatch.chdir(tmp_path)
    for word in shlex.split(request_.command_line):
        if Path(word).suffix in {".png", ".jpg"}:
            Path(word).parent.mkdir(parents=True, exist_ok=True)
            Path(word).touch()
    with pytest.raises(_CapturedError):
        main(shlex.split(request_.command_line)[1:])
    asked = request_.options(tmp_path, tmp_path / request_.out)
    (typed,) = seen
    assert [Path(text).name for text in typed.inputs] == [Path(text).name for text in asked.inputs]
    assert [Path(text).name for text in typed.styles] == [Path(text).name for text in asked.styles]
    assert typed.out == Path(request_.out)
    assert typed.command == asked.command
    places = {"inputs": (), "styles": (), "out": None}
    assert replace(typed, **places) == replace(asked, **places)  # type: ignore[arg-type]


def test_exemplar_with_the_name_of_an_image_gets_a_separate_path() -> None:
    assert "convert a.png --style exemplars/a.png " in replace(PLAIN, styles=("a.png",)).command_line
    assert "--style b.png " in replace(PLAIN, styles=("b.png",)).command_line


def test_each_style_has_a_separate_folder() -> None:
    both = replace(PLAIN, styles=("preset:lwir-road-day", "lwir-road-day.png", "c.png"))
    assert [one.styles for one in both.each_style()] == [(style,) for style in both.styles]
    assert [one.out for one in both.each_style()] == [
        "infrared_lwir-road-day-1",
        "infrared_lwir-road-day-2",
        "infrared_c",
    ]


def test_missing_or_invalid_fields_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected at least one RGB image, got none"):
        replace(PLAIN, images=()).options(tmp_path, tmp_path)
    with pytest.raises(InputError, match="expected at least one style, got none"):
        replace(PLAIN, styles=()).options(tmp_path, tmp_path)
    with pytest.raises(UnknownNameError, match="finder"):
        replace(PLAIN, heat=("auto:nobody",)).options(tmp_path, tmp_path)


def test_exemplar_ranges_are_parsed() -> None:
    assert parse_range(" ") == parse_range("auto") == "auto"
    assert parse_range("percentile") == "percentile"
    assert parse_range("7000, 9000.5") == (7000.0, 9000.5)
    for text in ("9000,7000", "much", "1"):
        with pytest.raises(InputError, match="--exemplar-range auto, percentile, full"):
            parse_range(text)


def test_window_applies_to_linear_gain_control_only() -> None:
    assert camera_of(None, "clahe", 0.2, 0.9).window == (0.0, 1.0)
    assert camera_of(None, "linear", 0.2, 0.9).window == (0.2, 0.9)


def test_invalid_window_is_rejected(tmp_path: Path) -> None:
    options = replace(PLAIN, camera=camera_of(None, "linear", 0.9, 0.2)).options(tmp_path, tmp_path)
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"expected --agc-window as LOW\.\.HIGH"):
        options.check()
