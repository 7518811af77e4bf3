from pathlib import Path

import pytest

from ir_transfer.training.journal import JOURNAL, append_event, read_events


def test_reading_continues_at_the_last_position(tmp_path: Path) -> None:
    append_event(tmp_path, "metrics", 1, {"values": {"loss/a": 0.5}})
    events, end = read_events(tmp_path)
    assert [(e["kind"], e["step"], e["values"]) for e in events] == [("metrics", 1, {"loss/a": 0.5})]
    append_event(tmp_path, "ended", 2, {"reason": "finished"})
    events, end = read_events(tmp_path, end)
    assert [e["kind"] for e in events] == ["ended"]
    assert end == (tmp_path / JOURNAL).stat().st_size
    assert read_events(tmp_path, end) == ([], end)


def test_truncated_line_is_skipped_and_does_not_affect_the_next(tmp_path: Path) -> None:
    append_event(tmp_path, "metrics", 1, {"values": {}})
    whole = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).write_bytes(whole + whole[:9])
    events, end = read_events(tmp_path)
    assert len(events) == 1
    assert end == len(whole)
    append_event(tmp_path, "resumed", 1, {})
    events, _ = read_events(tmp_path, end)
    assert [e["kind"] for e in events] == ["resumed"]


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        '"x"',
        "{}",
        '{"kind": "image", "step": 1, "at": 0}',
        '{"kind": "metrics", "step": 1, "at": 0, "values": 5}',
    ],
)
def test_line_that_is_not_an_event_is_skipped(tmp_path: Path, line: str) -> None:
    append_event(tmp_path, "metrics", 1, {"values": {}})
    with (tmp_path / JOURNAL).open("a") as file:
        file.write(f"{line}\n")
    append_event(tmp_path, "resumed", 1, {})
    assert [event["kind"] for event in read_events(tmp_path)[0]] == ["metrics", "resumed"]


def test_folder_without_a_journal_has_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path) == ([], 0)
