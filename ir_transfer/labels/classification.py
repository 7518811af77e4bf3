"""Image classification sets (the folder is the class) and sets without labels."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import ClassVar

from ir_transfer.errors import InputError
from ir_transfer.labels.base import Kind, LabelledImage, LabelledSet
from ir_transfer.labels.paths import split_from_names, split_of
from ir_transfer.labels.regions import Region
from ir_transfer.labels.side_files import Results
from ir_transfer.labels.tree import Tree


class ImageSet(LabelledSet):
    """A folder of images without labels."""

    kind: ClassVar[Kind] = "images"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        if not tree.images:
            raise InputError(f"expected images in {tree.root}, found none: check the folder")
        self._set_images(tree.images, {rel_path: split_of(rel_path) for rel_path in tree.images})

    @property
    def classes(self) -> tuple[str, ...]:
        """No classes."""
        return ()

    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return no regions."""
        return []

    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        return iter(())


class ClassificationSet(ImageSet):
    """Images under ``class/`` or ``split/class/``; results keep the folder and with it the class."""

    kind = "classification"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        for image in self.images:
            if class_of(image.rel_path) is None:
                self._report(image.rel_path, "", "expected a class folder above the image, found none: it has no label")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the folders, sorted."""
        return tuple(sorted({name for p in self.images if (name := class_of(p.rel_path)) is not None}))


def class_of(rel_path: PurePosixPath) -> str | None:
    """Return the class of an image: its first folder that is not a split; None without one."""
    folders = rel_path.parent.parts
    below = folders[1:] if folders and split_from_names(folders[:1]) else folders
    return below[0] if below else None


def has_classes(tree: Tree) -> bool:
    """Return whether all images are in class folders, of at least two classes."""
    kinds = {class_of(rel_path) for rel_path in tree.images}
    depths = {len(rel_path.parts) - bool(split_from_names(rel_path.parts[:1])) for rel_path in tree.images}
    return None not in kinds and len(kinds) > 1 and depths == {2}
