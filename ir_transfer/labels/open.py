"""Detecting the format of a labelled set and opening it."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.labels.base import Kind, LabelledSet
from ir_transfer.labels.classification import ClassificationSet, ImageSet, has_classes
from ir_transfer.labels.coco import CocoSet, coco_files
from ir_transfer.labels.frames import Orientation, check_orientation
from ir_transfer.labels.index_masks import MaskSet, mask_files
from ir_transfer.labels.kitti import KittiSet, kitti_labels
from ir_transfer.labels.tree import Tree, list_tree
from ir_transfer.labels.voc import CLASS_MASKS, OBJECT_MASKS, VocSet, voc_files
from ir_transfer.labels.yolo import YoloSet, yolo_labels
from ir_transfer.labels.yolo_yaml import data_yamls

AUTO = "auto"
_SETS: dict[str, type[LabelledSet]] = {
    one.kind: one for one in (CocoSet, YoloSet, VocSet, KittiSet, MaskSet, ClassificationSet, ImageSet)
}


def open_labelled(
    root: Path,
    kind: str = AUTO,
    leave_out: Sequence[Path] = (),
    orientation: Orientation = "auto",
    page: int | None = None,
) -> LabelledSet:
    """Open a labelled set.

    Args:
        root: Root folder of the set.
        kind: ``coco``, ``yolo``, ``voc``, ``kitti``, ``masks``, ``classification``, ``images``, or ``auto``.
        leave_out: Folders below the root to ignore, such as one for results.
        orientation: Frame of the labels of images with an EXIF orientation; ``auto`` decides by evidence in the labels.
        page: Page of multi-page files that the labels belong to, from 1; the first of full size if None.

    Raises:
        MissingFileError: The folder does not exist.
        UnknownNameError: Unknown format or frame.
        InputError: Labels of several formats with ``auto``, no labels of the requested format, or no images.
    """
    if kind not in {AUTO, *_SETS}:
        raise UnknownNameError.among("format", kind, [AUTO, *get_args(Kind)])
    check_orientation(orientation)
    tree = list_tree(root, leave_out)
    labelled = _SETS[detect(tree) if kind == AUTO else kind](tree)
    labelled.orientation, labelled.page = orientation, page
    return labelled


def detect(tree: Tree) -> Kind:
    """Return the format of a set.

    Raises:
        InputError: Labels of several formats.
    """
    found: dict[Kind, str] = {}
    if coco := coco_files(tree):
        found["coco"] = str(coco[0])
    if voc := voc_files(tree):
        found["voc"] = str(voc[0])
    if yamls := data_yamls(tree)[0]:
        found["yolo"] = str(yamls[0].rel_path)
    elif yolo := yolo_labels(tree):
        found["yolo"] = str(next(iter(yolo.values())))
    if kitti := kitti_labels(tree):
        found["kitti"] = str(next(iter(kitti.values())))
    if "coco" not in found:  # its panoptic segments are images of the same stems
        masks = [own for owns in mask_files(tree).values() for own in owns]
        if "voc" in found:
            masks = [own for own in masks if not {CLASS_MASKS, OBJECT_MASKS} & set(own.parts)]
        if masks:
            found["masks"] = str(masks[0])
    if len(found) > 1:
        kinds = ", ".join(f"{kind} ({rel_path})" for kind, rel_path in found.items())
        raise InputError(
            f"{tree.root}: expected labels of one format, got {kinds}: choose with --format {' or '.join(found)}"
        )
    if found:
        return next(iter(found))
    return "classification" if has_classes(tree) else "images"
