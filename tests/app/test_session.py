from __future__ import annotations

from pathlib import Path

import pytest

from ir_transfer.app.session import Session, Upload, names_of
from ir_transfer.errors import InputError


def _upload(folder: Path, name: str, content: bytes) -> Upload:
    path = folder / f"{len(list(folder.iterdir()))}.upload"
    path.write_bytes(content)
    return Upload(name, path)


def test_files_keep_user_names_and_sessions_are_separate(tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    one, two = Session.begin(tmp_path), Session.begin(tmp_path)
    first = one.workspace([_upload(uploads, "Straße 1 (2).png", b"one")], [])
    second = two.workspace([_upload(uploads, "Straße 1 (2).png", b"two")], [_upload(uploads, "e.safetensors", b"e")])
    assert first.images == second.images == ("Straße 1 (2).png",)
    assert second.exemplars == ("e.safetensors",)
    assert (first.folder / "images" / "Straße 1 (2).png").read_bytes() == b"one"
    assert (second.folder / "images" / "Straße 1 (2).png").read_bytes() == b"two"
    one.end()
    assert not first.folder.exists()
    assert (second.folder / "exemplars" / "e.safetensors").read_bytes() == b"e"


def test_previous_results_are_removed(tmp_path: Path) -> None:
    session = Session.begin(tmp_path)
    first, second = session.workspace([], []), session.workspace([], [])
    session.remove_all_but(second)
    assert not first.folder.exists()
    assert second.folder.exists()


def test_messages_use_the_names_of_uploaded_files(tmp_path: Path) -> None:
    place = Session.begin(tmp_path).workspace([], [])
    text = f"{place.folder}/images/a.png: expected {place.folder}/infrared, got {place.folder}/exemplars/b.png"
    assert place.shown(text) == "a.png: expected infrared, got b.png"


@pytest.mark.parametrize("name", ["list.txt", "scene.vrt", "noending", "", "..", "a\n.png"])
def test_files_that_are_not_images_are_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"expected images with a suffix of .*\.bmp.*omit it"):
        names_of([Upload(name, tmp_path)], "images")


def test_folders_are_stripped_and_duplicate_names_rejected(tmp_path: Path) -> None:
    assert names_of([Upload("../../x/a.png", tmp_path), Upload("c:\\b.png", tmp_path)], "images") == (
        "a.png",
        "b.png",
    )
    with pytest.raises(InputError, match=r"expected exemplars with different names, got a\.png twice"):
        names_of([Upload("x/a.png", tmp_path), Upload("y/a.png", tmp_path)], "exemplars")
