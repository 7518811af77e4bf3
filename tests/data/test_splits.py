import json
from pathlib import Path

import pytest

from ir_transfer.data.pairs import Pair
from ir_transfer.data.splits import (
    join_scenes,
    make_split,
    read_split,
    scenes_by_pattern,
    scenes_by_runs,
    write_split,
)
from ir_transfer.errors import InputError, MissingFileError

FILE = Path("x.png")
PAIRS = [Pair(f"s{scene}_f{frame}", FILE, FILE, f"s{scene}") for scene in range(10) for frame in range(3)]


def test_scenes_are_not_divided_and_splits_depend_on_the_seed() -> None:
    scenes = scenes_by_pattern(PAIRS, r"^(s\d+)_")
    split = make_split(scenes, 0.2, 0)
    assert (split.count("train"), split.count("val")) == (24, 6)
    assert not split.parts["train"].keys() & split.parts["val"].keys()
    assert make_split(scenes, 0.2, 0) == split
    assert len({str(make_split(scenes, 0.2, seed).parts["val"]) for seed in range(8)}) > 3


def test_names_that_do_not_match_the_pattern_are_errors() -> None:
    with pytest.raises(InputError, match="'s0_f0' and 29 more"):
        scenes_by_pattern(PAIRS, r"^video(\d+)")


def test_consecutive_names_form_scenes() -> None:
    assert [*scenes_by_runs(PAIRS[:4], 3).values()] == ["run00000"] * 3 + ["run00001"]


def test_scenes_with_similar_images_are_joined() -> None:
    scenes = {"a": "1", "b": "2", "c": "3", "d": "4"}
    joined, gone = join_scenes(scenes, [("a", "b"), ("b", "c")])
    assert gone == 2
    assert joined["a"] == joined["b"] == joined["c"] != joined["d"]


def test_split_that_divides_a_scene_is_rejected() -> None:
    with pytest.raises(InputError, match="at least two scenes"):
        make_split(dict.fromkeys("abc", "one"), 0.1, 0)
    large = dict.fromkeys("abcd", "1") | dict.fromkeys("efghi", "2")
    split = make_split(large, 0.1, 0)
    assert (split.count("train"), split.count("val")) == (5, 4)


def test_split_files_round_trip_and_leaks_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    split = make_split(scenes_by_pattern(PAIRS, r"^(s\d+)_"), 0.2, 0)
    write_split(path, split, card="generic-paired", seed=0)
    read = read_split(path, PAIRS)
    assert {part: len(pairs) for part, pairs in read.items()} == {"train": 24, "val": 6}

    content = json.loads(path.read_text())
    scene = next(iter(content["parts"]["val"]))
    moved = content["parts"]["val"][scene].pop()
    content["parts"]["train"]["other"] = [moved]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"every scene in one subset of .*'{scene}'"):
        read_split(path, PAIRS)

    content["parts"]["val"][scene].append(moved)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"every pair in one subset of .*'{moved}'"):
        read_split(path, PAIRS)
    with pytest.raises(InputError, match="made for"):
        read_split(path, PAIRS[:5])
    path.write_text('{"parts": 3}')
    with pytest.raises(InputError, match="make it again"):
        read_split(path, PAIRS)
    with pytest.raises(MissingFileError, match=r"no\.json"):
        read_split(tmp_path / "no.json", PAIRS)
