"""The GPU benchmark script runs on the CPU with tiny sizes and only its listed dependencies."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "gpu_benchmark.py"
UNNEEDED = ("albumentations", "mlflow", "pyarrow", "jinja2", "ray", "torchmetrics", "gradio", "onnx", "rich")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    specification = importlib.util.spec_from_file_location("gpu_benchmark", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look there
    specification.loader.exec_module(module)
    return module


def test_dry_run_measures_everything_and_writes_both_tables(script: ModuleType, tmp_path: Path) -> None:
    assert script.main(["--dry-run", "-o", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert {(row["model"], row["side"], row["batch"]) for row in found["models"]} == {
        (model, side, batch) for model in ("adain", "cin") for side in (32, 48) for batch in (1, 2)
    }
    assert all(0 < row["seconds_device"] <= row["seconds_clock"] for row in found["models"])
    assert [row["images"] for row in found["folders"]] == ["4 of 32 x 32", "2 of 48 x 48", "4 of mixed sizes"]
    assert all(row["images_per_second"] > 0 and 0 <= row["device_waits"] < 1 for row in found["folders"])
    assert [row["largest"] for row in found["agreement"]] == [0, 0]
    assert found["left_out"] == []
    text = (tmp_path / "gpu.md").read_text()
    assert "| adain | float32 | 32 | 1 |" in text
    assert "| 4 of 32 x 32 | float32 |" in text


def test_tasks_skipped_for_lack_of_time_are_named(script: ModuleType, tmp_path: Path) -> None:
    assert script.main(["--dry-run", "-o", str(tmp_path), "--minutes", "0"]) == 0
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["models"] == found["folders"] == []
    assert found["left_out"][:2] == ["seconds of adain", "agreement"]
    assert "folder of mixed sizes in float32" in (tmp_path / "gpu.md").read_text()


def test_mixed_sizes_are_mostly_coco_sizes(script: ModuleType) -> None:
    sizes = script.mixed_sizes(1000, 1.0)
    assert 0.2 < sizes.count((480, 640)) / len(sizes) < 0.4
    assert len(set(sizes)) > 20


def test_needs_only_its_listed_dependencies() -> None:
    blocked = f"import sys; sys.modules |= dict.fromkeys({UNNEEDED!r}); import runpy; runpy.run_path({str(SCRIPT)!r})"
    done = subprocess.run(
        [sys.executable, "-c", blocked], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
