"""Creates the shifts of a run from the options of ``--heat``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.conversion.heat.options import HeatOptions
from ir_transfer.conversion.heat.rules import ALIASES, CLASS_MAP, MAP_CLASSES, HeatRule, fit_rules
from ir_transfer.imaging.image_io import DecodedImage
from ir_transfer.labels.base import LabelledSet
from ir_transfer.labels.regions import Region

if TYPE_CHECKING:
    import torch

    from ir_transfer.conversion.heat.finder import Finder
    from ir_transfer.conversion.heat.shift import Heat
    from ir_transfer.models.base import TranslationModel

Rules = tuple[tuple[HeatRule, ...], tuple[HeatRule, ...]]


def check_heat(options: HeatOptions, labelled: LabelledSet | None = None) -> Rules:
    """Return the rules for labelled objects and those for objects that are found.

    Without labels, all rules are for objects that are found.

    Raises:
        IrTransferError: A rule for an unknown class; see :func:`fit_rules`.
    """
    options.check()
    if not options.asked:
        return (), ()
    finder, classes = _finder_of(options, labelled), () if labelled is None else labelled.classes
    if finder is None:
        return fit_rules(options.rules, None, classes, ())
    if finder == CLASS_MAP:
        return fit_rules(options.rules, options.auto, classes, MAP_CLASSES, ALIASES)
    from ir_transfer.conversion.heat.mask_rcnn import FOUND

    return fit_rules(options.rules, options.auto, classes, FOUND)


def make_heat(
    options: HeatOptions, model: TranslationModel, device: torch.device, labelled: LabelledSet | None = None
) -> Heat | None:
    """Return the shifts of a run, None if there are none.

    Args:
        options: Rules and object finder.
        model: Provides the class map, if it has one.
        device: Device of the object finder.
        labelled: The source, if it has labels.

    Raises:
        IrTransferError: See :func:`check_heat`, and :meth:`MaskRcnnFinder.load` for the weights of the detector.
    """
    of_labels, of_found = check_heat(options, labelled)
    if not of_labels and not of_found:
        return None
    from ir_transfer.conversion.heat.shift import Heat

    regions = None if labelled is None else _Regions(labelled)
    return Heat(of_labels, regions, _open_finder(options, model, device, labelled) if of_found else None, of_found)


class _Regions:
    """Returns the labelled objects of an image, by its path."""

    def __init__(self, labelled: LabelledSet) -> None:
        self._labelled = labelled
        self._by_path = {image.path: image for image in labelled.images}

    def __call__(self, source: Path, image: DecodedImage) -> Sequence[Region]:
        return self._labelled.upright_regions(self._by_path[source], image.height, image.width)


def _finder_of(options: HeatOptions, labelled: LabelledSet | None) -> str | None:
    return CLASS_MAP if options.finder is None and labelled is None else options.finder


def _open_finder(
    options: HeatOptions, model: TranslationModel, device: torch.device, labelled: LabelledSet | None
) -> Finder:
    if _finder_of(options, labelled) == CLASS_MAP:
        from ir_transfer.conversion.heat.class_map import ClassMapFinder

        return ClassMapFinder.of_model(model, device)
    from ir_transfer.conversion.heat.mask_rcnn import MaskRcnnFinder

    return MaskRcnnFinder.load(options.weights, device)
