from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.conversion.engine.attempts import Attempts
from ir_transfer.conversion.engine.finish import Finish, Step
from ir_transfer.conversion.engine.ray_engine import _Actor, _Done, _Pool
from ir_transfer.conversion.engine.run import Run
from ir_transfer.conversion.engine.worker import Task, Worker
from ir_transfer.conversion.inputs import MANIFEST_NAME
from ir_transfer.conversion.manifest import Header, Manifest
from ir_transfer.conversion.options import Options, Summary
from ir_transfer.conversion.plan import Job, make_plan
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.conversion.translate import Translator
from ir_transfer.data.image_io import Picture
from tests.ci import needed
from tests.conftest import photograph

ray = needed("ray", "install the extra ray")
cloudpickle = needed("ray.cloudpickle", "install the extra ray")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Two workers' worth of a cluster on this machine: it takes seconds to start, so all tests share it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # as the engine does: a busy machine would starve them
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
    found = Manifest.load(options.out) if options.resume else None
    manifest = found or Manifest.create(options.out, Header("", {}, {}))
    return Run(options, make_plan(options.inputs, options.out), manifest, translator, Finish(steps=(step,))).all()


@pytest.fixture
def options(many: Path, exemplar: Path, tmp_path: Path) -> Options:
    return Options((str(many),), (str(exemplar),), tmp_path / "local", model="histogram", ray_workers=2, threads=1)


def test_a_killed_worker_costs_time_only_and_a_deadly_picture_its_chunk(options: Options, tmp_path: Path) -> None:
    marker, here = tmp_path / "pid", os.getpid()

    def stuck_once(intensity: NDArray[np.float32], job: Job, picture: Picture) -> NDArray[np.float32]:
        if job.source.name == "m5.png" and os.getpid() != here and not marker.exists():
            marker.with_suffix(".part").write_text(str(os.getpid()))
            marker.with_suffix(".part").rename(marker)
            time.sleep(600)
        return intensity

    def deadly(intensity: NDArray[np.float32], job: Job, picture: Picture) -> NDArray[np.float32]:
        if job.source.name == "m3.png" and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return intensity

    def kill() -> None:
        while not marker.exists():
            time.sleep(0.02)
        os.kill(int(marker.read_text()), signal.SIGKILL)

    local = run(options, stuck_once)
    there = replace(options, out=tmp_path / "ray", engine="ray")
    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    cluster = run(there, stuck_once)
    killer.join(5)
    assert int(marker.read_text()) != here
    assert (local.converted, local.failed) == (cluster.converted, cluster.failed) == (15, 1)
    assert tree(local.out) == tree(cluster.out)
    assert cluster.times.translate > 0

    (cluster.out / "m3.png").write_bytes(b"spoilt")
    (cluster.out / "m6.png").unlink()
    again = run(replace(there, resume=True, ray_workers=1), deadly)
    assert again.stopped is None
    assert again.converted + again.skipped + again.failed == 16
    assert 2 <= again.failed <= 5
    assert "m3.png: expected a Ray worker to deal with it, got 3 that died" in (cluster.out / MANIFEST_NAME).read_text()

    last = run(replace(options, out=cluster.out, resume=True), stuck_once)
    assert last.failed == 1
    assert tree(local.out) == tree(cluster.out)


@pytest.fixture
def actor(options: Options) -> Callable[..., _Done]:
    """A worker as it is in a process of the cluster, but in this one."""

    def deal_with(step: Step, **changes: Any) -> _Done:
        asked = replace(options, **changes)
        plan = make_plan(asked.inputs, asked.out)
        translator = Translator.load(choose_styles(asked.styles, model="histogram"), torch.device("cpu"))
        packed = cloudpickle.dumps(Worker(asked, plan.out, translator, Finish(steps=(step,))))
        attempts = ray.remote(num_cpus=0)(Attempts).remote()
        held = _Actor(ray.put(packed), _Pool(1, 0, 1), attempts, ())
        answer = held({"chunk": [pickle.dumps((0, [Task((job,)) for job in plan.jobs]))]})
        done: _Done = pickle.loads(answer["done"][0])
        return done

    return deal_with


def test_a_bug_in_a_worker_is_told(actor: Callable[..., _Done]) -> None:
    def faulty(intensity: NDArray[np.float32], job: Job, picture: Picture) -> NDArray[np.float32]:
        raise KeyError("no such thing")

    assert "no such thing" in str(actor(faulty).bug)


def test_fail_fast_stops_the_chunk(actor: Callable[..., _Done], many: Path) -> None:
    (many / "a.png").write_bytes(b"no picture")
    outcomes = actor(lambda intensity, job, picture: intensity, fail_fast=True).outcomes
    assert outcomes is not None
    assert len(outcomes) < 16
    assert sum(one.entry is not None and one.entry.status == "failed" for one in outcomes) == 1
