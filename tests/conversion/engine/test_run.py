from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.conversion.engine.pipeline import Pipeline
from ir_transfer.conversion.engine.postprocess import PostProcess
from ir_transfer.conversion.engine.run import Run
from ir_transfer.conversion.engine.worker import Worker
from ir_transfer.conversion.manifest import Header, Manifest
from ir_transfer.conversion.options import Options, Summary
from ir_transfer.conversion.pending import PendingResults, Result
from ir_transfer.conversion.plan import Job, make_plan
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.conversion.translate import Translator
from ir_transfer.imaging.image_io import BitDepth, DecodedImage
from tests.conftest import photograph
from tests.models.small_thermal import SMALL_THERMAL


class InBatches(Translator):
    """Translates in batches, as on CUDA."""

    takes_batches = True


class Scarce(InBatches):
    """Runs out of memory for batches and for large images."""

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> PendingResults:
        if len(images) > 1 or images[0].height > 45:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().launch(images, bit_depth)


class Broken(Translator):
    """Returns non-finite values."""

    def _translate(self, content: Tensor, *arguments: Any, **options: Any) -> Tensor:
        return super()._translate(content, *arguments, **options) * float("nan")


class Endless(Translator):
    """Returns huge results that are views of a single value."""

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> PendingResults:
        return PendingResults.of([np.broadcast_to(np.float32(0.5), (10**7, 10**7)) for _ in images])


class Away(Translator):
    """Simulates a device that takes 20 ms per image."""

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> PendingResults:
        began = time.perf_counter()
        time.sleep(0.02 * len(images))
        results = [np.zeros((image.height, image.width), np.float32) for image in images]
        return PendingResults.of(results, time.perf_counter() - began)


class Faulty(Translator):
    """Raises an unexpected exception, which must not be reported as an invalid image."""

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> PendingResults:
        raise RuntimeError("shapes do not fit")


def run(
    kind: type[Translator], photos: Path, exemplar: Path, out: Path, finish: PostProcess | None = None, **changes: Any
) -> Summary:
    options = Options((str(photos),), (str(exemplar),), out, model="histogram", **changes)
    loaded = Translator.load(choose_styles(options.styles, model="histogram"), torch.device("cpu"))
    manifest = (Manifest.load(out) if options.resume else None) or Manifest.create(out, Header("", {}, {}))
    translator = kind(loaded.model, loaded.style, loaded.device)
    return Run(options, make_plan(options.inputs, out), manifest, translator, finish or PostProcess()).all()


