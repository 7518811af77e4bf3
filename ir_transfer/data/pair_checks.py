"""Checks pairs before a run, mostly by the headers of the files."""

from collections.abc import Sequence

from PIL import Image

from ir_transfer.data.pair_files import check_gray, open_pair, open_side
from ir_transfer.data.pairs import Pair, Single
from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.header import read_header

_TRIED = 24  # images that are opened, of those that may be coloured by their header


def check_pairs(pairs: Sequence[Pair]) -> None:
    """Refuse pairs whose images differ in size, and coloured infrared images in a sample of the pairs.

    In most cases, only the headers of the files are read.

    Raises:
        InputError: The first such pair and the number of others.
        DecodeError: A file is not an image.
    """
    unsure = [pair for pair in pairs if not _headers_agree(pair)]
    wrong = [pair for pair in unsure if len(set(_upright_sizes(pair))) > 1]
    if wrong:
        first, (rgb, ir) = wrong[0], _upright_sizes(wrong[0])
        others = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise InputError(
            f"expected two images of one size in every pair, got {first.rgb} {rgb} and {first.ir} {ir}{others}: "
            "register them (or train on them with 'pairing: unpaired')"
        )
    check_singles([pair.alone("ir") for pair in pairs])


def check_singles(singles: Sequence[Single]) -> None:
    """Refuse coloured infrared images in a sample of those that may be coloured by their header.

    Raises:
        InputError: The first such image.
        DecodeError: A file is not an image.
    """
    doubtful = [single for single in singles if _may_be_coloured(single)]
    for single in doubtful[:: max(1, len(doubtful) // _TRIED)]:
        check_gray(open_side(single.path, single.side, single.layout), single.path)


def _may_be_coloured(single: Single) -> bool:
    if single.layout is not None and single.layout.kind == "bands":
        return False
    try:
        with Image.open(single.path) as image:
            return len(image.getbands()) > 2 or image.mode == "P"
    except OSError:  # Pillow does not open every TIFF that can be read
        return True


def _headers_agree(pair: Pair) -> bool:
    kind = "two-files" if pair.layout is None else pair.layout.kind
    if kind == "bands":
        return True
    try:
        rgb = read_header(pair.rgb).upright
        if pair.layout is not None and kind == "side-by-side":
            return rgb[pair.layout.rgb_side not in {"top", "bottom"}] % 2 == 0
        return rgb == read_header(pair.ir).upright
    except DecodeError:  # opening the pair reports the error
        return False


def _upright_sizes(pair: Pair) -> list[tuple[int, int]]:
    """Return (width, height) of both upright images."""
    return [(image.width, image.height) for image in open_pair(pair.rgb, pair.ir, pair.layout)]
