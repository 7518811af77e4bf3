"""The tutorial notebook runs completely and shows an image after each cell."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.ci import needed
from tests.docs.pages import CHECKOUT

NOTEBOOK = CHECKOUT / "docs" / "tutorials" / "first-images.ipynb"


def test_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = needed("nbformat", "install the extra dev"), needed("nbclient", "install the extra dev")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")])))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(book, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert len(code) >= 4
    assert all("image/jpeg" in cell.outputs[-1].data for cell in code)


def test_stored_outputs_are_complete_and_contain_no_local_paths() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert text.count('"image/jpeg"') == text.count('"cell_type": "code"')
    assert "/tmp" not in text
    assert '"output_type": "error"' not in text
