from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image

from ir_transfer import create_model
from ir_transfer.conversion.convert import convert
from ir_transfer.conversion.devices import pick_device
from ir_transfer.conversion.options import Options, Summary
from ir_transfer.errors import EncodeError, InputError, IrTransferError
from ir_transfer.imaging.image_io import read_image
from tests.conftest import photograph, thermal
from tests.models.small_thermal import SMALL_THERMAL


class Watcher:
    """Records the notifications."""

    def __init__(self) -> None:
        self.total = 0
        self.errors: list[str | None] = []

    def start(self, total: int) -> None:
        self.total = total

    def advance(self, error: str | None) -> None:
        self.errors.append(error)


def run(options: Options, **changes: Any) -> Summary:
    watcher = Watcher()
    summary = convert(replace(options, **changes), watcher)
    if summary.stopped is None:
        assert watcher.total == len(watcher.errors)
    return summary


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def tree(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def counts(summary: Summary) -> tuple[int, int, int]:
    return summary.converted, summary.skipped, summary.failed


@pytest.fixture
def options(photos: Path, exemplar: Path, tmp_path: Path) -> Options:
    return Options((str(photos),), (str(exemplar),), tmp_path / "out", model="histogram")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a small AdaIN."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    create_model("adain", weights=None, **SMALL_THERMAL).save(path)
    return path


def test_every_image_keeps_its_size_and_relative_path(options: Options, photos: Path) -> None:
    summary = run(options)
    assert counts(summary) == (6, 0, 0)
    for source in photos.rglob("*.*"):
        result = (summary.out / source.relative_to(photos)).with_suffix(".png")
        with Image.open(source) as before, Image.open(result) as after:
            assert after.size == before.size
            assert after.mode == "L"


def test_manifest_records_all_settings(options: Options, photos: Path) -> None:
    out = run(options, command="ir-transfer convert photos", seed=7).out
    header, *entries = lines(out)
    assert header["kind"] == "header"
    assert header["command"] == "ir-transfer convert photos"
    assert header["look"]["model"] == "histogram"
    assert header["look"]["seed"] == 7
    assert {"weights", "style", "strength", "inverted", "bit_depth"} < header["look"].keys()
    assert {"ir_transfer", "torch"} < header["versions"].keys()
    assert [entry["output"] for entry in entries] == ["a.png", "b.png", "c.png", "d.png", "sub/a.png", "sub/e.png"]
    for entry in entries:
        assert entry["status"] == "converted"
        assert entry["error"] is None
        assert entry["input_sha256"] == hashlib.sha256(Path(entry["input"]).read_bytes()).hexdigest()
        assert entry["output_sha256"] == hashlib.sha256((out / entry["output"]).read_bytes()).hexdigest()
        image = read_image(entry["input"])
        assert (entry["width"], entry["height"], entry["bit_depth"]) == (image.width, image.height, 8)


def test_trained_network_end_to_end(options: Options, weights: Path) -> None:
    summary = run(options, model="adain", weights=str(weights), precision="bfloat16")
    assert counts(summary) == (6, 0, 0)
    assert lines(summary.out)[0]["look"]["weights"] == hashlib.sha256(weights.read_bytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    "changes", [{"batch_size": 1, "workers": 1}, {"batch_size": 3, "workers": 4}, {"workers": 2, "threads": 1}]
)
def test_results_do_not_depend_on_batches_or_workers(
    options: Options, weights: Path, tmp_path: Path, changes: dict[str, int]
) -> None:
    threads = torch.get_num_threads()
    adain = replace(options, model="adain", weights=str(weights))
    assert tree(run(adain).out) == tree(run(adain, out=tmp_path / "again", **changes).out)
    torch.set_num_threads(threads)


def test_sixteen_bits_in_and_out(options: Options, tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 300 * 300).astype(np.uint16).reshape(300, 300)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    out = run(options, inputs=(str(tmp_path / "ramp.png"),), model="gray", bit_depth=16, format="tiff").out
    with rasterio.open(out / "ramp.tif") as file:
        result = file.read(1)
    assert result.dtype == np.uint16
    assert len(np.unique(result)) > 60_000
    assert np.abs(result.astype(int) - ramp).max() <= 1


def test_polarity_inverts_exactly(options: Options, tmp_path: Path) -> None:
    outs = [
        run(options, out=tmp_path / str(polarity), polarity=polarity).out
        for polarity in (None, "white-hot", "black-hot")
    ]
    own, white, black = (read_image(out / "a.png").levels.astype(int) for out in outs)
    np.testing.assert_array_equal(own, white)
    np.testing.assert_array_equal(black, 255 - white)


def test_style_weights_blend(options: Options, exemplar: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    Image.fromarray(255 - thermal(64, 64, 5)).save(other)
    pair = (str(exemplar), str(other))

    def mean(name: str, shares: tuple[float, float]) -> float:
        out = run(options, out=tmp_path / name, styles=pair, style_weights=shares, model="constant").out
        return float(read_image(out / "a.png").gray().mean())

    first, second, blend = mean("1", (1, 0)), mean("2", (0, 1)), mean("b", (0.7, 0.3))
    assert abs(first - second) > 0.1
    assert blend == pytest.approx(0.7 * first + 0.3 * second, abs=0.01)


def test_strength_0_gives_the_luma_of_the_input(options: Options, photos: Path) -> None:
    out = run(options, strength=0.0).out
    gray = read_image(photos / "a.png").gray()
    np.testing.assert_allclose(read_image(out / "a.png").gray(), gray, atol=1 / 255)


def test_damaged_files_fail_without_affecting_others(options: Options, photos: Path) -> None:
    (photos / "empty.png").write_bytes(b"")
    (photos / "text.jpg").write_text("no image")
    (photos / "cut.png").write_bytes((photos / "a.png").read_bytes()[:500])
    (photos / "gone.png").symlink_to("nowhere.png")
    Image.fromarray(photograph(1, 1)).save(photos / "dot.png")
    with rasterio.open(photos / "nan.tif", "w", driver="GTiff", count=1, height=20, width=20, dtype="float32") as file:
        file.write(np.full((1, 20, 20), np.nan, np.float32))
    Image.fromarray(photograph()).save(photos / "a.bmp")
    summary = run(options)
    assert counts(summary) == (6, 0, 7)
    failed = {Path(line["input"]).name: line["error"] for line in lines(summary.out)[1:] if line["status"] == "failed"}
    assert failed.keys() == {"empty.png", "text.jpg", "cut.png", "gone.png", "dot.png", "nan.tif", "a.png"}
    for name, error in failed.items():
        assert name in error
        assert "\n" not in error
    assert "1 x 1" in failed["dot.png"]
    assert len(list(summary.out.rglob("*.png"))) == 6


def test_max_pixels(options: Options, photos: Path) -> None:
    Image.fromarray(photograph(200, 100)).save(photos / "large.png")
    assert counts(run(options, max_pixels=200 * 100 - 1)) == (6, 0, 1)
    assert counts(run(options, max_pixels=200 * 100, resume=True)) == (1, 6, 0)


def test_existing_results_are_rejected(options: Options) -> None:
    before = tree(run(options).out)
    with pytest.raises(InputError, match="--resume"):
        run(options)
    assert counts(run(options, resume=True)) == (0, 6, 0)
    assert tree(options.out or Path()) == before
    assert counts(run(options, overwrite=True)) == (6, 0, 0)
    assert tree(options.out or Path()) == before


def test_resume_recreates_missing_changed_and_failed_results(options: Options, photos: Path) -> None:
    (photos / "z.png").write_bytes(b"")
    out = run(options).out
    whole = tree(out)
    (out / "a.png").unlink()
    (out / "b.png").write_bytes(b"damage")
    Image.fromarray(photograph(48, 64, 99)).save(photos / "z.png")
    assert counts(run(options, resume=True)) == (3, 4, 0)
    after = tree(out)
    assert all(after[name] == data for name, data in whole.items() if name != "manifest.jsonl")
    assert [line["status"] for line in lines(out)[1:]] == ["converted"] * 7


@pytest.mark.parametrize(
    "changes",
    [{"strength": 0.5}, {"model": "gray"}, {"bit_depth": 16}, {"polarity": "black-hot"}, {"precision": "bfloat16"}],
)
def test_resume_rejects_changed_settings(options: Options, changes: dict[str, Any]) -> None:
    before = tree(run(options).out)
    with pytest.raises(InputError, match="results of one set of options"):
        run(options, resume=True, **changes)
    assert tree(options.out or Path()) == before


def test_fail_fast(options: Options, photos: Path) -> None:
    (photos / "a.png").write_bytes(b"")
    summary = run(options, fail_fast=True, workers=1)
    assert summary.failed == 1
    assert summary.converted == 0
    assert summary.stopped is not None
    assert counts(run(options, resume=True)) == (5, 0, 1)


def test_fail_fast_converts_nothing_after_a_collision(options: Options, photos: Path) -> None:
    Image.fromarray(photograph()).save(photos / "a.bmp")
    assert counts(run(options, fail_fast=True)) == (0, 0, 1)


def test_concurrently_created_results_are_not_overwritten(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    def quick_rival(name: str) -> torch.device:
        monkeypatch.setattr("ir_transfer.conversion.devices.pick_device", pick_device)
        run(options, model="gray")
        return pick_device(name)

    monkeypatch.setattr("ir_transfer.conversion.devices.pick_device", quick_rival)
    with pytest.raises(InputError, match="--resume"):
        run(options)
    assert lines(options.out or Path())[0]["look"]["model"] == "gray"


def test_errors_of_damaged_files_are_deterministic(options: Options, photos: Path, tmp_path: Path) -> None:
    for name, kind in (("x.png", "PNG"), ("y.tif", "TIFF")):
        Image.fromarray(photograph()).save(photos / name, kind)
        (photos / name).write_bytes((photos / name).read_bytes()[:40])
    runs = [[line["error"] for line in lines(run(options, out=tmp_path / name).out)[1:]] for name in "12"]
    assert runs[0] == runs[1]
    assert sum(error is not None for error in runs[0]) == 2


def test_names_of_maximum_length(options: Options, photos: Path) -> None:
    (photos / "a.png").rename(photos / f"{'n' * 251}.png")
    assert counts(run(options)) == (6, 0, 0)


def test_invalid_style_leaves_no_output(options: Options, tmp_path: Path) -> None:
    flat = tmp_path / "flat.png"
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(flat)
    for changes in ({"styles": (str(flat),)}, {"styles": ("none.png",)}, {"model": "adian"}, {"device": "gpu"}):
        with pytest.raises(IrTransferError):
            run(options, **changes)
        assert not (tmp_path / "out").exists()


def test_weights_of_another_model_are_rejected(options: Options, weights: Path) -> None:
    with pytest.raises(IrTransferError, match="adain"):
        run(options, model="wct2", weights=str(weights))


def test_unwritable_output(options: Options, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EncodeError, match="choose another -o"):
        run(options, out=tmp_path / "file" / "out")
    out = tmp_path / "half"
    out.mkdir()
    (out / "sub").write_text("a file where a folder belongs")
    summary = run(options, out=out)
    assert counts(summary) == (4, 0, 2)
    assert "choose another folder" in str(lines(out)[-1]["error"])


def test_concurrent_run_in_one_folder_is_rejected(options: Options, tmp_path: Path) -> None:
    import fcntl
    import os

    (tmp_path / "out").mkdir()
    handle = os.open(tmp_path / "out", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(InputError, match="no other run"):
        run(options)
    os.close(handle)
    assert counts(run(options)) == (6, 0, 0)
