"""Validation of manifest lines: value types, output paths inside the folder; and comparable settings."""

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ir_transfer.errors import InputError
from ir_transfer.labels.paths import is_inside


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_COUNT


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) <= _LARGEST_COUNT


def _is_optional(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_place(value: Any) -> bool:
    return isinstance(value, str) and is_inside(PurePosixPath(value))


def _is_variant(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and value.keys() <= {"number", "style", "strength", "inverted"}
        and _is_count(value.get("number"))
        and (value.get("style") is None or _is_count(value["style"]))
        and _is_number(value.get("strength", 1.0))
        and isinstance(value.get("inverted", False), bool)
    )


_MOST_SHARDS = 1_000_000
_LARGEST_COUNT = 2**63 - 1  # of the columns in Parquet

_Field = tuple[Callable[[Any], bool], str]
_TEXT: _Field = (_is_optional(_is_text), "a text")
_COUNT: _Field = (_is_optional(_is_count), "a count")
_OBJECT: _Field = (_is_optional(_is_object), "an object")
_ENTRY: dict[str, _Field] = {
    "input": (_is_text, "a text"),
    "output": (_is_optional(_is_place), "a path inside the folder"),
    "status": (lambda value: value in ("converted", "failed"), "converted or failed"),
    "input_sha256": _TEXT,
    "output_sha256": _TEXT,
    "width": _COUNT,
    "height": _COUNT,
    "bit_depth": _COUNT,
    "error": _TEXT,
    "masks_sha256": _TEXT,
    "companions_sha256": _TEXT,
    "variant": (_is_optional(_is_variant), "number, style, strength and inverted of a variant"),
    "raster": _OBJECT,
    "reading": _OBJECT,
    "found": _OBJECT,
    "heated": _OBJECT,
    "stored_orientation": (_is_optional(lambda value: _is_count(value) and 1 <= value <= 8), "1 to 8"),
}
_HEADER: dict[str, _Field] = {
    "command": (_is_text, "a text"),
    "look": (_is_object, "an object"),
    "versions": (lambda value: _is_object(value) and all(map(_is_text, value.values())), "an object of texts"),
    "source": _TEXT,
    "source_from_here": _TEXT,
}


def _is_shard(value: Any) -> bool:
    is_pair = isinstance(value, list) and len(value) == 2 and all(map(_is_count, value))
    return is_pair and value[0] < value[1] <= _MOST_SHARDS


def _is_styles(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, Mapping) and isinstance(one.get("style"), str) and isinstance(one.get("hash"), str)
        for one in value
    )


def _is_raster_settings(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        is_right(value[key]) for key, is_right in _RASTER.items() if value.get(key) is not None
    )


def _is_list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(check, value))


_RASTER: dict[str, Callable[[Any], bool]] = {
    "bands": _is_list_of(_is_count),
    "levels": lambda value: value == "percentile" or (_is_list_of(_is_number)(value) and len(value) == 2),
    "nodata": _is_number,
    "page": lambda value: value == "all" or _is_count(value),
}
_LOOK: dict[str, _Field] = {
    "shard": (_is_shard, "the number of a shard and their count"),
    "styles": (_is_styles, "a list of styles with their hashes"),
    "labels": (_is_text, "a text"),
    "raster": (_is_raster_settings, "bands, levels, nodata and page of rasters"),
    "rules": (_is_list_of(_is_text), "a list of rules"),
    "exemplars": (
        _is_list_of(lambda one: isinstance(one, Mapping) and _is_text(one.get("file"))),
        "a list of exemplars with their files",
    ),
    "exemplar_polarity": (_is_list_of(_is_object), "a list of objects"),
}


def check_entry(record: Mapping[str, Any], path: Path, number: int, look: Mapping[str, Any]) -> None:
    """Refuse a line with values of a wrong type, an output path outside the folder, or a style that is not in the run.

    Args:
        record: The line.
        path: The manifest.
        number: Line number, counted from 1.
        look: Settings of the first line, already checked.

    Raises:
        InputError: The line is invalid.
    """
    _check(record, _ENTRY, f"line {number} of {path}")
    if record.get("status") == "converted" and record.get("output") is None:
        raise InputError(f"expected the output of a converted image in line {number} of {path}, got none")
    style = (record.get("variant") or {}).get("style")
    if style is not None and "styles" in look and style >= len(look["styles"]):
        raise InputError(
            f"expected the index of one of {len(look['styles'])} styles in line {number} of {path}, got {style}: "
            "use --overwrite"
        )


def check_header(record: Mapping[str, Any], path: Path) -> None:
    """Refuse a first line with values of a wrong type.

    Raises:
        InputError: The line is invalid.
    """
    _check(record, _HEADER, f"line 1 of {path}")
    _check(record.get("look", {}), _LOOK, f"look in line 1 of {path}")


def by_contents(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with hashes in place of exemplar paths, which may be relative to different folders."""
    hashes = {one["style"]: one["hash"] for one in settings.get("styles", ())}
    rules = [text.partition("=")[::2] for text in settings.get("rules", ())]
    return {
        **settings,
        "styles": [one["hash"] for one in settings.get("styles", ())],
        "rules": [(condition, hashes.get(style, style)) for condition, style in rules],
    }


def _check(record: Mapping[str, Any], known: Mapping[str, _Field], where: str) -> None:
    for key, (is_right, what) in known.items():
        if key in record and not is_right(record[key]):
            raise InputError(
                f"expected {what} as {key} in {where}, got {str(record[key])[:80]!r}: the file was not written by this "
                "program, or was changed; use --overwrite"
            )
