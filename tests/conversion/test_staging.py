from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
import rasterio
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image
from rasterio.transform import from_origin

from ir_transfer.cli import main
from ir_transfer.conversion.staging import staged
from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.imaging import remote
from ir_transfer.imaging.image_io import read_bytes, read_image
from tests.conftest import photograph

Tree = dict[str, bytes]


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    """An empty in-memory storage."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


@pytest.fixture
def upload(memory: MemoryFileSystem) -> Iterator[None]:
    """No mount remains after the test."""
    yield
    assert not remote.mounts()


def put(system: MemoryFileSystem, folder: Path, place: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            system.pipe_file(f"{place}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def local(folder: Path) -> Tree:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def stored(system: MemoryFileSystem, place: str) -> Tree:
    return {name.removeprefix(f"{place}/"): system.cat_file(name) for name in system.find(place)}


def same_but_for_names(ours: Tree, theirs: Tree, told: set[str]) -> bool:
    return ours.keys() == theirs.keys() and {name for name in ours if ours[name] != theirs[name]} <= told


def test_remote_folder_gives_local_results_and_resumes(
    memory: MemoryFileSystem, photos: Path, exemplar: Path, tmp_path: Path
) -> None:
    (photos / "n.png").write_bytes((photos / "a.png").read_bytes()[:200])
    put(memory, photos, "/bucket/rgb")
    rest = ["--style", str(exemplar), "--model", "histogram", "--threads", "1", "-q"]
    assert main(["convert", str(photos), "-o", str(tmp_path / "ir"), *rest]) == 1
    remote_run = ["convert", "memory://bucket/rgb", "-o", "memory://bucket/ir", *rest]
    assert main(remote_run) == 1
    ours, theirs = local(tmp_path / "ir"), stored(memory, "/bucket/ir")
    assert len(theirs) == 7
    assert same_but_for_names(ours, theirs, {"manifest.jsonl"})
    lines = [json.loads(line) for line in theirs["manifest.jsonl"].splitlines()]
    assert lines[1]["input"] == "memory://bucket/rgb/a.png"
    assert lines[5]["error"].startswith("memory://bucket/rgb/n.png: ")
    assert main(remote_run) == 2

    # A run that was killed: some images lack their lines, one was lost and one is not what it was.
    memory.pipe_file("/bucket/ir/manifest.jsonl", b"".join(theirs["manifest.jsonl"].splitlines(keepends=True)[:5]))
    memory.rm_file("/bucket/ir/a.png")
    memory.pipe_file("/bucket/ir/b.png", b"spoilt")
    assert main([*remote_run, "--resume"]) == 1
    assert stored(memory, "/bucket/ir") == theirs
    assert stored(memory, "/bucket/rgb") == local(photos)
    assert not remote.mounts()


def test_a_remote_set_keeps_its_labels(memory: MemoryFileSystem, exemplar: Path, tmp_path: Path) -> None:
    root = tmp_path / "yolo"
    for number, split in enumerate(("train", "train", "val")):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(40, 48, number)).save(root / "images" / split / f"{number}.png")
        (root / "labels" / split / f"{number}.txt").write_text("" if number else "0 0.5 0.5 0.25 0.25\n")
    (root / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: {0: person}\n")
    put(memory, root, "/bucket/yolo")
    rest = ["--style", str(exemplar), "--model", "histogram", "--threads", "1", "--heat", "person=+0.2", "-q"]
    assert main(["dataset", str(root), "-o", str(tmp_path / "one/yolo_ir"), *rest]) == 0
    assert main(["dataset", "memory://bucket/yolo", *rest]) == 0
    ours, theirs = local(tmp_path / "one/yolo_ir"), stored(memory, "/bucket/yolo_ir")
    assert same_but_for_names(ours, theirs, {"manifest.jsonl", "README.md", "_card/manifest.parquet"})
    assert json.loads(theirs["manifest.jsonl"].splitlines()[0])["source"] == "memory://bucket/yolo"
    assert main(["dataset", "memory://bucket/yolo", "--overwrite", *rest]) == 0
    assert stored(memory, "/bucket/yolo_ir").keys() == theirs.keys()


def test_masks_are_read_from_remote_storage(memory: MemoryFileSystem, exemplar: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number in range(2):
        Image.fromarray(photograph(40, 48, number)).save(root / "images" / f"{number}.png")
        Image.fromarray(photograph(40, 48, number)[..., 0] // 128).save(root / "masks" / f"{number}.png")
    put(memory, root, "/bucket/set")
    arguments = ["--style", str(exemplar), "--model", "histogram", "--threads", "1", "--labels", "masks", "-q"]
    assert main(["dataset", "memory://bucket/set", "-o", "memory://bucket/ir", *arguments]) == 0
    made = stored(memory, "/bucket/ir")
    assert made["masks/1.png"] == (root / "masks/1.png").read_bytes()
    assert len(made["images/1.png"]) > 100


def test_larger_files_are_left_out(exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    Image.fromarray(photograph(40, 48)).save(folder / "a.png")
    with (folder / "notes.json").open("wb") as file:
        file.truncate(remote.MAX_FILE_BYTES + 1)
    command = ["convert", f"local://{folder}", "--style", str(exemplar), "--model", "histogram"]
    assert main([*command, "-o", str(tmp_path / "ir")]) == 0
    printed = capsys.readouterr()
    assert f"notes.json: expected at most {2**30} bytes, got more" in printed.err
    assert "ignored" not in printed.out  # it was not copied
    with pytest.raises(InputError, match=r"notes\.json: expected at most"), staged(["a"], f"local://{folder}"):
        pass


def test_a_single_file_needs_no_suffix(memory: MemoryFileSystem, photos: Path, exemplar: Path, tmp_path: Path) -> None:
    for name in ("photo", "list.txt"):
        memory.pipe_file(f"/bucket/{name}", (photos / "a.png").read_bytes())
    rest = ["--style", str(exemplar), "--model", "histogram", "-q"]
    assert main(["convert", "memory://bucket/photo", *rest, "-o", str(tmp_path / "ir")]) == 0
    assert main(["convert", str(photos / "a.png"), *rest, "-o", str(tmp_path / "local")]) == 0
    assert (tmp_path / "ir/photo.png").read_bytes() == (tmp_path / "local/a.png").read_bytes()
    line = json.loads((tmp_path / "ir/manifest.jsonl").read_text().splitlines()[1])
    assert line["input"] == "memory://bucket/photo"
    with pytest.raises(InputError, match="expected a local list file"), staged(["memory://bucket/list.txt"], tmp_path):
        pass


def test_file_urls_are_plain_paths(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    arguments = ["--style", str(exemplar), "--model", "histogram", "-q"]
    assert main(["convert", f"file://{photos}", "-o", f"file://{tmp_path}/ir", *arguments]) == 0
    assert len(local(tmp_path / "ir")) == 7


def test_names_that_escape_the_folder_are_skipped(memory: MemoryFileSystem, photos: Path) -> None:
    data = (photos / "a.png").read_bytes()
    for name in ("a.png", "../../../../../../tmp/evil.png", "x/../../b.png", f"{'n' * 300}.png", ".hidden.png"):
        memory.store[f"/bucket/rgb/{name}"] = memory.open("/bucket/one", "wb")
        memory.store[f"/bucket/rgb/{name}"].write(data)
    with staged(["memory://bucket/rgb"], "memory://bucket/ir") as ((folder,), out):
        assert [path.name for path in Path(folder).rglob("*")] == ["a.png"]
        assert read_image(Path(folder) / "a.png").width == 57
        assert out is not None
    assert not Path(folder).exists()


def test_inputs_that_cannot_be_staged_are_reported(memory: MemoryFileSystem, photos: Path) -> None:
    put(memory, photos, "/bucket/rgb")
    for inputs, out, kind, text in (
        ("memory://bucket/none", "memory://bucket/ir", MissingFileError, "memory://bucket/none to exist"),
        ("memory://bucket/*.png", "memory://bucket/ir", InputError, "a pattern|the pattern"),
        ("memory://bucket/rgb", "memory://bucket/rgb/ir", InputError, "outside the input"),
        ("nothing://bucket/rgb", None, InputError, "expected a storage for nothing://bucket"),
    ):
        with pytest.raises(kind, match=text), staged([inputs], out):
            pass
    assert not remote.mounts()


def test_one_remote_image(memory: MemoryFileSystem, photos: Path, exemplar: Path) -> None:
    put(memory, photos, "/bucket/rgb")
    arguments = ["--style", str(exemplar), "--model", "histogram", "-q"]
    assert main(["convert", "memory://bucket/rgb/sub/e.jpg", *arguments]) == 0
    assert set(stored(memory, "/bucket/rgb/sub/e_ir")) == {"e.png", "manifest.jsonl"}


def test_remote_raster_is_rejected_with_a_hint(
    memory: MemoryFileSystem, photos: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = {"driver": "GTiff", "width": 40, "height": 32, "count": 3, "dtype": "uint8", "crs": "EPSG:32610"}
    with rasterio.open(photos / "map.tif", "w", transform=from_origin(5e5, 4e6, 1, 1), **profile) as file:
        file.write(photograph(32, 40).transpose(2, 0, 1))
    put(memory, photos, "/bucket/rgb")
    arguments = ["--style", str(exemplar), "--model", "histogram", "-q"]
    assert main(["convert", "memory://bucket/rgb", "-o", str(tmp_path / "ir"), *arguments]) == 1
    assert "memory://bucket/rgb/map.tif: expected an image in remote storage" in capsys.readouterr().err
    assert len(local(tmp_path / "ir")) == 7
    assert main(["convert", str(photos), "-o", "memory://bucket/ir", *arguments]) == 1
    assert "map.tif: expected a local -o for a raster, got memory://bucket/ir" in capsys.readouterr().err
    assert len(stored(memory, "/bucket/ir")) == 7


def test_download_of_a_remote_image_is_limited(
    memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 100 * 16 + 2**20  # bytes that an image of 100 pixels may have
    memory.pipe_file("/rgb/large.png", b"x" * (limit + 5_000_000))
    memory.pipe_file("/rgb/fits.png", b"x" * limit)
    fetched: list[int] = []
    cat_file = MemoryFileSystem.cat_file

    def counted(system: MemoryFileSystem, *args: object, **options: object) -> bytes:
        data: bytes = cat_file(system, *args, **options)
        fetched.append(len(data))
        return data

    monkeypatch.setattr(MemoryFileSystem, "cat_file", counted)
    with staged(["memory://rgb"], tmp_path / "out") as ((folder,), _):
        with pytest.raises(DecodeError, match=r"large\.png: expected at most 100 pixels"):
            read_bytes(Path(folder) / "large.png", 100)
        assert fetched == [limit + 1]
        assert len(read_bytes(Path(folder) / "fits.png", 100)) == limit


def test_archive_members_are_named_as_in_rasterio(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(photos / "a.png", "inner/a.png")
    command = ["convert", f"zip://{tmp_path}/a.zip!inner/a.png", "--style", str(exemplar), "--model", "gray", "-q"]
    assert main([*command, "-o", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out/a.tif").is_file()


@pytest.mark.parametrize(
    ("inputs", "out", "message"),
    [
        (("zip://a.jpg::a.zip",), Path("out"), "zip://ARCHIVE!FILE"),
        (("photos",), "zip://a.zip", "expected -o to name a folder"),
    ],
)
def test_invalid_archive_inputs_are_rejected(inputs: tuple[str, ...], out: str | Path, message: str) -> None:
    with pytest.raises(InputError, match=message), staged(inputs, out):
        pass
