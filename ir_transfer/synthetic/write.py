"""Writing rendered scenes as a pair set with boxes and masks."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import encode_gray, to_levels, write_gray, write_whole
from ir_transfer.json_files import json_text
from ir_transfer.synthetic.images import LABELS, Band, Rendered, render


def write_scenes(
    out: Path,
    count: int,
    *,
    frames: int = 1,
    band: Band = "lwir",
    size: tuple[int, int] = (320, 256),
    seed: int = 0,
    boxes: bool = False,
    masks: bool = False,
    night: bool | None = None,
    done: Callable[[], None] | None = None,
) -> int:
    """Render scenes into ``rgb/`` and ``ir/`` with equal stems (``s00000_f00``: scene and frame).

    Args:
        out: New or empty folder.
        count: Number of scenes.
        frames: Frames per scene.
        band: ``lwir`` or ``nir``.
        size: Width and height in pixels.
        seed: Equal seeds give equal files.
        boxes: Also write ``annotations.json`` (COCO) and ``boxes.json``, for ``ir-transfer evaluate``.
        masks: Also write index masks to ``masks/`` with their names in ``labels.yaml``, for ``ir-transfer evaluate``.
        night: Day or night; both are drawn if None.
        done: Called after each pair.

    Returns:
        The number of pairs.

    Raises:
        InputError: The folder is not empty.
        EncodeError: A file cannot be written.
    """
    check_empty(out)
    frames_by_stem: dict[str, list[dict[str, Any]]] = {}
    coco = _Coco()
    for scene in range(count):
        for frame in range(frames):
            stem = f"s{scene:05d}_f{frame:02d}"
            rendered = render(scene_seed(seed, scene), frame, size=size, band=band, night=night)
            write_rgb(out / "rgb" / f"{stem}.png", rendered.rgb)
            write_gray(out / "ir" / f"{stem}.png", rendered.ir)
            if masks:
                write_whole(out / "masks" / f"{stem}.png", encode_gray(rendered.labels))
            frames_by_stem[stem] = [
                {"box": [b.left, b.top, b.left + b.width, b.top + b.height], "label": b.label} for b in rendered.boxes
            ]
            coco.add(f"{stem}.png", rendered)
            if done is not None:
                done()
    if boxes:
        write_whole(out / "annotations.json", json_text(coco.content(), indent=1).encode())
        write_whole(out / "boxes.json", json_text(frames_by_stem, indent=1).encode())
    if masks:
        write_whole(out / "masks" / "labels.yaml", "".join(f"{n}: {name}\n" for name, n in LABELS.items()).encode())
    return count * frames


def scene_seed(seed: int, scene: int) -> int:
    """Return the seed of a scene, so that sets of different seeds share no scene."""
    return int(np.random.SeedSequence([seed, scene]).generate_state(1)[0] % 2**31)


def check_empty(out: Path) -> None:
    """Check that a folder does not exist or is empty.

    Raises:
        InputError: The folder is not empty, or the path is a file.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"expected a new or empty folder, got {out}, which is not empty: choose another")


def write_rgb(path: Path, rgb: NDArray[np.float32]) -> None:
    """Write an RGB image (H, W, 3) in [0, 1] as an 8-bit PNG file."""
    file = io.BytesIO()
    Image.fromarray(to_levels(rgb)).save(file, "PNG", compress_level=4)
    write_whole(path, file.getvalue())


class _Coco:
    """Collects images and boxes in the layout of COCO detection files."""

    def __init__(self) -> None:
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []

    def add(self, name: str, rendered: Rendered) -> None:
        height, width = rendered.ir.shape
        number = len(self.images) + 1
        self.images.append({"id": number, "file_name": name, "width": width, "height": height})
        for box in rendered.boxes:
            self.annotations.append(
                {
                    "id": len(self.annotations) + 1,
                    "image_id": number,
                    "category_id": LABELS[box.label],
                    "bbox": [box.left, box.top, box.width, box.height],
                    "area": box.width * box.height,
                    "iscrowd": 0,
                }
            )

    def content(self) -> dict[str, Any]:
        categories = [{"id": number, "name": name} for name, number in LABELS.items()]
        return {"images": self.images, "annotations": self.annotations, "categories": categories}
