from __future__ import annotations

import os
import pickle
import signal
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.conversion.batches import chunk_sizes
from ir_transfer.conversion.engine.attempts import Attempts
from ir_transfer.conversion.engine.postprocess import PostProcess, Step
from ir_transfer.conversion.engine.ray_engine import _Actor, _Done, _Pool, _store
from ir_transfer.conversion.engine.run import Run
from ir_transfer.conversion.engine.tasks import Task, Tasks
from ir_transfer.conversion.engine.worker import Worker
from ir_transfer.conversion.inputs import MANIFEST_NAME
from ir_transfer.conversion.manifest import Entry, Header, Manifest
from ir_transfer.conversion.options import Options, Summary
from ir_transfer.conversion.plan import Job, make_plan
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.conversion.translate import Translator
from ir_transfer.imaging.image_io import DecodedImage
from tests.ci import needed
from tests.conftest import photograph, thermal

ray = needed("ray", "install the extra ray")
cloudpickle = needed("ray.cloudpickle", "install the extra ray")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A local cluster for two workers, shared by all tests since it takes seconds to start."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
    yield
    ray.shutdown()


@pytest.fixture
def many(photos: Path) -> Path:
    """Sixteen RGB images, one of them damaged."""
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
    return Run(options, make_plan(options.inputs, options.out), manifest, translator, PostProcess(steps=(step,))).all()


@pytest.fixture
def options(many: Path, exemplar: Path, tmp_path: Path) -> Options:
    return Options((str(many),), (str(exemplar),), tmp_path / "local", model="histogram", ray_workers=2, threads=1)


