"""Passwords and keys of URLs are in no file or output of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.tracking.delivery import Delivery
from ir_transfer.training.run_folder import RunFolder
from tests.conftest import photograph

SECRET = "hunter2secret"
URL = f"vault://me:{SECRET}@host/rgb"
SERVER = f"http://me:{SECRET}@127.0.0.1:1/?token={SECRET}"


class Vault(MemoryFileSystem):  # type: ignore[misc]
    """An in-memory storage whose URLs contain passwords, and whose errors repeat them."""

    protocol = "vault"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(f"/{path.rpartition('@host/')[2]}" if "://" in path else path)  # type: ignore[no-any-return]

    def cat_file(self, path: str, *args: Any, **options: Any) -> bytes:
        if "unreadable" in path:
            raise PermissionError(f"403 for vault://me:{SECRET}@host{path}?X-Amz-Signature={SECRET}")
        return super().cat_file(path, *args, **options)  # type: ignore[no-any-return]


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[MemoryFileSystem]:
    """Two RGB images, one unreadable file and one damaged file."""
    fsspec.register_implementation("vault", Vault, clobber=True)
    system = fsspec.filesystem("vault")
    Image.fromarray(photograph(24, 32)).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for name, content in {"a.png": data, "b.png": data, "unreadable.png": data, "damaged.png": b"none"}.items():
        system.pipe_file(f"/rgb/{name}", content)
    yield system
    system.store.clear()


def written(root: Path) -> dict[str, bytes]:
    files = {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    for path in root.rglob("*.parquet"):  # its columns are compressed
        table = pq.read_table(path)
        files[f"{path} (table)"] = repr((table.to_pydict(), table.schema.metadata)).encode()
    return files


def leaks(root: Path) -> list[str]:
    return [name for name, data in written(root).items() if SECRET.encode() in data]


@pytest.mark.parametrize("command", ["convert", "dataset"])
def test_secrets_are_neither_written_nor_printed(
    command: str, vault: MemoryFileSystem, exemplar: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "tracked"
    out = tmp_path / "out"
    options = ["--style", str(exemplar), "--model", "histogram", "--threads", "1", "-v", "-o", str(out)]
    own = ["--preview", "--track", "--tracking-uri", f"sqlite:///{store}/mlflow.db"] if command == "convert" else []
    assert main([command, URL, *options, *own]) == 1
    printed = capfd.readouterr()
    assert "403" in printed.err
    assert "vault://***@host" in printed.err
    assert SECRET not in printed.out + printed.err
    assert (out / "manifest.jsonl").read_text().count("vault://***@host/rgb") >= 4
    assert leaks(tmp_path) == []
    if command == "convert":
        assert b"vault://***@host/rgb" in (store / "mlflow.db").read_bytes()


def test_remote_results_contain_no_secrets(
    vault: MemoryFileSystem, exemplar: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--style", str(exemplar), "--model", "histogram", "--threads", "1"]
    assert main(["convert", URL, *options, "-o", f"vault://me:{SECRET}@host/ir"]) == 1
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err
    names = vault.find("/ir")
    assert any(name.endswith("manifest.jsonl") for name in names)
    assert not [name for name in names if SECRET.encode() in vault.cat_file(name)]


@pytest.mark.parametrize("option", ["input", "out", "tracking"])
def test_errors_and_warnings_contain_no_secrets(
    option: str,
    vault: MemoryFileSystem,
    photos: Path,
    exemplar: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    options = ["--style", str(exemplar), "--model", "histogram", "--threads", "1"]
    commands = {
        "input": [f"vault://me:{SECRET}@host/nowhere", *options, "-o", str(tmp_path / "out")],
        "out": [str(photos), *options, "-o", f"nosuch://me:{SECRET}@host/ir"],
        "tracking": [str(photos), *options, "-o", str(tmp_path / "out"), "--track", "--tracking-uri", SERVER],
    }
    main(["convert", *commands[option]])
    printed = capfd.readouterr()
    assert "***@" in printed.err
    assert SECRET not in printed.out + printed.err
    assert leaks(tmp_path) == []


def test_training_folder_contains_no_secrets(tmp_path: Path) -> None:
    lines: list[str] = []
    folder = RunFolder(tmp_path / "run", lines.append)
    folder.log(f"MLflow at {SERVER} lacks a part of this run")
    folder.note("started", 0, recipe={"data": {"root": URL}}, facts={"command": ["train", "--init", URL]})
    Delivery(tmp_path / "run", SERVER)._save()
    assert leaks(tmp_path) == []
    assert SECRET not in "".join(lines)
    assert b"***" in (tmp_path / "run/journal.jsonl").read_bytes()
    assert Delivery(tmp_path / "run", SERVER)._state == Delivery(tmp_path / "run", SERVER.replace("me:", "you:"))._state
