from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.data.cards import list_cards


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cli") / "scenes"
    assert (
        main(
            [
                "datasets",
                "render",
                str(root),
                "--count",
                "4",
                "--frames",
                "2",
                "--size",
                "160x128",
                "--boxes",
                "--masks",
            ]
        )
        == 0
    )
    return root


def test_list_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in list_cards())
    assert main(["datasets", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(list_cards())
    assert main(["datasets", "show", "kaist"]) == 0
    text = capsys.readouterr().out
    assert "CC BY-NC-SA" in text
    assert "visible/{frame}.jpg" in text
    assert main(["datasets", "show", "kaits"]) == 2
    assert "did you mean 'kaist'" in capsys.readouterr().err


def test_check_reports_a_clean_set_or_names_a_fix(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    assert main(["datasets", "check", "generic-paired", "--root", str(scenes), "-o", str(out)]) == 0
    assert "clean" in capsys.readouterr().out
    assert json.loads((out / "report.json").read_text())["clean"]
    with Image.open(out / "worst_pairs.png") as image:
        assert image.width > 3 * 300
    bad = Path(shutil.copytree(scenes, tmp_path / "bad"))
    path = bad / "ir" / "s00000_f00.png"
    with Image.open(path) as image:
        levels = np.asarray(image)
    Image.fromarray(levels[:100]).save(path)
    assert main(["datasets", "check", "generic-paired", "--root", str(bad)]) == 1
    text = capsys.readouterr().out
    assert "s00000_f00" in text
    assert "remedy: register" in text


def test_invalid_roots_are_usage_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for root in (tmp_path / "nowhere", tmp_path):
        assert main(["datasets", "check", "msrs", "--root", str(root)]) == 2
        assert str(root) in capsys.readouterr().err
    assert main(["datasets", "check", "msrs"]) == 2


def test_split_by_scene(scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "split.json"
    base = ["datasets", "split", "generic-paired", "--root", str(scenes), "-o", str(out)]
    assert main(base) == 2
    assert "--scene REGEX or --runs N" in capsys.readouterr().err
    assert main([*base, "--scene", r"^(s\d+)_", "--val", "0.25"]) == 0
    parts = json.loads(out.read_text())["parts"]
    assert (len(parts["train"]), len(parts["val"])) == (3, 1)
    assert main([*base, "--scene", r"^(s\d+)_"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    # every frame a scene of its own: look-alikes join them again
    assert main([*base, "--scene", "^(.+)$", "--val", "0.25", "--overwrite"]) == 0
    assert "joined" in capsys.readouterr().out
    assert main([*base, "--scene", "^s", "--overwrite"]) == 2
    assert "at least two scenes" in capsys.readouterr().err
    check = ["datasets", "check", "generic-paired", "--root", str(scenes), "--split", str(out)]
    assert main(check) == 0
    content = json.loads(out.read_text())
    content["parts"]["train"]["s"] = next(iter(content["parts"]["val"].values()))
    out.write_text(json.dumps(content))
    assert main(check) == 2
    assert "in two" in capsys.readouterr().err


def test_render_writes_the_layout_of_a_card_and_rejects_invalid_sizes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "kaist"
    assert main(["datasets", "render", str(out), "--layout", "kaist", "--count", "3", "--size", "64x64"]) == 0
    assert len(list(out.glob("set*/V*/lwir/*.jpg"))) == 3
    assert main(["datasets", "render", str(out), "--count", "1"]) == 2
    assert "new or empty" in capsys.readouterr().err
    assert main(["datasets", "render", str(tmp_path / "x"), "--size", "big"]) == 2
    assert "320x256" in capsys.readouterr().err
