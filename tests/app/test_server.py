from __future__ import annotations

import asyncio
import logging
import socket
import sys
from pathlib import Path

import pytest

from ir_transfer.app.server import _is_no_cancellation, make_app, serve
from ir_transfer.cli import main
from ir_transfer.errors import MissingPackageError
from tests.ci import needed


def test_occupied_port_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["app", "--port", str(port), "--no-browser"]) == 2
    assert f"expected a free port, got {port}, which is in use" in capsys.readouterr().err


def test_missing_gradio_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'ir-transfer\[app\]'"):
        make_app(tmp_path)
    said: list[str] = []
    with pytest.raises(MissingPackageError):
        serve(None, False, said.append)
    assert not any("Ready" in line for line in said)


def test_other_hosts_are_rejected_and_the_csp_blocks_external_requests(tmp_path: Path) -> None:
    needed("gradio", "install the extra dev")
    from starlette.testclient import TestClient

    client = TestClient(make_app(tmp_path), base_url="http://127.0.0.1")
    answer = client.get("/")
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "fonts.googleapis.com" not in answer.text
    assert client.get("/", headers={"Host": "elsewhere.example"}).status_code == 400


def test_stream_cancellation_is_not_logged_but_errors_are() -> None:
    def record(error: BaseException) -> logging.LogRecord:
        return logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "", None, (type(error), error, None))

    assert not _is_no_cancellation(record(asyncio.CancelledError()))
    assert _is_no_cancellation(record(ValueError()))
