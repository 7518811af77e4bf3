from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from ir_transfer.errors import InputError
from ir_transfer.labels.base import LabelledSet
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled
from ir_transfer.labels.voc_file import parse_xml
from tests.labels.sets import text, translate, voc_set, voc_xml, write_image

BASE = "VOCdevkit/VOC2007"


def messages(labelled: LabelledSet) -> str:
    return "\n".join(f"{one.file} {one.where}: {one.message}" for one in labelled.problems)


def carried(tmp_path: Path, variants: int = 2) -> LabelledSet:
    labelled = open_labelled(tmp_path / "in")
    results = translate(labelled, tmp_path / "out", variants)
    labelled.write(tmp_path / "out", results, {})
    assert compare_labels(labelled, open_labelled(tmp_path / "out"), results) == []
    return labelled


def test_only_names_are_changed(tmp_path: Path) -> None:
    voc_set(tmp_path / "in")
    labelled = carried(tmp_path)
    for end in ("", "__v1"):
        old = (tmp_path / "in" / BASE / "Annotations/a b&c.xml").read_text()
        new = (tmp_path / "out" / BASE / f"Annotations/a b&c{end}.xml").read_text()
        expected = old.replace(">a b&amp;c.jpg<", f">a b&amp;c{end}.png<")
        expected = expected.replace(
            "C:\\sets\\VOC2007\\a b&amp;c.jpg", f"VOCdevkit/VOC2007/JPEGImages/a b&amp;c{end}.png"
        )
        assert new == expected
        for kind in ("SegmentationClass", "SegmentationObject"):
            old_mask = (tmp_path / "in" / BASE / kind / "000001.png").read_bytes()
            assert (tmp_path / "out" / BASE / kind / f"000001{end}.png").read_bytes() == old_mask
    sets = tmp_path / "out" / BASE / "ImageSets/Main"
    assert (sets / "train.txt").read_text() == "000001\n000001__v1\n"
    assert (sets / "val.txt").read_bytes() == b"a b&c\r\na b&c__v1\r\n"
    assert (sets / "person_trainval.txt").read_text() == "000001  1\n000001__v1  1\na b&c -1\na b&c__v1 -1"
    assert [one.split for one in labelled.images] == ["train", "val"]
    assert labelled.classes == ("person", "person.head")
    assert labelled.problems == ()


def test_objects_have_pixels_at_their_boxes(tmp_path: Path) -> None:
    voc_set(tmp_path / "in")
    labelled = open_labelled(tmp_path / "in")
    person, head = labelled.regions(labelled.images[0], 48, 64)
    assert (person.box, head.box) == ((4, 5, 20, 30.5), (5, 5, 9, 9))
    expected = np.zeros((48, 64), bool)
    expected[7:20, 5:12] = True
    np.testing.assert_array_equal(person.mask(48, 64), expected)
    assert head.mask(48, 64).sum() == 16
    boxed = labelled.regions(labelled.images[1], 48, 64)[0]
    assert boxed.mask(48, 64).sum() == 16 * 25  # rows 5 to 29: the centre of row 30 lies on the edge
    assert labelled.regions(labelled.images[0], 50, 64)[0].draw is None
    assert "000001.xml size: expected the size of its image, 64 x 50, got 64 x 48" in messages(labelled)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (["ir/a.jpg", "ir/b.jpg"], ["labels/a.xml", "labels/b.xml"]),
        (["a.jpg"], ["a.xml"]),
        (["train/a.jpg", "val/a.jpg"], ["train/a.xml", "val/a.xml"]),
        (["images/train/a.jpg", "images/val/a.jpg"], ["annotations/train/a.xml", "annotations/val/a.xml"]),
        (["images/a.jpg"], ["xml/annotation_1.xml"]),
        (["images/a.png", "images/a.jpg"], ["xml/a.xml"]),
    ],
)
def test_any_folder_layout(tmp_path: Path, images: list[str], labels: list[str]) -> None:
    for number, name in enumerate(images):
        write_image(tmp_path / "in" / name, number)
    for name in labels:
        stem = PurePosixPath(name).stem
        text(tmp_path / "in" / name, voc_xml("a.jpg" if stem.startswith("ann") else f"{stem}.jpg"))
    labelled = open_labelled(tmp_path / "in")
    assert labelled.kind == "voc"
    with_labels = [str(one.rel_path) for one in labelled.images if labelled.regions(one, 48, 64)]
    assert with_labels == sorted(name for name in images if name != "images/a.png")
    results = {
        one.rel_path: [one.rel_path.with_name(f"{one.rel_path.stem}{one.rel_path.suffix[1:]}{n}.png") for n in range(2)]
        for one in labelled.images
    }
    labelled.write(tmp_path / "out", results, {})
    for made in results.values():
        for rel_path in made:
            write_image(tmp_path / "out" / rel_path)
    assert compare_labels(labelled, open_labelled(tmp_path / "out"), results) == []


