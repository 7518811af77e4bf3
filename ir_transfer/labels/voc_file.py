"""A Pascal VOC annotation file: image name, size and objects, and byte-preserving edits of its XML.

Edits are hand-written on top of expat, because ElementTree and lxml serialise the tree anew and change declaration,
quotes, white space and encoding, which diffs of a data set would show.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape

from ir_transfer.errors import InputError
from ir_transfer.labels.regions import Box, check_box
from ir_transfer.labels.text_io import quoted

MAX_NESTING = 100


@dataclass
class XmlText:
    """An XML document with the byte spans of its texts.

    Attributes:
        data: Bytes of the file.
        root: Root element.
        encoding: Encoding of the text.
        spans: By tag, start and end byte of the text of each child of the root that holds only text.
    """

    data: bytes
    root: Element
    encoding: str
    spans: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def with_texts(self, texts: Mapping[str, str]) -> bytes:
        """Return the bytes with new texts for children of the root, by tag; all other bytes are unchanged."""
        edits = [(*span, text) for tag, text in texts.items() for span in self.spans.get(tag, ())]
        pieces: list[bytes] = []
        at = 0
        for start, end, text in sorted(edits):
            new = escape(text).encode(self.encoding, "xmlcharrefreplace")
            pieces += [self.data[at:start], new]
            at = end
        return b"".join([*pieces, self.data[at:]])


def parse_xml(data: bytes) -> XmlText:
    """Parse a document; one with a DOCTYPE is refused, so that entities cannot expand.

    Raises:
        InputError: Not well-formed XML, a DOCTYPE, or more than :data:`MAX_NESTING` levels.
    """
    return _Reader(data).read()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._parser = expat.ParserCreate()
        self._builder = TreeBuilder()
        self._tags: list[str] = []
        self._encoding = "utf-8"
        self._start: int | None = None
        self._only_text = False
        self._spans: dict[str, list[tuple[int, int]]] = {}

    def read(self) -> XmlText:
        parser = self._parser
        parser.XmlDeclHandler = self._set_encoding
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start_element
        parser.EndElementHandler = self._end_element
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(self._data, True)
            root = self._builder.close()
        except (expat.ExpatError, ValueError, LookupError, AssertionError) as error:  # also InputError
            raise InputError(f"expected XML, got: {error}") from error
        return XmlText(self._data, root, self._encoding, self._spans)

    def _set_encoding(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding:
            # A declared "utf-16" leaves the byte order open, and encoding with it would add a byte-order mark.
            orders = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
            self._encoding = orders.get(self._data[:2], encoding)

    def _refuse_doctype(self, *_: object) -> None:
        raise InputError("a DOCTYPE, which label files do not need: remove it")

    def _start_element(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._tags) >= MAX_NESTING:
            raise InputError(f"elements {MAX_NESTING} deep")
        self._only_text = len(self._tags) == 1
        self._tags.append(tag)
        self._start = None
        self._builder.start(tag, attributes)

    def _text(self, text: str) -> None:
        if self._start is None:
            self._start = self._parser.CurrentByteIndex
        self._builder.data(text)

    def _end_element(self, tag: str) -> None:
        self._tags.pop()
        if self._only_text and self._start is not None and len(self._tags) == 1:
            self._spans.setdefault(tag, []).append((self._start, self._parser.CurrentByteIndex))
        self._only_text = False
        self._builder.end(tag)


_SIDES = ("xmin", "ymin", "xmax", "ymax")


class VocFile:
    """An annotation file.

    Args:
        data: Content of the file.

    Attributes:
        file_name: Name of the image as written; empty without one.
        size: Height and width of the image; None if they are not stated.

    Raises:
        InputError: Not XML, or another root element.
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
