"""Removal of secrets in URLs from everything that is printed or written."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

HIDDEN = "***"
# Repetitions are bounded: a text of a foreign file may be long.
_SECRET_KEYS = (
    r"[\w.\-]{0,60}(?:password|passwd|pwd|passphrase|secret|token|signature|credential|api[_\-]?key|access[_\-]?key(?:id)?"
    r"|account[_\-]?key|private[_\-]?key|auth|session|bearer|jwt|hmac|googleaccessid)[\w.\-]{0,60}"
    r"|[\w.\-]{0,60}[_\-]key|key|sig|sas|pass|code|otp|ticket"
)
# Path() reduces the two slashes of a URL to one; models:/NAME@ALIAS is MLflow's syntax.
_SCHEME = r"(?<![a-zA-Z0-9+.\-])(?!(?:models|runs):)(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]+:/{1,2})"
_USER = re.compile(rf"{_SCHEME}[^/\s'\"?#<>]*@(?=[^\s@])")
# A password may contain slashes; text after a port is a path.
_USER_WITH_SLASH = re.compile(rf"{_SCHEME}[^/\s:@'\"]+:(?!\d+/)[^\s@'\"]*@(?=[^\s@])")
# A URL in the query of another, as GDAL takes it.
_ENCODED_USER = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.\-]{0,30}%3A(?:%2F){1,2})(?:(?!%2F|%3F)[^/\s'\"?#&])*%40", re.IGNORECASE
)
# Servers that escape JSON for HTML write & and = by their code points.
_START = r"(?P<start>[?&;#]|%26|%3B|%3F|\\u0026)"
_QUERY = re.compile(
    rf"{_START}(?P<key>{_SECRET_KEYS})(?P<equals>=|%3D|\\u003d)"
    r"(?P<secret>(?:(?:Basic|Bearer) )?(?:(?!\\u0026)[^&#\s'\"<>])*)",
    re.IGNORECASE,
)
_PUNCTUATION = ":,;.)]"
# ":/" of a URL, ": /" of the messages of HTTP clients that quote a path and query alone, "/vsi" of GDAL.
_SIGNS_OF_URLS = (":/", ": /", "%3A", "%3a", "/vsi")
Value = TypeVar("Value")


def holds_url(text: str) -> bool:
    """Return whether a text, which may be JSON, can contain a URL; other texts need no redaction."""
    return any(sign in text for sign in _SIGNS_OF_URLS)


def redact(text: str) -> str:
    """Return a text with credentials and secret query parameters of URLs replaced by ``***``.

    Args:
        text: Any text, such as a message or a command.

    Example:
        >>> redact("got s3://me:pw@host/rgb?token=abc&v=1 from https://host/a.tif?X-Amz-Signature=0f")
        'got s3://***@host/rgb?token=***&v=1 from https://host/a.tif?X-Amz-Signature=***'
    """
    if not holds_url(text):
        return text
    for pattern in (_USER, _USER_WITH_SLASH):
        text = pattern.sub(rf"\g<scheme>{HIDDEN}@", text)
    text = _ENCODED_USER.sub(rf"\g<scheme>{HIDDEN}%40", text)
    return _QUERY.sub(_without_secret, text)


def _without_secret(found: re.Match[str]) -> str:
    """Return a query parameter without its secret, and with the punctuation of a sentence that follows it."""
    start, key, equals, secret = found.group("start", "key", "equals", "secret")
    return f"{start}{key}{equals}{HIDDEN}{secret[len(secret.rstrip(_PUNCTUATION)) :]}"


def redacted(value: Value) -> Value:
    """Return a value with all strings in it redacted, also in mappings, lists and dataclasses."""
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
