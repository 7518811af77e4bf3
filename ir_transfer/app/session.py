"""A visitor's own folder: what was uploaded and what was made, which no other visitor's work touches."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ir_transfer.app.request import EXEMPLARS, PHOTOGRAPHS
from ir_transfer.errors import InputError
from ir_transfer.imaging.image_names import SUFFIXES

KINDS = {PHOTOGRAPHS: SUFFIXES, EXEMPLARS: SUFFIXES | {".safetensors"}}
"""What each field for files takes, by suffix."""


@dataclass(frozen=True)
class Upload:
    """An uploaded file.

    Attributes:
        name: As the visitor's file is called.
        path: Where the server stores it.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class Workplace:
    """A folder for one press of the button: inputs and results.

    Attributes:
        folder: With the sub-folders ``photographs`` and ``exemplars``.
        photographs: Names of the RGB images.
        exemplars: Names of the exemplars.
    """

    folder: Path
    photographs: tuple[str, ...]
    exemplars: tuple[str, ...]

    def shown(self, text: str) -> str:
        """Return a message with the visitor's names in place of the server's paths."""
        for folder in (self.folder / PHOTOGRAPHS, self.folder / EXEMPLARS, self.folder):
            text = text.replace(f"{folder}/", "")
        return text


@dataclass(frozen=True)
class Session:
    """The files of one visitor.

    Attributes:
        folder: Below that of the server.
    """

    folder: Path

    @classmethod
    def begin(cls, below: Path) -> Session:
        """Make a session with an empty folder of its own."""
        return cls(Path(tempfile.mkdtemp(prefix="session-", dir=below)))

    def workplace(self, photographs: Sequence[Upload], exemplars: Sequence[Upload]) -> Workplace:
        """Return a new folder that holds uploaded files by their own names.

        Raises:
            InputError: See :func:`names_of`.
        """
        names = names_of(photographs, PHOTOGRAPHS), names_of(exemplars, EXEMPLARS)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))
        for kind, uploads, files in zip(KINDS, (photographs, exemplars), names, strict=True):
            (folder / kind).mkdir()
            for upload, name in zip(uploads, files, strict=True):
                (folder / kind / name).hardlink_to(upload.path)  # 50 large RGB images are not copied
        return Workplace(folder, *names)

    def remove_all_but(self, kept: Workplace) -> None:
        """Remove what earlier presses of the button left."""
        for folder in self.folder.glob("run-*"):
            if folder != kept.folder:
                shutil.rmtree(folder, ignore_errors=True)

    def end(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def names_of(uploads: Sequence[Upload], kind: str) -> tuple[str, ...]:
    """Return the names of uploaded files without their folders.

    Args:
        uploads: The files.
        kind: ``"photographs"`` or ``"exemplars"``.

    Raises:
        InputError: Two have one name, or one is of a kind that is not read here.
    """
    names: list[str] = []
    for upload in uploads:
        name = upload.name.replace("\\", "/").rpartition("/")[2]
        # A list file or a VRT would name other files of the server's machine.
        if Path(name).suffix.lower() not in KINDS[kind] or not name.isprintable():
            raise InputError(f"expected {kind} of {', '.join(sorted(KINDS[kind]))}, got {name!r}: leave it out")
        if name in names:
            raise InputError(
                f"expected {kind} of different names, got {name} twice: rename one, or use ir-transfer convert, which "
                "takes folders with sub-folders"
            )
        names.append(name)
    return tuple(names)
