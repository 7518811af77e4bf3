"""The one place that knows where shipped files lie, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

from ir_transfer.errors import MissingFileError

_PACKAGE = Path(__file__).resolve().parent
# In a wheel the top-level folders travel inside the package (see [tool.hatch.build] in pyproject.toml).
_ROOTS = (_PACKAGE, _PACKAGE / "_shipped", _PACKAGE.parent)


def resource(name: str) -> Path:
    """Return the path of a shipped file or folder.

    Args:
        name: Relative path with forward slashes: ``"weights/adain-lwir.safetensors"``,
            ``"styles"``, ``"configs/train"``, ``"datasets"``, ``"evaluation/protocols"``.

    Raises:
        MissingFileError: Nothing of that name is shipped.
    """
    for root in _ROOTS:
        path = root / name
        # The package has a room called evaluation/ too: a folder with code in it is not a resource.
        if path.exists() and not (path / "__init__.py").exists():
            return path
    raise MissingFileError(
        f"expected the shipped resource {name!r}, found none: reinstall ir-transfer, or run from a full checkout"
    )
