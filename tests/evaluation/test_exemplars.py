"""Choice of the exemplar of a scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.io import imsave

from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.evaluation.exemplars import Fixed, Nearest, Oracle, choose_policy
from ir_transfer.evaluation.scenes import Scene, load_scene
from tests.evaluation.street_scene import render


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Three pairs: a street, the same street mirrored, noise."""
    root = tmp_path / "train"
    rgb, ir = render(0)
    noise = np.random.default_rng(0).integers(0, 255, (112, 144, 3), dtype=np.uint8)
    images = {"street": (rgb, ir), "mirrored": (rgb[:, ::-1], ir[:, ::-1]), "noise": (noise, noise[..., 0])}
    for side in ("rgb", "ir"):
        (root / side).mkdir(parents=True)
    for stem, (photograph, infrared) in images.items():
        imsave(root / "rgb" / f"{stem}.png", photograph)
        imsave(root / "ir" / f"{stem}.png", infrared, check_contrast=False)
    return root


def scene(stem: str = "new", mirrored: bool = False) -> Scene:
    rgb, ir = render(5)
    if mirrored:
        rgb, ir = rgb[:, ::-1], ir[:, ::-1]
    photograph = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255
    return Scene(stem, photograph, torch.from_numpy(ir.copy())[None, None].float() / 255)


@pytest.mark.parametrize("inner", ["", "ir"])
def test_nearest_selects_the_scene_with_the_same_layout(pairs: Path, inner: str) -> None:
    policy = choose_policy([f"nearest:{pairs / inner}"])
    for mirrored, expected in ((False, "street"), (True, "mirrored")):
        (found,) = policy(scene(mirrored=mirrored))
        assert Path(found.name).stem == expected
        assert torch.equal(
            found.image, load_scene(next(p for p in list_pairs(pairs) if p.stem == expected)).ground_truth
        )


def test_nearest_never_selects_the_scene_itself(pairs: Path) -> None:
    (found,) = Nearest(pairs)(scene("street"))
    assert Path(found.name).stem != "street"
    for stem in ("mirrored", "noise"):
        (pairs / "ir" / f"{stem}.png").unlink()
    with pytest.raises(InputError, match="of a scene other than street"):
        Nearest(pairs)(scene("street"))


def test_oracle_uses_the_ground_truth(pairs: Path) -> None:
    street = scene()
    assert torch.equal(Oracle()(street)[0].image, street.ground_truth)
    assert choose_policy(["oracle"]).name == "oracle"


def test_fixed_exemplars_apply_to_every_scene_and_black_hot_ones_are_inverted(pairs: Path) -> None:
    path = pairs / "ir" / "street.png"
    (plain,), (named,) = choose_policy([str(path)])(scene()), choose_policy([f"fixed:{path}"])(scene())
    (inverted,) = Fixed([path], black_hot=True)(scene())
    assert torch.equal(plain.image, named.image)
    assert torch.equal(inverted.image, 1 - plain.image)
    assert len(choose_policy([str(path), str(path)])(scene())) == 2


@pytest.mark.parametrize("texts", [[], ["oracle", "a.png"], ["nearest:a", "nearest:b"]])
def test_policies_are_mutually_exclusive(texts: list[str]) -> None:
    with pytest.raises(InputError, match="expected --exemplar FILE"):
        choose_policy(texts)


def test_exemplar_folder_must_exist_and_contain_images(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="folder of exemplars"):
        choose_policy([f"nearest:{tmp_path / 'none'}"])
    with pytest.raises(InputError, match="expected other infrared images"):
        choose_policy([f"nearest:{tmp_path}"])
