"""A folder with inputs for every command: images, sets, recipes, weights, styles, a store."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from ir_transfer import create_model
from ir_transfer.cli import main
from ir_transfer.tracking.store import connect
from ir_transfer.training.journal import append_event
from tests.conftest import photograph, thermal
from tests.evaluation.street_scene import write_pairs
from tests.export.exported_files import small_weights
from tests.tracking.registered import register
from tests.training.distillation.labelled import write_labelled
from tests.training.runs import make_root


def build_world(root: Path, empty_database: Path) -> Path:
    """Write a folder with inputs for every command and return it.

    Args:
        root: The folder.
        empty_database: An empty MLflow database to copy.
    """
    make_root(root)  # pairs and recipe.yaml
    for number in range(2):
        save(root / f"photos/{number}.png", photograph(40, 48, number))
        save(root / f"frames/{number}.png", photograph(40, 48, number))
        save(root / f"masks/{number}.png", np.full((40, 48), 255, np.uint8))
        save(root / f"maps/{number}.png", np.eye(40, 48, dtype=np.uint8))
        for kind in ("images", "labels"):
            (root / f"yolo/{kind}/train").mkdir(parents=True, exist_ok=True)
        save(root / f"yolo/images/train/{number}.png", photograph(40, 48, number))
        (root / f"yolo/labels/train/{number}.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    save(root / "more/c.png", photograph(40, 48, 3))
    save(root / "masks/c.png", np.full((40, 48), 255, np.uint8))
    save(root / "left.png", np.pad(np.full((40, 24), 255, np.uint8), ((0, 0), (0, 24))))
    (root / "list.txt").write_text("more/c.png\n")
    (root / "yolo/data.yaml").write_text("path: .\ntrain: images/train\nval: images/train\nnames: {0: person}\n")
    save(root / "a.png", thermal(96, 128))
    save(root / "b.png", thermal(96, 128, 5))
    save(root / "a-map.png", np.eye(96, 128, dtype=np.uint8))
    (root / "mine.yaml").write_text("adc: {bits: 8}\n")
    (root / "mine.toml").write_text("[convert]\nstrength = 0.5\n")
    write_pairs(root / "street", 1)
    write_labelled(root / "labelled", ["a", "b", "held"])
    (root / "distill.yaml").write_text(
        yaml.safe_dump({
            "sources": [{"photographs": "photos", "labels": "labels"}], "features": 0.0, "crop": 32, "steps": 1,
            "batch_size": 2, "held_back": 0.0, "held_back_sequences": ["held"],
        })
    )  # fmt: skip
    small_weights(root)
    create_model("gatys", weights=None, size="vgg19", widths=(4, 6, 8, 8, 8)).save(root / "gatys.safetensors")
    create_model("wct2", weights=None, size="vgg19", widths=(4, 6, 8, 8)).save(root / "wct2.safetensors")
    (root / "doctor.toml").write_text('[doctor]\ndevice = "cpu"\n')
    shutil.copyfile(empty_database, root / "registered.db")
    register(connect(f"sqlite:///{root / 'registered.db'}"), root)
    shutil.copyfile(empty_database, root / "store.db")
    style = ["--style", str(root / "a.png"), "--model", "histogram", "--exemplar-polarity", "white-hot", "-q"]
    saved = ["styles", "build", str(root / "a.png"), "--model", "histogram", "--exemplar-polarity", "white-hot"]
    assert main([*saved, "-o", str(root / "saved.safetensors"), "-q"]) == 0
    source, pairs = str(root / "yolo"), str(root / "pairs")
    for part in (1, 2):
        assert main(["dataset", source, *style, "--shard", f"{part}/2", "-o", str(root / f"part{part}")]) == 0
    assert main(["dataset", source, *style, "-o", str(root / "whole")]) == 0
    split = ["datasets", "split", "generic-paired", "--root", pairs, "--scene", r"^scene_(\d+)", "--val", "0.25"]
    assert main([*split, "-o", str(root / "split.json")]) == 0
    for name in ("one", "two"):
        (root / name).mkdir()
        append_event(root / name, "metrics", 5, {"values": {"loss/edge": 0.5}})
        assert main(["runs", "deliver", str(root / name), "--tracking-uri", f"sqlite:///{root / 'store.db'}"]) == 0
    return root


def save(path: Path, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
