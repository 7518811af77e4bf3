from __future__ import annotations

import shlex
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from ir_transfer.app.panels import detected_box, error_box, summary_box
from ir_transfer.app.request import Request, camera_of
from ir_transfer.app.results import View
from ir_transfer.app.session import Session, Upload, Workspace
from ir_transfer.app.work import carry_out
from ir_transfer.cli import main
from ir_transfer.errors import IrTransferError
from tests.conftest import photograph, thermal


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """Two RGB images, one damaged file and two exemplars."""
    for name, seed in (("a.png", 1), ("b.jpg", 2)):
        Image.fromarray(photograph(40, 56, seed)).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    for name, seed in (("hot.png", 1), ("cold.png", 5)):
        Image.fromarray(thermal(96, 128, seed)).save(tmp_path / name)
    images = [Upload(name, tmp_path / name) for name in ("a.png", "b.jpg", "broken.png")]
    exemplars = [Upload(name, tmp_path / name) for name in ("hot.png", "cold.png")]
    return Session.begin(tmp_path).workspace(images, exemplars)


def _typed(request: Request, place: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run the command line of a request in a folder with copies of the files; return the folder of results."""
    folder.mkdir()
    for kind in ("images", "exemplars"):
        for file in (place.folder / kind).iterdir():
            shutil.copyfile(file, folder / file.name)
    monkeypatch.chdir(folder)
    main(shlex.split(request.command_line)[1:])
    return folder / request.out


@pytest.mark.parametrize(
    "request_",
    [
        Request(("a.png", "b.jpg"), ("hot.png",), model="histogram"),
        Request(("a.png",), ("hot.png", "cold.png"), model="fda", strength=0.5, bit_depth=16, format="tiff"),
        Request(
            ("b.jpg",), ("hot.png",), model="gray", polarity="black-hot", camera=camera_of("boson-320", "camera", 0, 1)
        ),
        Request(("a.png",), ("preset:lwir-road-day",), model="adain", heat=("person=+0.3",)),
    ],
    ids=["plain", "blend", "camera", "preset"],
)
def test_page_and_command_line_write_identical_files(
    request_: Request, place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = carry_out(request_, place)
    typed = _typed(request_, place, tmp_path / "typed", monkeypatch)
    for result in made.results:
        assert result.output is not None
        assert result.output.read_bytes() == (typed / result.output.name).read_bytes()
    assert len(made.results) == len(request_.images)


def test_failed_image_is_reported_and_does_not_affect_others(place: Workspace) -> None:
    seen: list[tuple[int, int]] = []
    request = Request(("a.png", "broken.png"), ("hot.png",), model="histogram")
    made = carry_out(request, place, lambda done, total: seen.append((done, total)))
    good, bad = made.results
    assert good.output is not None
    assert bad.output is None
    assert bad.error is not None
    assert bad.error.startswith("broken.png: expected a PNG, JPEG, TIFF")
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert "converted 1, failed 1" in summary_box([made], 0.1)
    assert "role='alert'" in error_box([bad.error])


def test_run_that_cannot_start_raises_the_package_error(place: Workspace) -> None:
    with pytest.raises(IrTransferError, match="unknown preset of model adain 'lwir-road-dya': did you mean"):
        carry_out(Request(("a.png",), ("preset:lwir-road-dya",), model="adain"), place)


def test_classified_polarity_is_shown_with_its_source(place: Workspace) -> None:
    made = carry_out(Request(("a.png",), ("hot.png",), model="histogram"), place)
    box = detected_box([made])
    assert "hot.png" in box
    assert "-hot (auto, score " in box
    assert "0 to 255 8 bit" in box
    forced = carry_out(
        Request(("a.png",), ("cold.png",), model="histogram", exemplar_polarity="black-hot", out="o"), place
    )
    assert "black-hot (set manually)" in detected_box([forced])


def test_html_in_names_is_escaped() -> None:
    assert "&lt;img&gt;" in error_box(["<img>: no"])
    assert error_box([]) == ""


def test_matrix_has_images_as_rows_and_styles_as_columns(place: Workspace) -> None:
    request = Request(("a.png", "broken.png"), ("hot.png", "cold.png"), model="histogram")
    conversions = tuple(carry_out(one, place) for one in request.each_style())
    shown = View(conversions, place, place.folder / "shown", matrix=True)
    assert shown.columns == 3
    assert [cell.caption for cell in shown.cells] == [
        *("a.png", "a.png: hot.png", "a.png: cold.png"),
        *("broken.png", "broken.png: failed", "broken.png: failed"),
    ]
    assert shown.at_full_size == 1
    assert [replace(shown, selected=i).at_full_size for i in (0, 2, 4)] == [1, 2, 1]
    assert [cell.image().size for cell in shown.cells[:3]] == [(56, 40)] * 3
    pair = shown.pair(2)
    assert pair is not None
    assert [Image.open(path).size for path in pair] == [(56, 40)] * 2
    assert shown.pair(0) is None
    (archive,) = shown.downloads()
    with zipfile.ZipFile(archive) as file:
        assert sorted(file.namelist()) == [
            f"infrared_{name}/{part}" for name in ("cold", "hot") for part in ("a.png", "manifest.jsonl")
        ]
        output = conversions[0].results[0].output
        assert output is not None
        assert file.read("infrared_hot/a.png") == output.read_bytes()
