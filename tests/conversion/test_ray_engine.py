from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.conversion.convert import convert
from ir_transfer.conversion.finish import Finish, Step
from ir_transfer.conversion.manifest import Header, Manifest
from ir_transfer.conversion.options import Options, Summary
from ir_transfer.conversion.plan import Job, make_plan
from ir_transfer.conversion.run import Run
from ir_transfer.conversion.styles import choose_styles
from ir_transfer.conversion.translate import Translator
from ir_transfer.data.image_io import Picture
from tests.conftest import photograph

ray = pytest.importorskip("ray", reason="no Ray: install the extra ray")
pytest.importorskip("ray.data", reason="no Ray Data: install the extra ray")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Two workers' worth of a cluster on this machine: it takes seconds to start, so all tests share it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
    yield
    ray.shutdown()


@pytest.fixture
def many(photos: Path) -> Path:
    """Sixteen photographs, one of them damaged."""
    for seed in range(9):
        Image.fromarray(photograph(40 + seed % 3, 50, seed)).save(photos / f"m{seed}.png")
    (photos / "n.png").write_bytes((photos / "a.png").read_bytes()[:200])
    return photos


def tree(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def run(options: Options, step: Step) -> Summary:
    assert options.out is not None
    translator = Translator.load(choose_styles(options.styles, model="histogram"), torch.device("cpu"))
    manifest = Manifest.create(options.out, Header("", {}, {}))
    return Run(options, make_plan(options.inputs, options.out), manifest, translator, Finish(steps=(step,))).all()


@pytest.fixture
def options(many: Path, exemplar: Path, tmp_path: Path) -> Options:
    return Options((str(many),), (str(exemplar),), tmp_path / "local", model="histogram", ray_workers=2, threads=1)


def test_two_workers_make_the_bytes_of_one_process_and_resume(options: Options, many: Path, tmp_path: Path) -> None:
    there = replace(options, out=tmp_path / "ray", engine="ray")
    local, cluster = convert(options), convert(there)
    assert (local.converted, local.failed) == (cluster.converted, cluster.failed) == (15, 1)
    assert tree(local.out) == tree(cluster.out)
    assert cluster.times.translate > 0
    (cluster.out / "m3.png").write_bytes(b"spoilt")
    (cluster.out / "m4.png").unlink()
    again = convert(replace(there, resume=True))
    assert (again.converted, again.skipped, again.failed) == (2, 13, 1)
    assert tree(local.out) == tree(cluster.out)


def test_a_killed_worker_costs_its_chunk_s_time_only(options: Options, tmp_path: Path) -> None:
    marker = tmp_path / "pid"

    def stuck_once(intensity: NDArray[np.float32], job: Job, picture: Picture) -> NDArray[np.float32]:
        if job.source.name == "m5.png" and not marker.exists():
            marker.with_suffix(".part").write_text(str(os.getpid()))
            marker.with_suffix(".part").rename(marker)
            time.sleep(60)
        return intensity

    def kill() -> None:
        while not marker.exists():
            time.sleep(0.02)
        os.kill(int(marker.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    start = time.monotonic()
    summary = run(replace(options, out=tmp_path / "ray", engine="ray"), stuck_once)
    killer.join(5)
    assert int(marker.read_text()) != os.getpid()
    assert time.monotonic() - start < 50
    assert (summary.converted, summary.failed) == (15, 1)
    assert tree(summary.out) == tree(run(options, stuck_once).out)


def test_a_picture_that_kills_every_worker_costs_its_chunk(options: Options, tmp_path: Path) -> None:
    here = os.getpid()

    def deadly(intensity: NDArray[np.float32], job: Job, picture: Picture) -> NDArray[np.float32]:
        if job.source.name == "m5.png" and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return intensity

    summary = run(replace(options, out=tmp_path / "ray", engine="ray"), deadly)
    assert summary.stopped is None
    assert summary.converted + summary.failed == 16
    assert 2 <= summary.failed <= 3
    text = (tmp_path / "ray" / "manifest.jsonl").read_text()
    assert "m5.png: expected a Ray worker to deal with it, got 4 that died" in text


def test_a_bug_in_a_worker_is_not_hidden(options: Options, tmp_path: Path) -> None:
    def faulty(intensity: NDArray[np.float32], job: Job, picture: Picture) -> NDArray[np.float32]:
        raise KeyError("no such thing")

    with pytest.raises(RuntimeError, match="no such thing"):
        run(replace(options, out=tmp_path / "ray", engine="ray"), faulty)


def test_fail_fast_stops(options: Options, many: Path, tmp_path: Path) -> None:
    for name in ("a.png", "m1.png"):
        (many / name).write_bytes(b"no picture")
    summary = convert(replace(options, out=tmp_path / "ray", engine="ray", fail_fast=True))
    assert summary.stopped is not None
    assert "--fail-fast" in summary.stopped
