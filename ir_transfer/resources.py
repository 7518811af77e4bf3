"""Locations of bundled files, in a checkout and in an installed wheel."""

import difflib
import re
from pathlib import Path

from ir_transfer.errors import MissingFileError, UnknownNameError

PRESET = "preset:"
"""Prefix of the name of a bundled style."""

GET_IT = "extract or download it first"
"""Advice for a file that :func:`is_elsewhere`."""

# Path() reduces the two slashes of a URL to one; C:/ is a drive.
_ELSEWHERE = re.compile(r"/vsi|[a-z][a-z0-9+.\-]+:/", re.IGNORECASE)
_PACKAGE = Path(__file__).resolve().parent
# In a wheel the top-level folders are inside the package (see [tool.hatch.build] in pyproject.toml).
_ROOTS = (_PACKAGE, _PACKAGE / "_shipped", _PACKAGE.parent)


def resource(name: str) -> Path:
    """Return the path of a bundled file or folder.

    Args:
        name: Relative path with forward slashes: ``"weights/adain-lwir.safetensors"``,
            ``"styles"``, ``"configs/train"``, ``"datasets"``, ``"evaluation/protocols"``.

    Raises:
        MissingFileError: There is no bundled file of this name.
    """
    for root in _ROOTS:
        path = root / name
        # evaluation/ is also a sub-package, which is not a resource.
        if path.exists() and not (path / "__init__.py").exists():
            return path
    raise MissingFileError(
        f"expected the bundled file {name!r}, found none: reinstall ir-transfer, or run from a full checkout"
    )


def bundled_names(folder: str) -> list[str]:
    """Return the sorted names of the bundled YAML files of a folder; see :func:`resource`."""
    return sorted(path.stem for path in resource(folder).glob("*.yaml"))


def yaml_file(name: str | Path, folder: str, kind: str) -> Path:
    """Return a path that ends in ``.yaml`` or ``.yml`` unchanged, and that of a bundled file for any other name.

    Args:
        name: Path, or name without suffix.
        folder: Folder of the bundled files; see :func:`resource`.
        kind: Kind of the described object, for the error.

    Raises:
        UnknownNameError: There is no bundled file of this name; the message has the closest names.
    """
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        return path
    if str(name) not in (known := bundled_names(folder)):
        raise UnknownNameError.among(kind, str(name), known)
    return resource(folder) / f"{name}.yaml"


def preset_names() -> list[str]:
    """Return the sorted names of the bundled styles; empty in an installation without them."""
    try:
        return sorted({path.stem for path in resource("styles").glob("*/*.safetensors")})
    except MissingFileError:
        return []


def is_elsewhere(path: str | Path) -> bool:
    """Return whether a path refers to an archive or to the network, as a GDAL path or a URL."""
    return _ELSEWHERE.match(str(path)) is not None


def missing_exemplar(text: str) -> MissingFileError:
    """Return the error for an exemplar that does not exist; it suggests a preset of a similar name."""
    if is_elsewhere(text):
        return MissingFileError(
            f"expected an exemplar on a local disk, got {text}, in an archive or on the network: {GET_IT}"
        )
    close = difflib.get_close_matches(Path(text).stem, preset_names(), n=1, cutoff=0.8)
    advice = f"use {PRESET}{close[0]}, or check the path" if close else f"check the path, or use {PRESET}NAME"
    return MissingFileError(f"expected an exemplar at {text}, found none: {advice} (see ir-transfer styles)")


def recipe_file(text: str | Path) -> Path:
    """Return the path of a training recipe: the file if it exists, else the bundled recipe of that name.

    Args:
        text: A path, or the name of a bundled recipe, such as ``adain-lwir`` or ``configs/train/adain-lwir.yaml``.

    Raises:
        UnknownNameError: There is no bundled recipe of this name; the message has the closest names.
        MissingFileError: The path does not exist.
    """
    path = Path(text)
    if path.exists():
        return path
    name = path.name.removesuffix(".yaml")
    try:
        shipped = {found.stem: found for found in resource("configs/train").glob("*.yaml")}
    except MissingFileError:
        shipped = {}
    if path.parent in {Path(), Path("configs/train")} and name in shipped:
        return shipped[name]
    if path.parent == Path() and path.suffix != ".yaml":
        raise UnknownNameError.among("recipe", name, shipped)
    known = ", ".join(sorted(shipped))
    raise MissingFileError(
        f"expected a recipe at {path}, found none: check the path, or name a recipe of configs/train: {known}"
    )
