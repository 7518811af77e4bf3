"""The errors that ir-transfer raises on purpose.

Each derives from :class:`IrTransferError` and from a related builtin exception. A message states what was expected,
what was found and what to do, and names the file, option or key.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class IrTransferError(Exception):
    """Base class of the errors of this package."""

    @property
    def line(self) -> str:
        """The message on one line, for terminals and manifests."""
        return " ".join(str(self).split())


class InputError(IrTransferError, ValueError):
    """A value, tensor or file content is not valid."""


class MissingFileError(IrTransferError, FileNotFoundError):
    """A file or folder does not exist."""


class UnknownNameError(IrTransferError, LookupError):
    """A name (of a model, preset, weights, loss or recipe key) is unknown."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """Return the error, with the closest known names in its message.

        Args:
            kind: What the name denotes, for example ``"model"``.
            name: The unknown name.
            known: All known names.
        """
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(repr(c) for c in close)}? " if close else ""
        return cls(f"unknown {kind} {name!r}: {hint}known: {', '.join(names) or 'none'}")


class WeightsError(IrTransferError, ValueError):
    """A weights file is damaged, or belongs to another model or layout."""


class DecodeError(IrTransferError, OSError):
    """An image file could not be read."""


class ForeignReferenceError(DecodeError):
    """An image file refers to another file or to the network, which is not followed."""


class EncodeError(IrTransferError, OSError):
    """An image file could not be written."""


class MissingPackageError(IrTransferError, ImportError):
    """A library required by an option is not installed."""


class TrackingError(IrTransferError, ConnectionError):
    """The tracking store cannot be reached, or rejects a request."""


def one_line(error: Exception) -> str:
    """Return the first 200 characters of an error's message on one line."""
    return " ".join(str(error).split())[:200]


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return the first names and the number of the others, for a message."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
