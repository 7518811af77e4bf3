"""Finding the images of COCO entries: a ``file_name`` is relative to a folder that the file does not state."""

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from ir_transfer.imaging.image_names import composed
from ir_transfer.labels.coco_file import CocoFile, Image
from ir_transfer.labels.paths import inside, is_absolute, path_variants, split_from_names, split_of
from ir_transfer.labels.text_io import quoted
from ir_transfer.labels.tree import Tree

_SAMPLE = 500
_IMAGES = "images"
_SPLIT_FOLDERS = {"val": ("val", "valid", "validation"), "train": ("train",), "test": ("test",)}


class ImageFinder:
    """Finds the images of COCO files below one root.

    Args:
        tree: Files of the set.
        segments: Images of panoptic segments, which share names with the images.
    """

    def __init__(self, tree: Tree, segments: Collection[PurePosixPath]) -> None:
        self._tree = tree
        self._segments = segments
        self._counts: Counter[str] = Counter()

    def find(self, file: CocoFile) -> Iterator[tuple[str, str]]:
        """Set ``rel_path`` and ``base`` of the images of a file.

        The folder that holds most of them is tried first, then the other folders of common layouts, then the only
        image of the set whose path ends with the file name.

        Yields:
            (where, message) for each image that was not found, or not at its stated path.
        """
        bases = self._bases(file.rel_path)
        sample = file.images[:: max(1, len(file.images) // _SAMPLE)]
        hits = {base: sum(self._at(base, image.file_name) is not None for image in sample) for base in bases}
        bases.sort(key=lambda base: -hits[base])
        seen: dict[PurePosixPath, Image] = {}
        written = {image.file_name for image in file.images if image.file_name}
        self._counts = Counter(
            name for text in written for name in {composed(PurePosixPath(one).name) for one in path_variants(text)}
        )
        for image in file.images:
            if image.file_name is None:
                continue
            message = self._locate(image, image.file_name, bases, file.rel_path)
            if message:
                yield f"image {image.id}", message
            if image.rel_path is not None and seen.setdefault(image.rel_path, image) is not image:
                yield f"image {image.id}", f"expected one entry for {image.rel_path}, got two: both are kept"

    def _locate(self, image: Image, name: str, bases: list[PurePosixPath], file: PurePosixPath) -> str:
        """Set ``rel_path`` and ``base`` of an image; return the message to report, empty if there is none."""
        if not is_absolute(name):
            for base in bases:
                if (rel_path := self._at(base, name)) is not None:
                    image.rel_path, image.base = rel_path, base
                    return ""
            if all(inside(base, text) is None for base in bases for text in path_variants(name)):
                return f"expected an image inside the set, got {quoted(name)}: left out with its annotations"
        found, length = self._by_path_suffix(name)
        if not found and (other := self._by_unique_name(name)) is not None:
            image.rel_path, image.base = other, file.parent
            return f"expected the image {quoted(name)} of {file}, found only {other} with this name: used instead"
        if len(found) != 1:
            got = len(found) or "none"
            return f"expected the image {quoted(name)} of {file}, found {got}: left out with its annotations"
        image.rel_path = found[0]
        if is_absolute(name):
            return f"expected a path relative to the set, got {quoted(name)}: treated and written as {found[0]}"
        image.base = PurePosixPath(*found[0].parts[: len(found[0].parts) - length])
        return ""

    def _by_path_suffix(self, name: str) -> tuple[list[PurePosixPath], int]:
        """Return the images with the longest common path suffix, and its number of components.

        An absolute path was written on another machine, so a partial match counts; a relative one must match fully.
        """
        for text in path_variants(name):
            parts = tuple(part for part in PurePosixPath(text).parts if part not in {"/", "..", "."})
            alike = [p for p in self._tree.images_named(parts[-1] if parts else "") if p not in self._segments]
            best = max((_common_suffix_length(rel_path, parts) for rel_path in alike), default=0)
            found = [rel_path for rel_path in alike if _common_suffix_length(rel_path, parts) == best]
            if found and (is_absolute(name) or best == len(parts)):
                return found, best
        return [], 0

    def _by_unique_name(self, name: str) -> PurePosixPath | None:
        """Return the only image of a name in any folder, since annotation tools prepend project folders.

        A name that occurs twice in the label file is distinguished by its folders and is not matched, nor is a name
        in a folder of another split.
        """
        for text in path_variants(name):
            path = PurePosixPath(text)
            found = [rel_path for rel_path in self._tree.images_named(path.name) if rel_path not in self._segments]
            if len(found) == 1 and self._counts[composed(path.name)] == 1:
                splits = split_of(path), split_of(found[0])
                return found[0] if None in splits or splits[0] == splits[1] else None
        return None

    def _at(self, base: PurePosixPath, name: str | None) -> PurePosixPath | None:
        for text in path_variants(name or ""):
            rel_path = inside(base, text)
            found = None if rel_path is None else self._tree.find_image(rel_path)
            if found is not None and found not in self._segments:
                return found
        return None

    def _bases(self, file: PurePosixPath) -> list[PurePosixPath]:
        """Return the folders that file names may be relative to, the most likely first."""
        folder, root = file.parent, PurePosixPath()
        token = file.stem.split("_")[-1]
        split = split_from_names([token])
        names = [token, file.stem, _IMAGES, *(_SPLIT_FOLDERS.get(split, ()) if split else ())]
        below = [PurePosixPath(name) for name in names]
        below += [PurePosixPath(_IMAGES) / name for name in names] + [PurePosixPath(name) / _IMAGES for name in names]
        starts = list(dict.fromkeys((folder, root, folder.parent)))
        bases = [*starts, *(start / way for start in starts for way in below)]
        return [base for base in dict.fromkeys(bases) if base in self._tree.folders]


def _common_suffix_length(rel_path: PurePosixPath, parts: tuple[str, ...]) -> int:
    count = 0
    for one, other in zip(reversed(rel_path.parts), reversed(parts), strict=False):
        if composed(one) != composed(other):
            break
        count += 1
    return count
