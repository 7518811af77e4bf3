"""A Pascal VOC annotation file: image name, size and objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element

from ir_transfer.errors import InputError
from ir_transfer.labels.regions import Box, check_box
from ir_transfer.labels.text_io import quoted
from ir_transfer.labels.xml_text import XmlText, parse_xml

_SIDES = ("xmin", "ymin", "xmax", "ymax")


class VocFile:
    """An annotation file.

    Args:
        data: Content of the file.

    Attributes:
        file_name: Name of the image as written; empty without one.
        size: Height and width of the image; None if they are not stated.

    Raises:
        InputError: No XML, or another root element.
    """

    def __init__(self, data: bytes) -> None:
        self._xml: XmlText = parse_xml(data)
        root = self._xml.root
        if root.tag != "annotation":
            raise InputError(f"expected an annotation, got {quoted(root.tag)}")
        self.file_name = (root.findtext("filename") or "").strip()
        sides = [root.findtext(f"size/{side}") or "" for side in ("height", "width")]
        whole = [int(side) for side in sides if side.strip().isdecimal() and len(side) < 12]
        self.size = (whole[0], whole[1]) if len(whole) == 2 and all(whole) else None

    def objects(self) -> Iterator[tuple[str, str, Box | InputError]]:
        """Yield instance, name and box of the objects, and of their parts as ``object.part``.

        An invalid box is yielded as its error. Pixels are counted from 1 in the file, and the last row and column
        are inclusive.
        """
        for number, item in enumerate(self._xml.root.findall("object"), start=1):
            name = _name(item)
            yield str(number), name, _box(item)
            for part_number, part in enumerate(item.findall("part"), start=1):
                yield f"{number}.{part_number}", f"{name}.{_name(part)}", _box(part)

    def rewritten(self, image: PurePosixPath, result: PurePosixPath) -> bytes:
        """Return the content for a result of the image: only elements that name the image change."""
        root, texts = self._xml.root, {}
        if result != image:
            if self.file_name:
                texts["filename"] = result.name if PurePosixPath(self.file_name).suffix else result.stem
            folder = (root.findtext("folder") or "").strip().replace("\\", "/").rstrip("/")
            if folder.split("/")[-1] == image.parent.name != result.parent.name:
                texts["folder"] = result.parent.name
        if (path := (root.findtext("path") or "").strip()) and not (result == image and path == str(image)):
            texts["path"] = str(result) if "/" in path.replace("\\", "/") else result.name
        return self._xml.with_texts(texts)


def _name(item: Element) -> str:
    return (item.findtext("name") or "").strip()


def _box(item: Element) -> Box | InputError:
    frame = item.find("bndbox")
    try:
        if frame is None:
            raise InputError("expected a bndbox, got none")
        left, top, right, bottom = (float(frame.findtext(side) or "") for side in _SIDES)
        return check_box([left - 1, top - 1, right, bottom])
    except InputError as error:
        return error
    except ValueError as error:
        return InputError(f"expected four numbers in bndbox, got: {error}")
