"""Errors can be caught by the package's base class and by a related builtin exception."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_transfer import errors
from ir_transfer.errors import IrTransferError, UnknownNameError


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("InputError", ValueError),
        ("MissingFileError", FileNotFoundError),
        ("UnknownNameError", LookupError),
        ("WeightsError", ValueError),
        ("DecodeError", OSError),
        ("EncodeError", OSError),
    ],
)
def test_every_error_is_a_package_error_and_a_builtin(name: str, builtin: type[Exception]) -> None:
    cls = getattr(errors, name)
    assert issubclass(cls, IrTransferError)
    assert issubclass(cls, builtin)
    assert str(cls("what to do")) == "what to do"


def test_unknown_name_suggests_the_closest() -> None:
    message = str(UnknownNameError.among("model", "adin", ["wct2", "adain", "gray"]))
    assert message == "unknown model 'adin': did you mean 'adain'? known: adain, gray, wct2"


def test_message_is_a_single_line() -> None:
    assert errors.DecodeError("first\n  second").line == "first second"


def test_known_names_are_listed_if_none_is_close() -> None:
    assert str(UnknownNameError.among("preset", "zzz", ["lwir"])) == "unknown preset 'zzz': known: lwir"
    assert str(UnknownNameError.among("preset", "zzz", [])) == "unknown preset 'zzz': known: none"


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=5))
@settings(max_examples=30, deadline=None)
def test_arbitrary_names_give_a_message(name: str, known: list[str]) -> None:
    assert "known: " in str(UnknownNameError.among("model", name, known))
