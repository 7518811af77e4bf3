from __future__ import annotations

import click
import pytest

from ir_transfer.cli import main
from ir_transfer.cli.convert import convert
from ir_transfer.cli.dataset.generate import generate
from ir_transfer.cli.help_groups import SECTIONS
from ir_transfer.cli.video import video


@pytest.mark.parametrize("command", [convert, video, generate], ids=["convert", "video", "dataset"])
def test_every_option_is_in_one_section(command: click.Command) -> None:
    named = [name for names in SECTIONS.values() for name in names]
    assert len(named) == len(set(named))
    options = {param.name for param in command.params if isinstance(param, click.Option)}
    assert options <= set(named)


def test_help_of_convert_is_grouped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "--help"]) == 0
    text = capsys.readouterr().out
    places = [text.index(f"\n{title}:\n") for title in SECTIONS]
    assert places == sorted(places)
    assert "\nOptions:" not in text
    assert "\nOther:" not in text
    assert places[0] < text.index("\n  --style ") < places[1]
    assert text.index("--help") > places[-1]
