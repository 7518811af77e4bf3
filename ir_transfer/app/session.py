"""The files of a user session: uploads and results in a folder that is not shared with other sessions."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ir_transfer.app.request import EXEMPLARS, RGB_IMAGES
from ir_transfer.errors import InputError
from ir_transfer.imaging.image_names import SUFFIXES

KINDS = {RGB_IMAGES: SUFFIXES, EXEMPLARS: SUFFIXES | {".safetensors"}}
"""Accepted suffixes of each file field."""


@dataclass(frozen=True)
class Upload:
    """An uploaded file.

    Attributes:
        name: File name on the user's machine.
        path: The file on the server.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class Workspace:
    """The folder of one conversion: inputs and results.

    Attributes:
        folder: With the sub-folders ``images`` and ``exemplars``.
        images: Names of the RGB images.
        exemplars: Names of the exemplars.
    """

    folder: Path
    images: tuple[str, ...]
    exemplars: tuple[str, ...]

    def shown(self, text: str) -> str:
        """Return a message with file names instead of paths on the server."""
        for folder in (self.folder / RGB_IMAGES, self.folder / EXEMPLARS, self.folder):
            text = text.replace(f"{folder}/", "")
        return text


@dataclass(frozen=True)
class Session:
    """The files of one user session."""

    folder: Path

    @classmethod
    def begin(cls, below: Path) -> Session:
        """Create a session with a new, empty folder below a folder."""
        return cls(Path(tempfile.mkdtemp(prefix="session-", dir=below)))

    def workspace(self, images: Sequence[Upload], exemplars: Sequence[Upload]) -> Workspace:
        """Create a folder with the uploaded files under their original names.

        Raises:
            InputError: See :func:`names_of`.
        """
        names = names_of(images, RGB_IMAGES), names_of(exemplars, EXEMPLARS)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))
        for kind, uploads, files in zip(KINDS, (images, exemplars), names, strict=True):
            (folder / kind).mkdir()
            for upload, name in zip(uploads, files, strict=True):
                (folder / kind / name).hardlink_to(upload.path)  # 50 large RGB images are not copied
        return Workspace(folder, *names)

    def remove_all_but(self, kept: Workspace) -> None:
        """Remove the workspaces of earlier conversions."""
        for folder in self.folder.glob("run-*"):
            if folder != kept.folder:
                shutil.rmtree(folder, ignore_errors=True)

    def end(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def names_of(uploads: Sequence[Upload], kind: str) -> tuple[str, ...]:
    """Return the names of uploaded files without folders.

    Args:
        uploads: The files.
        kind: ``"images"`` or ``"exemplars"``.

    Raises:
        InputError: Two files have the same name, or one has a suffix that is not accepted.
    """
    names: list[str] = []
    for upload in uploads:
        name = upload.name.replace("\\", "/").rpartition("/")[2]
        # A list file or a VRT could refer to other files on the server.
        if Path(name).suffix.lower() not in KINDS[kind] or not name.isprintable():
            raise InputError(
                f"expected {kind} with a suffix of {', '.join(sorted(KINDS[kind]))}, got {name!r}: omit it"
            )
        if name in names:
            raise InputError(
                f"expected {kind} with different names, got {name} twice: rename one, or use ir-transfer convert, "
                "which accepts folders with sub-folders"
            )
        names.append(name)
    return tuple(names)
