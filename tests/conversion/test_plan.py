from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ir_transfer.conversion.plan import make_plan, refuse_existing
from ir_transfer.errors import InputError
from tests.conftest import photograph


def test_outputs_keep_subfolder_and_stem(photos: Path, tmp_path: Path) -> None:
    plan = make_plan([str(photos)], tmp_path / "out")
    assert [str(job.output) for job in plan.jobs] == ["a.png", "b.png", "c.png", "d.png", "sub/a.png", "sub/e.png"]
    tiff = make_plan([str(photos)], tmp_path / "out", "tiff")
    assert str(tiff.jobs[0].output) == "a.tif"
    assert make_plan([str(photos)]).out == tmp_path / "photos_ir"


def test_name_collision_fails_only_the_second_input(photos: Path, tmp_path: Path) -> None:
    Image.fromarray(photograph()).save(photos / "a.tif")
    plan = make_plan([str(photos)], tmp_path / "out")
    assert len(plan.jobs) == 6
    (refused,) = plan.refused
    assert refused.output is None
    assert refused.error is not None
    assert "a.tif" in refused.error
    assert "which is also that of" in refused.error


def test_two_paths_to_one_file_are_not_a_collision(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "a.png").symlink_to(photos / "a.png")
    plan = make_plan([str(photos / "a.png"), str(tmp_path / "again")], tmp_path / "out")
    assert (len(plan.jobs), len(plan.refused)) == (1, 0)


def test_inputs_are_never_overwritten(photos: Path) -> None:
    with pytest.raises(InputError, match=r"would replace (an )?RGB image"):
        make_plan([str(photos)], photos)
    with pytest.raises(InputError, match=r"would replace (an )?RGB image"):
        make_plan([str(photos / "sub" / "a.png")], photos / "sub")


def test_output_folder_with_an_image_suffix_is_rejected(photos: Path) -> None:
    with pytest.raises(InputError, match="name a folder"):
        make_plan([str(photos / "a.png")], "result.png")


def test_existing_results_need_an_option(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plan = make_plan([str(photos)], out)
    refuse_existing(plan, resume=False, overwrite=False)
    (out / "sub").mkdir(parents=True)
    (out / "unrelated.txt").write_text("mine")
    refuse_existing(plan, resume=False, overwrite=False)
    (out / "sub" / "e.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"sub/e\.png.*--resume.*--overwrite"):
        refuse_existing(plan, resume=False, overwrite=False)
    with pytest.raises(InputError, match="without a manifest"):
        refuse_existing(plan, resume=True, overwrite=False)
    refuse_existing(plan, resume=False, overwrite=True)
    (out / "manifest.jsonl").write_text("")
    refuse_existing(plan, resume=True, overwrite=False)
    (out / "sub" / "e.png").unlink()
    with pytest.raises(InputError, match="earlier run"):
        refuse_existing(plan, resume=False, overwrite=False)


def test_planning_makes_no_system_call_per_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders, each = 10, 500
    Image.fromarray(photograph()).save(tmp_path / "one.png")
    for number in range(folders):
        (tmp_path / f"in/{number}").mkdir(parents=True)
        for index in range(each):
            (tmp_path / f"in/{number}/{index}.png").hardlink_to(tmp_path / "one.png")
    calls: Counter[str] = Counter()

    def counted(name: str) -> Callable[..., Any]:
        called = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            return called(*arguments, **named)

        return call

    for name in ("stat", "lstat", "readlink", "scandir", "listdir"):
        monkeypatch.setattr(os, name, counted(name))
    plan = make_plan([str(tmp_path / "in")], tmp_path / "out")
    refuse_existing(plan, resume=False, overwrite=False)
    monkeypatch.undo()
    assert len(plan.jobs) == folders * each
    assert (plan.jobs[0].path, plan.jobs[0].result) == (str(tmp_path / "in/0/0.png"), "0/0.png")
    assert calls["scandir"] == folders + 1
    assert sum(calls.values()) < 40 * (folders + 1)  # a few for each folder and its parents, none for a file


def test_result_linked_to_an_input_is_rejected(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").symlink_to(photos / "a.png")
    with pytest.raises(InputError, match=r"a\.png would replace an RGB image"):
        make_plan([str(photos)], tmp_path / "out")
    (tmp_path / "out" / "a.png").unlink()
    (tmp_path / "out" / "sub").symlink_to(photos / "sub")
    with pytest.raises(InputError, match=r"sub/a\.png would replace an RGB image"):
        make_plan([str(photos)], tmp_path / "out")
