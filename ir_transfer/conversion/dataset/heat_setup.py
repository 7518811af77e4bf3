"""From what ``--heat`` asks for to what shifts the intensities of a data set."""

from __future__ import annotations

import torch

from ir_transfer.conversion.dataset.heat import Heat
from ir_transfer.conversion.dataset.heat_rules import HeatRule, fit_rules
from ir_transfer.conversion.dataset.options import DatasetOptions
from ir_transfer.conversion.plan import Job
from ir_transfer.data.image_io import Picture
from ir_transfer.data.labels.base import LabelledSet
from ir_transfer.data.labels.regions import Region


def check_heat(options: DatasetOptions, labelled: LabelledSet) -> tuple[tuple[HeatRule, ...], tuple[HeatRule, ...]]:
    """Return the rules for labelled objects and those for objects that are found.

    Raises:
        IrTransferError: A rule for a class that there is not; see :func:`fit_rules`.
    """
    if not options.heat and options.heat_auto is None:
        return (), ()
    if options.heat_auto is None:
        return fit_rules(options.heat, None, labelled.classes, ())
    from ir_transfer.conversion.dataset.heat_finder import FOUND

    return fit_rules(options.heat, options.heat_auto, labelled.classes, FOUND)


def make_heat(options: DatasetOptions, labelled: LabelledSet, device: torch.device) -> Heat | None:
    """Return the shifts of a run, None if it asks for none.

    Args:
        options: What the set is asked to be.
        labelled: The source.
        device: Where objects are looked for, with ``--heat auto``.

    Raises:
        IrTransferError: See :func:`check_heat`, and :meth:`Finder.load` for the weights of the detector.
    """
    of_labels, of_found = check_heat(options, labelled)
    if not of_labels and not of_found:
        return None
    by_path = {picture.path: picture for picture in labelled.pictures}

    def regions(job: Job, picture: Picture) -> list[Region]:
        return labelled.regions(by_path[job.source], picture.height, picture.width)

    if not of_found:
        return Heat(of_labels, regions)
    from ir_transfer.conversion.dataset.heat_finder import Finder

    return Heat(of_labels, regions, Finder.load(options.heat_weights, device), of_found)
