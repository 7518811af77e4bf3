from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from ir_transfer.conversion.manifest import Entry
from ir_transfer.redaction import redact, redacted


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("s3://me:pw@bucket/rgb", "s3://***@bucket/rgb"),
        ("s3:/me:pw@bucket/rgb", "s3:/***@bucket/rgb"),
        ("ftp://me:p@w@host/a and http://you:x@host/b", "ftp://***@host/a and http://***@host/b"),
        ("s3://AKIA:a/b+c/d@bucket/rgb", "s3://***@bucket/rgb"),
        ("https://token@host/a", "https://***@host/a"),
        ("postgresql+psycopg2://me:pw@host/db", "postgresql+psycopg2://***@host/db"),
        ("/vsicurl/https://me:pw@host/a.tif", "/vsicurl/https://***@host/a.tif"),
        ("https://host/a?sig=0f&se=2026", "https://host/a?sig=***&se=2026"),
        (
            "https://host/a?X-Amz-Credential=a/b&X-Amz-Signature=0f",
            "https://host/a?X-Amz-Credential=***&X-Amz-Signature=***",
        ),
        ("https://host/a?api_key=1&AWSAccessKeyId=2&page=3", "https://host/a?api_key=***&AWSAccessKeyId=***&page=3"),
        ("/vsicurl?url=https%3A%2F%2Fhost%2Fa%3Ftoken%3Dabc", "/vsicurl?url=https%3A%2F%2Fhost%2Fa%3Ftoken%3D***"),
        ("mssql://h/d?odbc_connect=DRIVER%3Dx%3BPWD%3Dpw", "mssql://h/d?odbc_connect=DRIVER%3Dx%3BPWD%3D***"),
        ("/vsicurl?url=https%3A%2F%2Fme%3Apw%40host%2Fa@2x", "/vsicurl?url=https%3A%2F%2F***%40host%2Fa@2x"),
        ("/vsis3_streaming/a?aws_secret_access_key=pw", "/vsis3_streaming/a?aws_secret_access_key=***"),
        (
            "Max retries exceeded with url: /a?token=pw (Caused by",
            "Max retries exceeded with url: /a?token=*** (Caused by",
        ),
        ("https://h/a?a=1\\u0026sig\\u003dpw\\u0026b=2", "https://h/a?a=1\\u0026sig\\u003d***\\u0026b=2"),
        ("https://h/a?Authorization=Bearer pw b", "https://h/a?Authorization=*** b"),
        ("https://h/a?sig=p.w: none (https://h/b?sig=pw).", "https://h/a?sig=***: none (https://h/b?sig=***)."),
        ("https://h/a;jsessionid=pw", "https://h/a;jsessionid=***"),
        ("https://h/a?subscription-key=1&jwt=2&otp=3", "https://h/a?subscription-key=***&jwt=***&otp=***"),
        ("'s3://me:pw@bucket/a b'", "'s3://***@bucket/a b'"),
    ],
)
def test_secrets_in_urls_are_hidden(text: str, right: str) -> None:
    assert redact(text) == right
    assert redact(right) == right


@pytest.mark.parametrize(
    "text",
    [
        "photos/me@work/a.png",
        "/data/key=1/a.png",
        "C:/me@work/a.png",
        "https://host:8080/path@2x.png",
        "sqlite:////data/a@b/mlflow.db",
        "models:/adain-lwir@champion",
        "s3://bucket/a?page=2&keyboard=x",
        "a.tif: expected one of: /me@x",
        "photos?token=1/a.png",
        "https://host/a%40b?pages=2&bypass=x",
    ],
)
def test_other_text_is_unchanged(text: str) -> None:
    assert redact(text) == text


def test_every_text_in_a_value_is_redacted() -> None:
    entry = Entry("s3://a:b@c/d", "d.png", "failed", error="got s3://a:b@c/d", variant={"x": ["s3://a:b@c"]})
    found = redacted(entry)
    assert (found.input, found.error, found.variant) == ("s3://***@c/d", "got s3://***@c/d", {"x": ["s3://***@c"]})
    assert redacted({"a": (1, None, PurePosixPath("b"))}) == {"a": (1, None, PurePosixPath("b"))}


@pytest.mark.parametrize("text", ["https://h/?sig=" + ":" * 10**5, ":/ ?" + "a-" * 10**5, ":/" + "a" * 10**5 + "%3A"])
@pytest.mark.timeout(10)
def test_redaction_time_is_linear_in_the_text_length(text: str) -> None:
    assert len(redact(text)) < len(text) + 9