def test_killed_worker_is_retried_and_a_crashing_image_fails_its_chunk(options: Options, tmp_path: Path) -> None:
    marker, here = tmp_path / "pid", os.getpid()

    def stuck_once(intensity: NDArray[np.float32], job: Job, image: DecodedImage) -> NDArray[np.float32]:
        if job.source.name == "m5.png" and os.getpid() != here and not marker.exists():
            marker.with_suffix(".part").write_text(str(os.getpid()))
            marker.with_suffix(".part").rename(marker)
            time.sleep(600)
        return intensity

    def deadly(intensity: NDArray[np.float32], job: Job, image: DecodedImage) -> NDArray[np.float32]:
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
    assert "m3.png: expected a Ray worker to process it, got 3 that died" in (cluster.out / MANIFEST_NAME).read_text()

    last = run(replace(options, out=cluster.out, resume=True), stuck_once)
    assert last.failed == 1
    assert tree(local.out) == tree(cluster.out)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A YOLO set of six images, a person in each."""
    root = tmp_path / "set"
    for number in range(6):
        (root / "images").mkdir(parents=True, exist_ok=True)
        (root / "labels").mkdir(exist_ok=True)
        Image.fromarray(photograph(72, 96 + number % 2, number)).save(root / f"images/{number}.png")
        (root / f"labels/{number}.txt").write_text("0 0.5 0.5 0.3 0.4\n")
    (root / "data.yaml").write_text("path: .\ntrain: images\nnames: [person]\n")
    return root


@pytest.fixture
def styles(tmp_path: Path) -> list[str]:
    """Options with two exemplars, and masks half0.png and half1.png of the two image halves."""
    for number in range(2):
        Image.fromarray(thermal(96, 128, number)).save(tmp_path / f"style{number}.png")
        side = np.zeros((96, 128), np.uint8)
        side[:, number * 64 : number * 64 + 64] = 255
        Image.fromarray(side).save(tmp_path / f"half{number}.png")
    return [text for number in range(2) for text in ("--style", str(tmp_path / f"style{number}.png"))]


def pixels(out: Path) -> dict[str, bytes]:
    return {name: data for name, data in tree(out).items() if name.endswith((".png", ".txt")) and "_card" not in name}


def lines(out: Path) -> list[str]:
    return (out / MANIFEST_NAME).read_text().splitlines()[1:]


@pytest.mark.timeout(240)  # a cluster that does not answer is a failure, not a wait
@pytest.mark.parametrize("kind", ["labels, camera, tiles", "style masks, camera"])
def test_every_step_equals_the_local_engine(kind: str, labelled: Path, styles: list[str], tmp_path: Path) -> None:
    ray_engine = ["--engine", "ray", "--ray-workers", "2"]
    camera = ["--sensor", "boson-640", "--agc", "clahe", "--threads", "1", "--seed", "3", "-q"]
    if kind == "labels, camera, tiles":
        asked = ["dataset", str(labelled), *styles, "--model", "adain", "--heat", "person=+0.3", "--variants", "2"]
        changes = {"--heat": 2, "--agc": 2}  # tiles are to change nothing
        asked += [*camera, "--tile-size", "64"]
    else:
        masks = [text for number in range(2) for text in ("--style-mask", str(tmp_path / f"half{number}.png"))]
        asked = ["convert", str(labelled / "images"), *styles, "--model", "adain", *masks, "--fit-masks", *camera]
        changes = {"--agc": 2}
    assert main([*asked, "-o", str(tmp_path / "local")]) == 0
    assert main([*asked, *ray_engine, "-o", str(tmp_path / "ray")]) == 0
    made = pixels(tmp_path / "local")
    assert len([name for name in made if name.endswith(".png")]) == (12 if kind.startswith("labels") else 6)
    assert pixels(tmp_path / "ray") == made
    assert lines(tmp_path / "ray") == lines(tmp_path / "local")
    for option, count in changes.items():  # each step does something, so that its loss would show
        at = asked.index(option)
        without = [*asked[:at], *asked[at + count :]]
        assert main([*without, "-o", str(tmp_path / f"without {option}")]) == 0
        other = pixels(tmp_path / f"without {option}")
        assert all(other[name] != data for name, data in made.items() if name.endswith(".png")), option


@pytest.fixture
def actor(options: Options) -> Callable[..., _Done]:
    """A worker actor in this process instead of a cluster process."""

    def deal_with(step: Step, **changes: Any) -> _Done:
        asked = replace(options, **changes)
        plan = make_plan(asked.inputs, asked.out)
        translator = Translator.load(choose_styles(asked.styles, model="histogram"), torch.device("cpu"))
        packed = cloudpickle.dumps(Worker(asked, plan.out, translator, PostProcess(steps=(step,))))
        attempts = ray.remote(num_cpus=0)(Attempts).remote()
        held = _Actor(ray.put(packed), _Pool(1, 0, 1), attempts, ())
        answer = held({"chunk": [pickle.dumps((0, [Task((job,)) for job in plan.jobs]))]})
        done: _Done = pickle.loads(answer["done"][0])
        return done

    return deal_with


def test_a_bug_in_a_worker_is_reported(actor: Callable[..., _Done]) -> None:
    def faulty(intensity: NDArray[np.float32], job: Job, image: DecodedImage) -> NDArray[np.float32]:
        raise KeyError("no such thing")

    assert "no such thing" in str(actor(faulty).bug)


def test_fail_fast_stops_the_chunk(actor: Callable[..., _Done], many: Path) -> None:
    (many / "a.png").write_bytes(b"no image")
    outcomes = actor(lambda intensity, job, image: intensity, fail_fast=True).outcomes
    assert outcomes is not None
    assert len(outcomes) < 16
    assert sum(one.entry is not None and one.entry.status == "failed" for one in outcomes) == 1


def test_entries_of_an_earlier_run_are_kept_only_in_the_object_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, digest = 4_000, "0" * 63
    names = [f"images/train/camera_front_{number:07d}" for number in range(count)]
    manifest = Manifest.create(tmp_path, Header("", {}, {}))
    for number, name in enumerate(names):
        manifest.append(Entry(f"{name}.jpg", f"{name}.png", "converted", f"{digest}{number}", f"{number}{digest}"))
    tasks = Tasks([Job(f"{name}.jpg", f"{name}.png") for name in names], lambda job: manifest.entries[job.result])
    put: list[int] = []
    sent: list[Task] = []

    def store(table: Any) -> int:
        number: int
        number, chunk = pickle.loads(table["chunk"][0].as_py())
        sent[:1] = chunk[-1:]
        put.append(number)
        return number

    monkeypatch.setattr(ray, "put", store)
    sizes = chunk_sizes(len(tasks), 2, 64)
    _store(tasks, sizes[:1])  # imports what it needs
    put.clear()
    tracemalloc.start()
    try:
        stored, chunks = _store(tasks, sizes)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    manifest.close()
    assert peak / count < 400  # 200; tasks that are listed take 1,050
    assert stored == put == [*range(len(sizes))]
    assert [job.path for jobs in chunks for job in jobs] == [f"{name}.jpg" for name in names]
    assert sent[0].earlier == {f"{names[-1]}.png": manifest.entries[f"{names[-1]}.png"]}