def tree(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_batching_mixed_sizes_does_not_change_files_or_manifest(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    for seed in range(9):
        Image.fromarray(photograph(40 + seed % 3, 50, seed)).save(photos / f"m{seed}.png")
    single = run(Translator, photos, exemplar, tmp_path / "single")
    batched = run(InBatches, photos, exemplar, tmp_path / "batched")
    assert (single.converted, batched.converted) == (15, 15)
    assert tree(single.out) == tree(batched.out)


def test_renamed_inputs_do_not_hold_entries_in_memory(
    photos: Path, exemplar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a moved set every line has another name; holding 300,000 entries would take 0.2 GB."""
    out = tmp_path / "out"
    first = run(Translator, photos, exemplar, out)
    moved = photos.rename(tmp_path / "moved")
    held: list[Manifest] = []
    finish = Manifest.finish

    def finished(manifest: Manifest, order: Sequence[str]) -> None:
        held.append(manifest)
        assert all(isinstance(place, int) for place in manifest.entries._places.values())
        finish(manifest, order)

    monkeypatch.setattr(Manifest, "finish", finished)
    again = run(Translator, moved, exemplar, out, resume=True)
    assert (again.skipped, again.converted) == (first.converted, 0)
    assert [entry.input for entry in held[0].entries.values()] == [str(job.source) for job in again.plan.jobs]


def test_out_of_memory_batches_are_retried_image_by_image(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    summary = run(Scarce, photos, exemplar, tmp_path / "out")
    assert (summary.converted, summary.failed) == (3, 3)
    lines = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()[1:]]
    assert all("enough memory for 64 x 48" in line["error"] for line in lines if line["status"] == "failed")


class Narrow(Translator):
    """Has enough memory for tiles, but not for whole images."""

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> PendingResults:
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_image_that_exceeds_memory_is_tiled(exemplar: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = tmp_path / "small.safetensors"
    create_model("adain", weights=None, **SMALL_THERMAL).save(weights)
    Image.fromarray(photograph(150, 210, 1)).save(tmp_path / "large.png")
    results = []
    for kind, out in ((Translator, tmp_path / "whole"), (Narrow, tmp_path / "tiles")):
        options = Options((str(tmp_path / "large.png"),), (str(exemplar),), out, weights=str(weights))
        loaded = Translator.load(choose_styles(options.styles, weights=options.weights), torch.device("cpu"))
        translator = kind(loaded.model, loaded.style, loaded.device)
        manifest = Manifest.create(out, Header("", {}, {}))
        summary = Run(options, make_plan(options.inputs, out), manifest, translator, PostProcess()).all()
        assert (summary.converted, summary.failed) == (1, 0)
        results.append(np.asarray(Image.open(out / "large.png")).astype(int))
    assert results[0].std() > 1
    assert np.abs(results[0] - results[1]).max() <= 1


def test_non_finite_values_are_never_written(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    summary = run(Broken, photos, exemplar, tmp_path / "out")
    assert (summary.converted, summary.failed) == (0, 6)
    assert list(tree(tmp_path / "out")) == ["manifest.jsonl"]


def test_out_of_memory_while_writing_fails_only_that_image(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    summary = run(Endless, photos, exemplar, tmp_path / "out")
    assert (summary.converted, summary.failed) == (0, 6)
    first = json.loads((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()[1])
    assert "enough memory for 57 x 41 pixels" in first["error"]


def test_unexpected_exceptions_propagate(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        run(Faulty, photos, exemplar, tmp_path / "out")


def test_reading_translation_and_writing_overlap(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    def slow(intensity: NDArray[np.float32], job: Job, image: DecodedImage) -> NDArray[np.float32]:
        time.sleep(0.03)
        return intensity

    for seed in range(34):
        Image.fromarray(photograph(24, 32, seed)).save(photos / f"m{seed}.png")
    times = run(Away, photos, exemplar, tmp_path / "out", PostProcess(steps=(slow,)), workers=2).times
    assert times.translate >= 40 * 0.02
    assert times.encode >= 40 * 0.03
    assert times.whole < 0.85 * (times.translate + times.encode)
    assert 0 < times.waiting < 0.6
    assert times.wait_read + times.wait_write < times.whole - times.translate
    assert "device idle for" in str(times)


class Noted(InBatches):
    """Records when batches of which length are launched and collected."""

    seen: ClassVar[list[str]] = []

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> PendingResults:
        self.seen.append(f"{len(images)} launched")
        launched = super().launch(images, bit_depth)
        results = launched.results

        def taken() -> list[Result]:
            self.seen.append("taken")
            return results()

        launched.results = taken  # type: ignore[method-assign]
        return launched


def test_next_batch_is_launched_before_the_previous_is_collected(exemplar: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in range(35):
        Image.fromarray(photograph(24, 32, seed)).save(folder / f"m{seed:02d}.png")
    summary = run(Noted, folder, exemplar, tmp_path / "out")
    assert summary.converted == 35
    assert Noted.seen == ["16 launched", "16 launched", "taken", "3 launched", "taken", "taken"]


def test_gpu_uses_a_thread_per_core_and_cpu_at_most_four(
    exemplar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(24)), raising=False)
    loaded = Translator.load(choose_styles([str(exemplar)], model="histogram"), torch.device("cpu"))
    options = Options((), (), tmp_path, model="histogram")
    threads = []
    for kind, asked in ((Translator, options), (InBatches, options), (InBatches, replace(options, workers=3))):
        translator = kind(loaded.model, loaded.style, loaded.device)
        threads.append(Pipeline(Worker(asked, tmp_path, translator, PostProcess()), lambda outcome: True).threads)
    assert threads == [4, 24, 3]


class Crowded(Translator):
    """Records the number of concurrent translations and of threads for each."""

    seen: ClassVar[set[tuple[int, int]]] = set()
    at_work: ClassVar[list[None]] = []

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> PendingResults:
        self.at_work.append(None)
        time.sleep(0.02)
        self.seen.add((len(self.at_work), torch.get_num_threads()))
        try:
            return super().launch(images, bit_depth)
        finally:
            self.at_work.pop()


def test_small_images_in_parallel_on_the_cpu_give_identical_files(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        side_by_side = run(Crowded, photos, exemplar, tmp_path / "three")
        assert torch.get_num_threads() == 3
        assert max(Crowded.seen) == (3, 1)
        Image.fromarray(photograph(1000, 1100)).save(photos / "large.png")
        Crowded.seen.clear()
        run(Crowded, photos / "large.png", exemplar, tmp_path / "large")
        assert Crowded.seen == {(1, 3)}
        (photos / "large.png").unlink()
        torch.set_num_threads(1)
        alone = run(Translator, photos, exemplar, tmp_path / "one")
    finally:
        torch.set_num_threads(before)
    assert tree(side_by_side.out) == tree(alone.out)
