"""Untrusted sets whose manifests, hashes and images refer to files outside of the set."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.imaging.image_io import decode_image
from tests.conftest import photograph, thermal

Edit = Callable[[list[dict[str, Any]]], None]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an exemplar, two RGB images without labels, and a single shard made from them."""
    root = tmp_path_factory.mktemp("once")
    (root / "rgb").mkdir()
    for number in range(2):
        Image.fromarray(photograph(24, 32, number)).save(root / f"rgb/{number}.png")
    Image.fromarray(thermal(48, 64)).save(root / "exemplar.png")
    assert main([*command(root / "rgb", root / "exemplar.png", root / "ir"), "--shard", "1/1"]) == 0
    return root


@pytest.fixture
def exemplar(once: Path) -> Path:
    return once / "exemplar.png"


@pytest.fixture
def rgb(once: Path) -> Path:
    return once / "rgb"


@pytest.fixture
def made(once: Path, tmp_path: Path) -> Path:
    """A copy of the shard."""
    return Path(shutil.copytree(once / "ir", tmp_path / "ir"))


def command(rgb: Path, exemplar: Path, out: Path) -> list[str]:
    model = ["--model", "histogram", "--labels", "images", "--threads", "1", "-q"]
    return ["dataset", str(rgb), "--style", str(exemplar), *model, "-o", str(out)]


def edit(out: Path, change: Edit) -> None:
    path = out / "manifest.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def entry(**values: Any) -> Edit:
    return lambda lines: lines[1].update(values)


def look(**values: Any) -> Edit:
    return lambda lines: lines[0]["look"].update(values)


