"""Images per second of a ``DataLoader`` with ``ToInfrared``, compared with a plain transform in the same run."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from ir_transfer.conversion.styles.catalog import list_named_styles
from ir_transfer.evaluation.benchmark.folder import render_scene, time_left
from ir_transfer.models.registry import model_info
from ir_transfer.models.style_names import LOOKS
from ir_transfer.resources import PRESET
from ir_transfer.transforms import ToInfrared

SENSOR = "boson-640"
_DISTINCT = 8


@dataclass(frozen=True)
class LoaderRun:
    """The measurements of one loader.

    Attributes:
        transform: Name of the transform.
        workers: Worker processes; 0 for the main process.
        images: Images in the timed epoch.
        seconds: Duration of that epoch in seconds.
    """

    transform: str
    workers: int
    images: int
    seconds: float

    @property
    def rate(self) -> float:
        """Images per second."""
        return self.images / self.seconds


class _Scenes(Dataset[Tensor]):
    """Rendered RGB images of 640 x 512 in memory, transformed."""

    def __init__(self, count: int, transform: Callable[[Tensor], Tensor]) -> None:
        self._count, self._transform = count, transform
        scenes = [render_scene(seed) for seed in range(min(count, _DISTINCT))]
        self._scenes = [torch.from_numpy(np.ascontiguousarray(scene.transpose(2, 0, 1))) for scene in scenes]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Tensor:
        return self._transform(self._scenes[index % len(self._scenes)])


def measure_loaders(
    count: int,
    models: Sequence[str],
    workers: Sequence[int],
    on_step: Callable[[str], None] = lambda line: None,
) -> list[LoaderRun]:
    """Time one epoch of each transform and number of workers, after one for warm-up.

    Args:
        count: Images in an epoch.
        models: Registered names; the last transform adds a sensor to the first of them.
        workers: Numbers of worker processes.
        on_step: Called with a line for each loader.
    """
    with tempfile.TemporaryDirectory(prefix="ir-transfer-benchmark-") as folder:
        exemplar = Path(folder) / "exemplar.png"
        Image.fromarray(render_scene(7)[..., 0]).save(exemplar)
        transforms: dict[str, Callable[[Tensor], Tensor]] = {"v2.Grayscale(3)": v2.Grayscale(3)}
        transforms |= {f"ToInfrared({name})": ToInfrared(_style(name, exemplar), model=name) for name in models}
        observed = ToInfrared(_style(models[0], exemplar), model=models[0], sensors=SENSOR)
        transforms[f"ToInfrared({models[0]}, {SENSOR})"] = observed
    found: list[LoaderRun] = []
    total, began = len(workers) * len(transforms), time.perf_counter()
    for number in workers:
        for label, transform in transforms.items():
            run = LoaderRun(label, number, count, _seconds(_Scenes(count, transform), number))
            found.append(run)
            rate = f"{run.transform}, {run.workers} workers: {run.rate:.1f} images per second"
            left = time_left(len(found), total, time.perf_counter() - began) if len(found) < total else "the last one"
            on_step(f"{rate}; {left}")
    return found


def _style(model: str, exemplar: Path) -> str:
    if LOOKS in model_info(model).controls:
        return next(f"{PRESET}{look.name}" for look in list_named_styles() if look.model == model)
    return str(exemplar)


def _seconds(scenes: _Scenes, workers: int) -> float:
    loader = DataLoader(scenes, batch_size=4, num_workers=workers, persistent_workers=workers > 0)
    seconds = 0.0
    for _ in range(2):  # the first epoch starts the workers
        start = time.perf_counter()
        for _ in loader:
            pass
        seconds = time.perf_counter() - start
    return seconds
