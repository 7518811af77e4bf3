"""Files of a set that are neither images nor labels of its format: copied unchanged.

Those that may hold labels of an unknown format are reported.
"""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from pathlib import Path, PurePosixPath

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import SUFFIXES, TIFF_SUFFIXES, composed, is_image_name, is_unread_name
from ir_transfer.labels.paths import differ_in_one_folder, is_inside, renamed
from ir_transfer.labels.text_io import MAX_SIDE_BYTES, printable, read_limited, read_lines, to_text, wide_encoding
from ir_transfer.labels.tree import Tree

_NEVER_COPIED = (
    *(".cache", ".part", ".lock"),  # caches of trainers, which name the old files
    *(".ovr", ".msk", *(f"{suffix}.aux.xml" for suffix in sorted(TIFF_SUFFIXES))),  # sidecars of the source pixels
)
_LICENCE = ("license", "licence", "copying", "copyright", "notice")

Results = Mapping[PurePosixPath, Sequence[PurePosixPath]]


def check_results(results: Results) -> None:
    """Check the paths of results.

    Raises:
        InputError: A path outside of the output folder, or of two images.
    """
    seen: set[PurePosixPath] = set()
    for rel_paths in results.values():
        for rel_path in rel_paths:
            if not is_inside(rel_path):
                raise InputError(f"expected results inside the output folder, got {rel_path}: give them a path in it")
            if rel_path in seen:
                raise InputError(f"expected one source for every result, got two for {rel_path}: rename one")
            seen.add(rel_path)


