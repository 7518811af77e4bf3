"""A worker with any steps can be pickled and gives the same results afterwards."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.conversion.camera import CameraOptions, CameraStep
from ir_transfer.conversion.controls import Controls, SizeOptions
from ir_transfer.conversion.engine.postprocess import PostProcess
from ir_transfer.conversion.engine.tasks import Loaded, Task
from ir_transfer.conversion.engine.worker import Worker
from ir_transfer.conversion.exported.translator import in_torch
from ir_transfer.conversion.heat.mask_rcnn import MaskRcnnFinder
from ir_transfer.conversion.heat.options import HeatOptions
from ir_transfer.conversion.heat.rules import parse_rule
from ir_transfer.conversion.heat.setup import make_heat
from ir_transfer.conversion.heat.shift import Heat
from ir_transfer.conversion.masks import open_masks
from ir_transfer.conversion.options import Options
from ir_transfer.conversion.plan import Job, Variant
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.conversion.translate import Translator
from ir_transfer.dataset.options import DatasetOptions, parse_rules
from ir_transfer.dataset.plan import ExemplarSimilarity, StyleChooser
from ir_transfer.labels.open import open_labelled
from tests.conftest import photograph, thermal
from tests.conversion.heat.small_detector import small_detector
from tests.labels import sets

CPU = torch.device("cpu")


@pytest.fixture
def exemplars(tmp_path: Path) -> tuple[str, ...]:
    """Two exemplars with label maps, and soft masks of the left and right half."""
    for number in range(2):
        Image.fromarray(thermal(96, 128, number)).save(tmp_path / f"e{number}.png")
        side = np.zeros((96, 128), np.uint8)
        side[:, number * 64 : number * 64 + 64] = 255
        Image.fromarray(side).save(tmp_path / f"side{number}.png")
    (tmp_path / "maps").mkdir()
    for name in ("e0", "e1"):
        Image.fromarray((np.arange(96 * 128).reshape(96, 128) % 2).astype(np.uint8)).save(tmp_path / f"maps/{name}.png")
    return str(tmp_path / "e0.png"), str(tmp_path / "e1.png")


def with_camera(options: Options, root: Path) -> Worker:
    asked = CameraOptions("boson-640", "clahe")
    return worker(options, PostProcess(steps=(CameraStep(asked, 7),)))


def with_gain_control_alone(options: Options, root: Path) -> Worker:
    return worker(options, PostProcess(steps=(CameraStep(CameraOptions(None, "plateau"), 7),)))


def with_tiles(options: Options, root: Path) -> Worker:
    return worker(replace(options, size=SizeOptions(tile=64)))


def with_a_grid(options: Options, root: Path) -> Worker:
    return worker(masked(options, Controls(style_grid=2)))


def with_the_tone_of_the_photograph(options: Options, root: Path) -> Worker:
    return worker(masked(options, Controls(keep_tone=True)))


def in_the_other_polarity(options: Options, root: Path) -> Worker:
    return worker(options, PostProcess(16, "tiff", inverted=frozenset({0})))


def with_found_heat(options: Options, root: Path) -> Worker:
    plain = worker(options)
    heat = make_heat(HeatOptions(auto=0.2), in_torch(plain.translator).model, CPU)
    return replace(plain, finish=PostProcess(heat=heat))


def with_a_detector(options: Options, root: Path) -> Worker:
    rules = (parse_rule("person=+0.3"),)
    return worker(options, PostProcess(heat=Heat(finder=MaskRcnnFinder(small_detector(), "0"), found_rules=rules)))


def with_style_masks(options: Options, root: Path) -> Worker:
    return worker(masked(options, Controls(style_masks=(root / "side0.png", root / "side1.png"), fit_masks=True)))


def with_label_maps(options: Options, root: Path) -> Worker:
    controls = Controls(content_masks=root / "maps of photos", exemplar_masks=root / "maps", fit_masks=True)
    (root / "maps of photos").mkdir()
    Image.fromarray((np.arange(72 * 96).reshape(72, 96) % 2).astype(np.uint8)).save(root / "maps of photos/p.png")
    return worker(replace(masked(options, controls), model="wct2"))


def with_rules_and_likeness(options: Options, root: Path) -> Worker:
    rules, styles = parse_rules((f"night={options.styles[1]}", f"*.jpg={options.styles[0]}"), options.styles)
    asked = DatasetOptions(options, assign="nearest", rules=rules)
    assert styles == options.styles
    exemplars = [(photograph(96, 128, number)[..., 0] / 255).astype(np.float32) for number in range(2)]
    choose = StyleChooser(asked, {root / "p.png": PurePosixPath("p.png")}, ExemplarSimilarity(exemplars))
    return replace(worker(options), choose=choose)


STEPS = [
    with_camera,
    with_gain_control_alone,
    with_tiles,
    with_a_grid,
    with_the_tone_of_the_photograph,
    in_the_other_polarity,
    with_found_heat,
    with_a_detector,
    with_style_masks,
    with_label_maps,
    with_rules_and_likeness,
]


def masked(options: Options, controls: Controls) -> Options:
    return replace(options, controls=controls)


def worker(options: Options, finish: PostProcess | None = None) -> Worker:
    choice = choose_styles(options.styles, model=options.model)
    masks = open_masks(options.controls, choice)
    translator = Translator.load(
        choice, CPU, controls=options.controls, exemplar_maps=() if masks is None else masks.exemplars
    )
    assert options.out is not None
    return Worker(options, options.out, translator, finish or PostProcess(), masks=masks)


def carry_out(worker: Worker, job: Job) -> bytes:
    (item,) = worker.read(Task((job,)))
    assert isinstance(item, Loaded), item
    ((_, result),), _ = worker.launch([item]).result()
    assert isinstance(result, np.ndarray)
    outcome = worker.write(item, result)
    assert outcome.entry is not None
    assert outcome.entry.status == "converted", outcome.entry.error
    return (worker.out / job.output).read_bytes()


@pytest.mark.parametrize("make", STEPS)
def test_pickled_worker_gives_the_same_result(
    make: Callable[[Options, Path], Worker], exemplars: tuple[str, ...], tmp_path: Path
) -> None:
    Image.fromarray(photograph(72, 96)).save(tmp_path / "p.png")
    options = Options((str(tmp_path / "p.png"),), exemplars, tmp_path / "out", model="adain", threads=1)
    here = make(options, tmp_path)
    variant = Variant(0, 0) if here.choose is not None else None
    job = Job(str(tmp_path / "p.png"), "p.png", variant)
    expected = carry_out(here, job)  # used before it travels: what is kept meanwhile must travel, or be left
    there: Worker = pickle.loads(pickle.dumps(here))
    (tmp_path / "out/p.png").unlink()
    assert carry_out(there, job) == expected


@pytest.mark.parametrize("kind", sorted(sets.SETS))
def test_pickled_heat_step_works_for_every_label_format(kind: str, exemplars: tuple[str, ...], tmp_path: Path) -> None:
    root = tmp_path / "set"
    sets.SETS[kind](root)
    labelled = open_labelled(root, kind)
    options = Options((str(root),), exemplars, tmp_path / "out", model="adain", threads=1)
    here = worker(options)
    names = labelled.classes[:1]
    asked = HeatOptions(tuple(parse_rule(f"{name}=+0.3") for name in names), auto=None if names else 0.2)
    finish = PostProcess(heat=make_heat(asked, in_torch(here.translator).model, CPU, labelled if names else None))
    here = replace(here, finish=finish)
    image = labelled.images[0]
    job = Job(str(image.path), "p.png")
    expected = carry_out(here, job)
    there: Worker = pickle.loads(pickle.dumps(here))
    assert carry_out(there, job) == expected


def test_camera_cache_is_bounded() -> None:
    step = CameraStep(CameraOptions("boson-640"), 0)
    job = Job("p.png", "p.png")
    image = Loaded  # never looked at by a camera
    first = step(np.full((64, 2**16 // 64), 0.5, np.float32), job, image)  # type: ignore[arg-type]
    for width in range(1000, 1200):
        step(np.full((64, width), 0.5, np.float32), job, image)  # type: ignore[arg-type]
    kept = list(step._cameras)
    assert sum(height * width for height, width in kept) <= 2**22
    assert kept[-1] == (64, 1199)
    again = step(np.full((64, 2**16 // 64), 0.5, np.float32), job, image)  # type: ignore[arg-type]
    assert (first == again).all()
