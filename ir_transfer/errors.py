"""Every error that ir-transfer raises on purpose.

All derive from :class:`IrTransferError` and from the builtin that fits, so that a caller may catch
either. A message says what was expected, what was found and what to do, and names the file or the key.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class IrTransferError(Exception):
    """Root of all errors raised by this package."""

    @property
    def line(self) -> str:
        """The message on one line, for terminals and manifests."""
        return " ".join(str(self).split())


class InputError(IrTransferError, ValueError):
    """A value, tensor or file content is not what the function takes."""


class MissingFileError(IrTransferError, FileNotFoundError):
    """A file or folder that was named does not exist."""


class UnknownNameError(IrTransferError, LookupError):
    """A name (model, preset, weights, loss, recipe key) is not registered."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """Build the error with the closest known names.

        Args:
            kind: What the name stands for, for example ``"model"``.
            name: The name that was asked for.
            known: All names that exist.
        """
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(repr(c) for c in close)}? " if close else ""
        return cls(f"unknown {kind} {name!r}: {hint}known: {', '.join(names) or 'none'}")


class WeightsError(IrTransferError, ValueError):
    """A weight file is damaged, of another model or of another layout."""


class DecodeError(IrTransferError, OSError):
    """An image file could not be read."""


class ForeignReferenceError(DecodeError):
    """An image file refers to another file or to the network, which its content must not decide."""


class EncodeError(IrTransferError, OSError):
    """An image file could not be written."""


class MissingPackageError(IrTransferError, ImportError):
    """A library that an option needs is not installed."""


class TrackingError(IrTransferError, ConnectionError):
    """The store of the experiments does not answer, or refuses."""
