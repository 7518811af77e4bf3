"""Named pipes in folders fail individually and never block a run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.regular_files import open_regular, read_regular
from tests.conftest import photograph
from tests.imaging.raster.rasters import write


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    os.mkfifo(tmp_path / "pipe")
    assert read_regular(tmp_path / "link") == b"abc"
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match="not a regular file"):
            open_regular(path)


@pytest.mark.timeout(60)
def test_named_pipe_among_images_is_recorded_as_failed(tmp_path: Path, exemplar: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(photograph()).save(folder / "a.png")
    write(folder / "b.tif", np.moveaxis(photograph(), 2, 0))
    names = ("pipe.png", "pipe.jpg", "pipe.tif", "pipe.vrt", "pipe.heic", "pipe.webp")
    for name in (*names, "a.json", "b.tfw", "b.xml", "b.tif.ovr", "b.tif.msk", "b.tif.aux.xml"):
        os.mkfifo(folder / name)
    assert main(["convert", str(folder), "--style", str(exemplar), "--model", "histogram", "-o", str(out), "-q"]) == 1
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]
    status = {Path(entry["input"]).name: entry["status"] for entry in entries if "input" in entry}
    assert status.pop("a.png") == "converted"
    assert status.keys() == {*names, "b.tif"}
    assert all(status[name] == "failed" for name in names)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["a.txt", "a.xml", "annotations.json", "classes.txt", "data.yaml"])
def test_named_pipe_among_labels_does_not_block(name: str, tmp_path: Path, exemplar: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(photograph()).save(folder / "a.png")
    os.mkfifo(folder / name)
    main(["dataset", str(folder), "--style", str(exemplar), "--model", "histogram", "-o", str(out), "-q"])
    assert (out / "a.png").is_file() or list(out.rglob("a.png"))
