"""Secrets in URLs, removed from everything that is printed or written: the one place that knows what is secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

HIDDEN = "***"
_SECRET_KEYS = (
    r"[\w.\-]*(?:password|passwd|pwd|passphrase|secret|token|signature|credential|api[_\-]?key|access[_\-]?key(?:id)?"
    r"|account[_\-]?key|private[_\-]?key|auth)[\w.\-]*|key|sig|sas|pass|code"
)
# A Path has one slash where a URL has two; models:/NAME@ALIAS is MLflow's.
_SCHEME = r"(?<![a-zA-Z0-9+.\-])(?!(?:models|runs):)(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]+:/{1,2})"
_USER = re.compile(rf"{_SCHEME}[^/\s'\"?#<>]*@(?=[^\s@])")
# A key with slashes in it, as typed; what follows a port is a path.
_USER_WITH_SLASH = re.compile(rf"{_SCHEME}[^/\s:@'\"]+:(?!\d+/)[^\s@'\"]*@(?=[^\s@])")
_START = r"(?P<start>[?&;#]|%26|%3B|%3F)"
_QUERY = re.compile(rf"{_START}(?P<key>{_SECRET_KEYS})(?P<equals>=|%3D)[^&#\s'\"<>]*", re.IGNORECASE)
Value = TypeVar("Value")


def holds_url(text: str) -> bool:
    """Return whether a text, or any text in the JSON that it is, may hold a URL: what does not needs no redaction."""
    return ":/" in text or "%3A" in text


def redact(text: str) -> str:
    """Return a text whose URLs have neither user and password nor keys in their query.

    Args:
        text: Any text, such as a message or a command, with any number of URLs.

    Example:
        >>> redact("got s3://me:pw@host/rgb?token=abc&v=1 from https://host/a.tif?X-Amz-Signature=0f")
        'got s3://***@host/rgb?token=***&v=1 from https://host/a.tif?X-Amz-Signature=***'
    """
    if not holds_url(text):
        return text
    for pattern in (_USER, _USER_WITH_SLASH):
        text = pattern.sub(rf"\g<scheme>{HIDDEN}@", text)
    return _QUERY.sub(rf"\g<start>\g<key>\g<equals>{HIDDEN}", text)


def redacted(value: Value) -> Value:
    """Return a value with every text in it redacted: a text, a mapping, a list or a dataclass of these."""
    return _redacted(value)  # type: ignore[no-any-return]


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {_redacted(key): _redacted(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_redacted(one) for one in value])
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: _redacted(getattr(value, f.name)) for f in fields(value) if f.init}
        return replace(value, **changed)
    return value