def side_files(
    tree: Tree,
    claimed: Collection[PurePosixPath],
    images: Collection[PurePosixPath],
    results: Results,
    report: Callable[[PurePosixPath, str, str], None],
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield path and content of each file that is neither an image nor a label file.

    A file with the stem or the name of an image, in its folder or a sibling folder, is copied for each result of the
    image. All others keep their path.

    Args:
        tree: Files of the set.
        claimed: Files that the label format writes or leaves out.
        images: Images of the set.
        results: Paths of the results by path of their image.
        report: Called with file, line (empty) and reason for each file that is left out.
    """
    for rel_path in tree.files:
        if rel_path in claimed or _is_image(rel_path) or rel_path.name.lower().endswith(_NEVER_COPIED):
            continue
        try:
            data = read_side(tree.root, rel_path)
        except (DecodeError, InputError) as error:
            report(rel_path, "", f"left out: {error}")
            continue
        owners = owners_of(tree, rel_path, images)
        if not owners:
            yield rel_path, data
        for own in owners:
            yield from ((renamed(rel_path, own, result), data) for result in results.get(own, ()))


def _is_image(rel_path: PurePosixPath) -> bool:
    return is_image_name(Path(rel_path.name)) or is_unread_name(Path(rel_path.name))


def owners_of(tree: Tree, rel_path: PurePosixPath, images: Collection[PurePosixPath]) -> list[PurePosixPath]:
    """Return the images that a file belongs to: of the same stem or name, in its folder or a sibling folder."""
    named = [*tree.images_of_stem(rel_path.stem), *tree.images_named(rel_path.stem)]
    return [own for own in named if own in images and differ_in_one_folder(rel_path.parent, own.parent)]


def is_readme_or_licence(rel_path: PurePosixPath) -> bool:
    """Return whether a file is a readme or a licence."""
    return rel_path.stem.lower() == "readme" or rel_path.name.lower().startswith(_LICENCE)


def read_side(root: Path, rel_path: PurePosixPath) -> bytes:
    """Return the content of a side file.

    Raises:
        DecodeError: The file cannot be read.
        InputError: The file is too large, or a link that leaves the set.
    """
    path = root / rel_path
    # A link in a downloaded archive could copy a private file of the user.
    if path.is_symlink() and not os.path.realpath(path).startswith(os.path.realpath(root) + os.sep):
        raise InputError(f"{path}: expected a file of the set, got a link that leaves it: copy the file")
    return read_limited(path, MAX_SIDE_BYTES)


def licence_files(tree: Tree) -> tuple[str, ...]:
    """Return the licence files as ``name: first line``."""
    found = []
    for rel_path in tree.files:
        if rel_path.name.lower().startswith(_LICENCE) and not is_image_name(Path(rel_path.name)):
            try:
                lines = to_text(read_side(tree.root, rel_path)).splitlines()
            except (DecodeError, InputError):  # reported with the side files
                continue
            first = next((line.strip() for line in lines if line.strip()), "")
            found.append(printable(f"{rel_path}: {first[:200]}"))
    return tuple(found)


def readme_files(tree: Tree) -> tuple[PurePosixPath, ...]:
    """Return the readme files."""
    return tuple(p for p in tree.files if p.stem.lower() == "readme" and not is_image_name(Path(p.name)))


def read_class_names(tree: Tree, file_names: Collection[str]) -> dict[int, str]:
    """Return the class names of the first readable file of one of these names; line 1 is class 0."""
    files = [file for file in tree.files if file.name.lower() in file_names]
    for file in sorted(files, key=lambda one: (len(one.parts), str(one))):
        try:
            lines = read_lines(tree.root / file)
        except (DecodeError, InputError):
            continue  # reported when it is copied
        return {number: printable(line.strip()) for number, line in enumerate(lines) if line.strip()}
    return {}


_PER_IMAGE = frozenset({".json", ".xml", ".geojson", ".npy", ".npz", ".mat", ".csv", ".dota"})
"""Suffixes of per-image files that usually hold labels."""
_TEXTS = frozenset({".json", ".jsonl", ".ndjson", ".geojson", ".odgt", ".csv", ".tsv", ".xml", ".txt", ".yaml", ".yml"})
_CONTAINERS = frozenset(
    {".parquet", ".tfrecord", ".tfrecords", ".record", ".mat", ".pkl", ".pickle", ".h5", ".hdf5", ".npy", ".npz"}
    | {".db", ".sqlite", ".arrow", ".feather"}
)
_SEPARATORS = re.compile(r"[\"',;<>|=\t\r\n/\\]+")
_NAME = re.compile(rf".*?(?:{'|'.join(map(re.escape, sorted(SUFFIXES)))})(?=\s|$)", re.IGNORECASE)
_MIN_STEM_LENGTH = 6  # characters; shorter stems are common numbers and words
_EXPECTED, _UNREAD = "expected labels of a known form", "not read and not checked"


def find_unread_labels(
    tree: Tree, claimed: Collection[PurePosixPath], images: Collection[PurePosixPath], *, texts: bool
) -> Iterator[tuple[PurePosixPath, str]]:
    """Yield files that may hold labels and are not read, with a message for each.

    Args:
        tree: Files of the set.
        claimed: Files that the label format reads or reports.
        images: Images of the set.
        texts: Whether per-image text files may be labels; in sets of a known format they are calibration or notes.
    """
    own: dict[tuple[PurePosixPath, str], list[PurePosixPath]] = defaultdict(list)
    names = {composed(rel_path.name) for rel_path in images}
    names |= {stem for rel_path in images if len(stem := composed(rel_path.stem)) >= _MIN_STEM_LENGTH}
    for rel_path in tree.files:
        suffix = rel_path.suffix.lower()
        if rel_path in claimed or _is_no_label(rel_path):
            continue
        if owners_of(tree, rel_path, images):
            if suffix in _PER_IMAGE or (texts and suffix == ".txt"):
                own[rel_path.parent, suffix].append(rel_path)
        elif suffix in _CONTAINERS:
            yield rel_path, f"{_EXPECTED}, got a {suffix} file: copied unchanged, {_UNREAD}"
        elif suffix in _TEXTS:
            text, encoding = _text_of(tree, rel_path)
            if count := _count_named(text, names):
                what = f"got a file {encoding}that names {count} images of the set: copied with the old names"
                yield rel_path, f"{_EXPECTED}, {what}, {_UNREAD}"
    for (folder, suffix), rel_paths in own.items():
        what = f"got {len(rel_paths)} {suffix} files of images (first: {rel_paths[0].name}): copied for each result"
        yield folder, f"{_EXPECTED}, {what}, {_UNREAD}"


def _is_no_label(rel_path: PurePosixPath) -> bool:
    return (
        is_image_name(Path(rel_path.name))
        or is_readme_or_licence(rel_path)
        or rel_path.name.lower().endswith(".aux.xml")
    )


def _text_of(tree: Tree, rel_path: PurePosixPath) -> tuple[str, str]:
    """Return the text of a file and, if it is not UTF-8, words on its encoding."""
    try:
        data = read_side(tree.root, rel_path)
    except (DecodeError, InputError):
        return "", ""  # reported as a side file
    encoding = wide_encoding(data)
    if encoding is None:
        return to_text(data), ""
    return data.decode(encoding, "replace"), f"in {encoding} (save it as UTF-8) "


def _count_named(text: str, names: Set[str]) -> int:
    """Return the number of images of the set that a text names."""
    found: set[str] = set()
    for part in _SEPARATORS.split(text):
        word = composed(part.strip())
        whole = _NAME.match(word)  # other columns may follow after a space
        found |= names & ({word, whole[0]} if whole else {word})
    return len(found)