HOSTILE: dict[str, Edit] = {
    "above": entry(output="../secret.png"),
    "absolute": entry(output="/etc/hostname"),
    "hidden_above": entry(output="a/../../secret.png"),
    "nul": entry(output="a\0.png"),
    "root": entry(output="."),
    "number": entry(output=5),
    "no_output": entry(output=None),
    "list_input": entry(input=["a"]),
    "unknown_status": entry(status="fine"),
    "hash": entry(output_sha256=1),
    "size": entry(width="wide"),
    "negative_size": entry(height=-1),
    "variant": entry(variant={"number": "0", "style": 0}),
    "variant_keys": entry(variant={"number": 0, "style": 0, "__class__": 1}),
    "variant_style": entry(variant={"number": 0, "style": 1}),
    "variant_large": entry(variant={"number": 2**70, "style": 0}),
    "strength": entry(variant={"number": 0, "style": 0, "strength": 10**400}),
    "large_size": entry(width=10**400),
    "reading": entry(reading=5),
    "orientation": entry(stored_orientation=9),
    "orientation_text": entry(stored_orientation="x"),
    "unknown_key": entry(command="rm"),
    "nan": entry(width=float("nan")),
    "shard_number": look(shard=[5, 1]),
    "shard_text": look(shard="0"),
    "shard_large": look(shard=[0, 10**30]),
    "styles": look(styles="a"),
    "styles_keys": look(styles=[{}]),
    "labels": look(labels=["coco"]),
    "unknown_labels": look(labels="../../coco"),
    "page": look(raster={"page": "x"}),
    "bands": look(raster={"bands": 5}),
    "raster_levels": look(raster={"levels": [0, "x"]}),
    "rules": look(rules=[5]),
    "exemplars": look(exemplars=[5]),
    "polarity": look(exemplar_polarity=5),
    "header_look": lambda lines: lines[0].update(look=[]),
    "header_versions": lambda lines: lines[0].update(versions=None),
    "header_version": lambda lines: lines[0].update(versions={"ir_transfer": 5}),
    "header_command": lambda lines: lines[0].update(command={}),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("use", ["merge", "verify", "resume", "overwrite"])
def test_a_hostile_manifest_is_one_line_of_error(
    name: str, use: str, made: Path, rgb: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret.png"
    Image.fromarray(photograph(8, 8)).save(secret)
    before = secret.read_bytes()
    edit(made, HOSTILE[name])
    commands = {
        "merge": ["dataset", "merge", str(made), "-o", str(tmp_path / "whole")],
        "verify": ["dataset", "verify", str(made)],
        "resume": [*command(rgb, exemplar, made), "--shard", "1/1", "--resume"],
        "overwrite": [*command(rgb, exemplar, made), "--shard", "1/1", "--overwrite"],
    }
    code = main(commands[use])
    errors = [line for line in capsys.readouterr().err.splitlines() if line]
    only_for_sets = {"shard_number", "shard_text", "shard_large", "styles", "styles_keys", "labels", "unknown_labels"}
    assert code == 2 or (use == "overwrite" and name in only_for_sets) or (name == "unknown_labels" and use == "verify")
    assert all(line.startswith(("Error: ", "Warning: ")) for line in errors)
    assert secret.read_bytes() == before
    assert not (tmp_path / "whole" / "manifest.jsonl").exists()


@pytest.mark.parametrize("key", ["labels", "model", "weights", "style", "styles"])
def test_a_shard_without_a_setting_is_not_merged(
    key: str, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(made, lambda lines: lines[0]["look"].pop(key))
    assert main(["dataset", "merge", str(made), "-o", str(tmp_path / "whole")]) == 2
    assert f"expected {key} in the settings of {made}" in capsys.readouterr().err
    assert not (tmp_path / "whole").exists()


def test_a_manifest_without_polarities_is_resumed(made: Path, rgb: Path, exemplar: Path) -> None:
    edit(made, lambda lines: lines[0]["look"].pop("exemplar_polarity"))
    assert main([*command(rgb, exemplar, made), "--shard", "1/1", "--resume"]) == 0
    assert '"exemplar_polarity"' in (made / "manifest.jsonl").read_text().splitlines()[0]


def test_deeply_nested_line_is_an_error_that_names_the_file(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made / "manifest.jsonl"
    with path.open("a") as file:
        file.write('{"found": ' * 100_000 + "1" + "}" * 100_000 + "\n")
    assert main(["dataset", "verify", str(made)]) == 2
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("use", ["merge", "verify"])
def test_links_out_of_a_set_are_not_followed(
    use: str, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret.png"
    Image.fromarray(photograph(24, 32)[..., 0]).save(secret)
    (made / "0.png").unlink()
    (made / "0.png").symlink_to(secret)
    edit(made, entry(output_sha256=hashlib.sha256(secret.read_bytes()).hexdigest()))
    arguments = {"merge": ["merge", str(made), "-o", str(tmp_path / "whole")], "verify": ["verify", str(made)]}
    assert main(["dataset", *arguments[use]]) == 2
    assert "outside of it" in capsys.readouterr().err
    assert not (tmp_path / "whole/0.png").exists()


@pytest.mark.parametrize("rel_path", ["../secret.txt", "{outside}", "link/secret.txt"])
def test_label_hashes_cannot_remove_files_outside_the_set(
    rel_path: str, rgb: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, secret = tmp_path / "ir", tmp_path / "secret.txt"
    assert main(command(rgb, exemplar, out)) == 0
    secret.write_text("secret")
    (out / "link").symlink_to(tmp_path)
    digest = hashlib.sha256(b"secret").hexdigest()
    (out / "labels.sha256").write_text(f"{digest}  {rel_path.format(outside=secret)}\n")
    assert main([*command(rgb, exemplar, out), "--overwrite"]) == 2
    assert main(["dataset", "verify", str(out)]) == 2
    assert secret.read_text() == "secret"
    assert "outside of it" in capsys.readouterr().err


def test_symlink_at_the_temporary_path_is_not_followed(rgb: Path, exemplar: Path, tmp_path: Path) -> None:
    out, secret = tmp_path / "ir", tmp_path / "secret.txt"
    secret.write_text("secret")
    out.mkdir()
    for name in ("0.png", "manifest.jsonl"):
        (out / f".{hashlib.sha256(name.encode()).hexdigest()[:16]}.part").symlink_to(secret)
    assert main([*command(rgb, exemplar, out), "--overwrite"]) == 0
    assert secret.read_text() == "secret"
    assert np.asarray(Image.open(out / "0.png")).shape == (24, 32)


def test_verify_respects_max_pixels(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    bomb = made / "0.png"
    Image.fromarray(np.zeros((900, 1000), np.uint8)).save(bomb, compress_level=9)
    edit(made, entry(output_sha256=hashlib.sha256(bomb.read_bytes()).hexdigest(), width=1000, height=900))
    assert main(["dataset", "verify", str(made), "--max-pixels", "800000"]) == 1
    assert "expected at most 800000 pixels" in capsys.readouterr().out
    assert main(["dataset", "verify", str(made)]) == 0
    assert limit == Image.MAX_IMAGE_PIXELS


def test_pixel_limit_of_a_call_does_not_persist(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    Image.fromarray(photograph(8, 8)).save(tmp_path / "a.png")
    decode_image((tmp_path / "a.png").read_bytes(), "a.png", 10**12)
    assert before == Image.MAX_IMAGE_PIXELS


def test_untrusted_names_are_escaped_on_the_card(once: Path, exemplar: Path, tmp_path: Path) -> None:
    rgb = Path(shutil.copytree(once / "rgb", tmp_path / "rgb"))
    (rgb / "<img src=x onerror=alert(1)> [a](b) `c`.png").write_bytes(b"none")
    assert main(command(rgb, exemplar, tmp_path / "ir")) == 1
    card = (tmp_path / "ir/README.md").read_text()
    assert "<img" not in card
    assert "&lt;img src=x onerror=alert(1)> \\[a\\](b) \\`c\\`.png: expected" in card
