from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ir_transfer.conversion.inputs import MANIFEST_START, check_out, default_out, expand
from ir_transfer.errors import DecodeError, InputError, MissingFileError
from tests.permissions import obey_permissions


def places(*inputs: str | Path, out: Path | None = None) -> list[str]:
    return [str(found.place) for found in expand([str(text) for text in inputs], out)]


def test_folder_is_searched_recursively_in_order(photos: Path) -> None:
    (photos / "labels.txt").write_text("0 1 2")
    (photos / ".hidden.png").write_bytes(b"x")
    assert places(photos) == ["a.png", "b.jpg", "c.bmp", "d.png", "sub/a.png", "sub/e.jpg"]


def test_output_folders_are_skipped(photos: Path) -> None:
    for name in ("own", "other"):
        (photos / name).mkdir()
        (photos / name / "x.png").write_bytes(b"x")
    (photos / "other" / "manifest.jsonl").write_bytes(MANIFEST_START + b"}\n")
    assert not [place for place in places(photos, out=photos / "own") if "x.png" in place]
    assert places(photos / "other") == ["x.png"]


def test_expands_a_glob(photos: Path) -> None:
    assert places(photos / "*.png") == ["a.png", "d.png"]
    assert places(photos / "**" / "*.jpg") == ["b.jpg", "sub/e.jpg"]
    with pytest.raises(MissingFileError, match="pattern"):
        places(photos / "*.webp")


def test_reads_a_list_file(photos: Path) -> None:
    listing = photos / "listing.txt"
    listing.write_text("# two of them\nsub/a.png\n\na.png\nmissing.png\n")
    assert places(listing) == ["sub/a.png", "a.png", "missing.png"]
    listing.write_text("\n# none\n")
    with pytest.raises(InputError, match=r"list file .*listing\.txt, found none"):
        places(listing)


@pytest.mark.parametrize("data", [b"\xff\xfea\0", "a.png\nb.jpg\n".encode("utf-16-le")])
def test_list_file_in_another_encoding(photos: Path, data: bytes) -> None:
    (photos / "listing.txt").write_bytes(data)
    with pytest.raises(DecodeError, match=r"listing\.txt: .*UTF-8"):
        places(photos / "listing.txt")


def test_single_files_keep_paths_below_their_common_folder(photos: Path) -> None:
    assert places(photos / "a.png") == ["a.png"]
    assert places(photos / "a.png", photos / "sub" / "a.png") == ["a.png", "sub/a.png"]


def test_duplicate_inputs_are_merged(photos: Path) -> None:
    assert places(photos / "a.png", photos / "a.png") == ["a.png"]


def test_unrelated_manifest_does_not_hide_images(photos: Path) -> None:
    (photos / "sub" / "manifest.jsonl").write_text('{"audio_filepath": "a.wav"}\n')
    assert places(photos) == ["a.png", "b.jpg", "c.bmp", "d.png", "sub/a.png", "sub/e.jpg"]


def test_missing_and_empty_inputs_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty name"):
        places("")
    with pytest.raises(MissingFileError, match="nowhere"):
        places(tmp_path / "nowhere")
    with pytest.raises(InputError, match="found none"):
        places(tmp_path)


def test_symlink_loops_terminate(photos: Path) -> None:
    (photos / "sub" / "up").symlink_to(photos, target_is_directory=True)
    (photos / "self").symlink_to("self")
    (photos / "linked").symlink_to(photos / "sub", target_is_directory=True)
    found = places(photos)
    assert "linked/a.png" in found
    assert found.count("a.png") == 1
    assert len(found) <= 16
    assert places(photos / "**" / "*.png") == ["a.png", "d.png", "sub/a.png"]


def test_default_output_is_beside_the_input(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_out([str(photos)]) == photos.with_name("photos_ir")
    assert default_out([f"{photos}/"]) == photos.with_name("photos_ir")
    assert default_out([str(photos / "a.png")]) == photos / "a_ir"
    assert default_out([str(photos / "**" / "*.jpg")]) == photos.with_name("photos_ir")
    monkeypatch.chdir(photos)
    assert default_out(["."]) == photos.with_name("photos_ir")
    assert default_out(["*.png"]) == photos.with_name("photos_ir")
    with pytest.raises(InputError, match="-o OUT"):
        default_out(["a", "b"])
    with pytest.raises(InputError, match="-o OUT"):
        default_out(["/"])


def test_relative_inputs(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos.parent)
    assert [str(found.source) for found in expand(["photos"])][:1] == [os.path.join("photos", "a.png")]  # noqa: PTH118


def test_list_file_with_a_missing_path_is_rejected(photos: Path) -> None:
    listing = photos / "listing.txt"
    listing.write_text("a.png\n/\n")
    with pytest.raises(DecodeError, match="one image file per line"):
        places(listing)


@pytest.mark.skipif(sys.platform != "linux", reason="drops capabilities of Linux")
def test_unreadable_sub_folder_does_not_stop_the_run(photos: Path) -> None:
    (photos / "sub").chmod(0)
    try:
        command = [sys.executable, "-m", "ir_transfer", "convert", str(photos), "--model", "histogram"]
        done = subprocess.run(
            [*command, "--style", str(photos / "a.png"), "-o", str(photos.parent / "ir")],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=obey_permissions,
        )
    finally:
        (photos / "sub").chmod(0o755)
    assert done.returncode == 1, done.stderr
    assert "converted 4, skipped 0, failed 1" in done.stdout + done.stderr
    assert "photos/sub: expected an image file, got a folder" in (photos.parent / "ir/manifest.jsonl").read_text()


@pytest.mark.parametrize("text", ["/vsizip/a.zip/b.tif", "/vsicurl/https://host/b.tif"])
def test_input_in_an_archive_requires_an_output_folder(text: str) -> None:
    with pytest.raises(InputError, match="expected -o OUT"):
        default_out([text])
    with pytest.raises(InputError, match="expected -o to name a folder"):
        check_out(Path(text))