def test_names_without_suffix_and_in_other_folders(tmp_path: Path) -> None:
    write_image(tmp_path / "in/rgb/a.jpg")
    text(
        tmp_path / "in/xml/a.xml",
        "<annotation><folder>sets/rgb</folder><filename> a </filename><path>a.jpg</path></annotation>",
    )
    labelled = open_labelled(tmp_path / "in")
    labelled.write(tmp_path / "out", {PurePosixPath("rgb/a.jpg"): [PurePosixPath("ir/a.png")]}, {})
    assert (tmp_path / "out/xml/a.xml").read_text() == (
        "<annotation><folder>ir</folder><filename>a</filename><path>a.png</path></annotation>"
    )
    same = labelled.write(tmp_path / "same", {PurePosixPath("rgb/a.jpg"): [PurePosixPath("rgb/a.jpg")]}, {})
    assert same == [PurePosixPath("xml/a.xml")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "latin-1", "windows-1252"])
def test_any_xml_encoding(tmp_path: Path, encoding: str) -> None:
    write_image(tmp_path / "in/é.jpg")
    name = encoding.removesuffix("-sig").removesuffix("-be")
    content = f'<?xml version="1.0" encoding="{name}"?>\r\n<annotation><x>ü</x><filename>é.jpg</filename></annotation>'
    data = (b"\xfe\xff" if encoding == "utf-16-be" else b"") + content.encode(encoding)
    (tmp_path / "in/é.xml").write_bytes(data)
    labelled = open_labelled(tmp_path / "in")
    rel_path = PurePosixPath("é_ж.png")
    labelled.write(tmp_path / "out", {PurePosixPath("é.jpg"): [rel_path]}, {})
    letter = "&#1078;" if encoding in {"latin-1", "windows-1252"} else "ж"
    expected = content.replace("é.jpg", f"é_{letter}.png")
    made = (tmp_path / "out/é_ж.xml").read_bytes()
    assert made == (b"\xfe\xff" if encoding == "utf-16-be" else b"") + expected.encode(encoding)
    assert parse_xml(made).root.findtext("filename") == "é_ж.png"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation ><filename>&b;</filename></annotation>', "a DOCTYPE"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation ></annotation>', "a DOCTYPE"),
        ("<annotation ><object>", "XML, got: no element found"),
        ("<annotation >&unknown;</annotation>", "undefined entity"),
        ("<annotation >" + "<a>" * 200 + "</a>" * 200 + "</annotation>", "100 deep"),
        ("<annotation >" + "x" * (16 * 2**20), "at most"),
        ('<?xml version="1.0" encoding="klingon"?><annotation ></annotation>', "XML, got"),
        ("<a><annotation ></annotation></a>", "an annotation, got 'a'"),
        ("<annotation >\x00</annotation>", "XML, got"),
    ],
)
def test_broken_annotation_is_skipped(tmp_path: Path, content: str, message: str) -> None:
    voc_set(tmp_path / "in")
    broken = f"{BASE}/Annotations/000001.xml"
    text(tmp_path / "in" / broken, content)
    labelled = open_labelled(tmp_path / "in")
    assert f"{broken} : expected " in messages(labelled)
    assert message in messages(labelled)
    assert labelled.regions(labelled.images[0], 48, 64) == []
    assert len(labelled.regions(labelled.images[1], 48, 64)) == 2
    written = labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out", 1), {})
    assert (PurePosixPath(broken) in written) == (message != "at most")
    if message != "at most":
        assert (tmp_path / "out" / broken).read_bytes() == content.encode()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("", "a bndbox, got none"),
        ("<bndbox><xmin>1</xmin></bndbox>", "four numbers in bndbox"),
        ("<bndbox><xmin>9</xmin><ymin>1</ymin><xmax>8</xmax><ymax>9</ymax></bndbox>", "a box with an area"),
        ("<bndbox><xmin>nan</xmin><ymin>1</ymin><xmax>8</xmax><ymax>9</ymax></bndbox>", "a box of four finite numbers"),
        ("<bndbox><xmin>x</xmin><ymin>1</ymin><xmax>8</xmax><ymax>9</ymax></bndbox>", "four numbers in bndbox"),
    ],
)
def test_invalid_object_is_skipped(tmp_path: Path, frame: str, message: str) -> None:
    voc_set(tmp_path / "in")
    text(tmp_path / "in" / BASE / "Annotations/000001.xml", voc_xml("x.jpg", f"<object><name>n</name>{frame}</object>"))
    labelled = open_labelled(tmp_path / "in")
    assert f"000001.xml object 2 n: expected {message}" in messages(labelled)
    assert len(labelled.regions(labelled.images[0], 48, 64)) == 2


def test_list_lines_and_labels_without_an_image_are_reported(tmp_path: Path) -> None:
    voc_set(tmp_path / "in")
    text(tmp_path / "in" / BASE / "Annotations/gone.xml", voc_xml("../../../x.jpg"))
    text(tmp_path / "in" / BASE / "ImageSets/Main/train.txt", "gone\n\n000001.jpg\n")
    write_image(tmp_path / "in" / BASE / "JPEGImages/plain.jpg")
    write_image(tmp_path / "in/docs/figure.png")
    labelled = carried(tmp_path)
    reported = messages(labelled)
    assert "gone.xml : expected one image for it, found 0: left out" in reported
    assert "train.txt 1: expected an image of the set, got 'gone'" in reported
    assert "plain.jpg : expected an annotation, found none" in reported
    assert "docs : expected only labelled images, got 1" in reported
    assert (tmp_path / "out" / BASE / "ImageSets/Main/train.txt").read_text() == "\n000001.png\n000001__v1.png\n"


def test_set_without_annotations_is_rejected(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="Pascal VOC annotations"):
        open_labelled(tmp_path, "voc")
