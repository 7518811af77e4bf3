from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.tracking.store import connect


def test_conversion_logs_its_lineage(tracking_uri: str, photos: Path, exemplar: Path, tmp_path: Path) -> None:
    (photos / "bad.png").write_bytes(b"damage")
    out = tmp_path / "out"
    command = ["convert", str(photos), "--style", str(exemplar), "--model", "histogram", "-o", str(out)]
    assert main([*command, "--track", "--tracking-uri", tracking_uri, "-q"]) == 1
    client = connect(tracking_uri)
    (run,) = client.search_runs(["1"])
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"images/converted": 6, "images/skipped": 0, "images/failed": 1}
    tags, params = run.data.tags, run.data.params
    assert tags["ir_transfer.kind"] == "convert"
    assert tags["ir_transfer.command"].startswith("ir-transfer convert")
    assert (params["model"], params["style_names"], params["bit_depth"]) == ("histogram", "exemplar.png", "8")
    assert len(params["style"]) == 16
    assert {item.path for item in client.list_artifacts(run.info.run_id)} == {"manifest.jsonl", "preview.png"}
    files = Path(client.download_artifacts(run.info.run_id, "", str(tmp_path)))
    assert (files / "manifest.jsonl").read_bytes() == (out / "manifest.jsonl").read_bytes()
    with Image.open(files / "preview.png") as sheet:
        assert sheet.width > 1000
    assert not (out / "preview.png").exists()


def test_unreachable_store_gives_one_warning_and_an_exit_code(
    photos: Path, exemplar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    command = ["convert", str(photos), "--style", str(exemplar), "--model", "gray", "-o", str(tmp_path / "out")]
    assert main([*command, "--track", "--tracking-uri", "http://127.0.0.1:9"]) == 1
    captured = capsys.readouterr()
    assert captured.out == f"converted 6, skipped 0, failed 0 into {tmp_path / 'out'} (see manifest.jsonl)\n"
    assert captured.err.startswith("Warning: not logged to MLflow at http://127.0.0.1:9: ")
    assert captured.err.count("\n") == 1
