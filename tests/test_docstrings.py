"""Docstrings of public functions name the shapes of their arrays and the errors of the package that they raise."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from ir_transfer import errors
from tests.docs.pages import CHECKOUT

ERRORS = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
ARRAYS = {"Tensor", "NDArray"}
_LETTER = r"(?:\d+ ?)?[A-Zhnw](?:'|_\w)?(?: or 1)?|number of [^,()]+|height|width|\.\.\."
SHAPE = re.compile(
    rf"\((?:[^()]*, ?)?(?:{_LETTER})(?:,(?:[^()]|\([^()]*\))*)?\)"  # (B, 1, H, W), (count, C): one size is a letter
    r"|\(\d+,\)|\((?:[2-9]|\d{2,})(?:, ?[\w /]+)+\)"  # (256, 3), (3, side, side); an interval begins with 0 or 1
    r"|\(\)|\b(?:[Aa]ny|[Ss]ame) shape\b|\bscalars?\b",
)
REFERENCE = re.compile(r":(?:meth|func):`[~.]?(?:[\w.]*\.)?(\w+)`")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Documented:
    """A public function or method.

    Attributes:
        place: File and line.
        node: Its syntax tree.
        text: Its docstring and that of its class.
        arrays: Names of array types in its module, without aliases that name their shape themselves.
    """

    place: str
    node: Function
    text: str
    arrays: frozenset[str]

    @property
    def has_arrays(self) -> bool:
        arguments = self.node.args
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        annotations = [self.node.returns, *(one.annotation for one in given if one is not None)]
        words = {word for one in annotations if one is not None for word in re.findall(r"\w+", ast.unparse(one))}
        return bool(words & self.arrays)

    @property
    def is_command(self) -> bool:
        """Whether the docstring is the help text of a command, which does not list exceptions."""
        return any("command" in ast.unparse(one) for one in self.node.decorator_list)

    @property
    def raised(self) -> set[str]:
        """Errors of the package that its own body raises."""
        return set(_raised(self.node.body))


def _raised(body: Sequence[ast.AST]) -> Iterator[str]:
    """Yield ``X`` of ``raise X(...)`` and ``raise X.among(...)``, but nothing of inner functions or caught at once."""
    for node in body:
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = ast.unparse(node.exc.func).split(".")[0]
            if name in ERRORS:
                yield name
        elif isinstance(node, ast.Try):
            caught = {word for one in node.handlers if one.type for word in re.findall(r"\w+", ast.unparse(one.type))}
            for name in _raised(node.body):
                if not caught & {base.__name__ for base in getattr(errors, name).__mro__}:
                    yield name
            yield from _raised([*node.handlers, *node.orelse, *node.finalbody])
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _raised([*ast.iter_child_nodes(node)])


def functions(tree: ast.Module, path: str) -> Iterator[Documented]:
    """Yield the public functions of a module, and the public methods of its public classes."""
    aliases = {
        target.id
        for node, after in zip(tree.body, [*tree.body[1:], None], strict=True)
        if isinstance(node, ast.Assign) and set(re.findall(r"\w+", ast.unparse(node.value))) & ARRAYS
        for target in node.targets
        if isinstance(target, ast.Name) and not isinstance(node.value, ast.Call)
        if not (isinstance(after, ast.Expr) and SHAPE.search(ast.unparse(after)))
    }

    def visit(body: list[ast.stmt], above: str) -> Iterator[Documented]:
        for node in body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from visit(node.body, ast.get_docstring(node) or "")
            elif isinstance(node, Function) and not node.name.startswith("_"):
                text = f"{ast.get_docstring(node) or ''}\n\n{above}"
                yield Documented(f"{path}:{node.lineno} {node.name}", node, text, frozenset(ARRAYS | aliases))

    return visit(tree.body, "")


@cache
def package() -> tuple[Documented, ...]:
    """Return all public functions of the package."""
    files = sorted((CHECKOUT / "ir_transfer").rglob("*.py"))
    return tuple(
        found
        for file in files
        for found in functions(ast.parse(file.read_text(encoding="utf-8")), str(file.relative_to(CHECKOUT)))
    )


def without_shape(found: tuple[Documented, ...]) -> list[str]:
    """Return the places of functions of arrays whose docstrings name no shape, nor a function that names some."""
    shaped = {one.node.name for one in found if SHAPE.search(one.text)}
    return [
        one.place
        for one in found
        if one.has_arrays and not SHAPE.search(one.text) and not shaped & set(REFERENCE.findall(one.text))
    ]


def without_error(found: tuple[Documented, ...]) -> list[str]:
    """Return the places of functions and the errors that they raise without documenting them."""
    return [
        f"{one.place}: {name}"
        for one in found
        if not one.is_command
        for name in sorted(one.raised)
        if not re.search(rf"\b{name}\b", _raises(one.text))
    ]


def _raises(text: str) -> str:
    """Return the part of a docstring about errors: its section, or a summary that begins with "Raise"."""
    section = re.search(r"^Raises:\n(?:[ \t]+.*\n?|\n(?=[ \t]))+", text, re.MULTILINE)
    summary = re.match(r"Raise (?:.+\n)+", text)
    return "".join(found.group() for found in (section, summary) if found)


SAMPLE = '''
Floats = NDArray[np.float32]
Boxes = NDArray[np.float32]
"""Corners (N, 4)."""

def boxed(boxes: Boxes) -> None:
    """Look at boxes."""

def bare(image: Tensor) -> None:
    """Look at an image of (height or so)."""

def aliased(*images: Floats) -> None:
    """Look at images in (0, 1)."""

def shaped(image: Tensor) -> None:
    """Look at an image (B, 3, H, W)."""

def any_shape(image: "Tensor") -> Tensor:
    """Return numbers of any shape."""

def pointed(image: Tensor) -> None:
    """See :func:`shaped`."""

def raising(path: Path) -> None:
    """Read a file; an InputError is possible.

    Raises:
        DecodeError: It is damaged.
    """
    def later() -> None:
        raise WeightsError("not raised by the function itself")
    if path.is_dir():
        raise InputError("a folder")
    try:
        raise MissingFileError("caught at once")
    except (KeyError, IrTransferError):
        raise DecodeError("damaged") from None

def summarised() -> None:
    """Raise :class:`UnknownNameError`."""
    raise UnknownNameError.among("name", "a", [])

class Outer:
    """Holds (N, C)."""

    def method(self) -> Tensor:
        """Return it."""

    def _private(self) -> Tensor:
        raise InputError("private")
'''


def test_missing_shapes_and_raises_are_found() -> None:
    found = tuple(functions(ast.parse(SAMPLE), "sample.py"))
    assert without_shape(found) == ["sample.py:9 bare", "sample.py:12 aliased"]
    assert without_error(found) == ["sample.py:24 raising: InputError"]


def test_docstrings_name_the_shapes_of_arrays() -> None:
    missing = without_shape(package())
    assert not missing, (
        "name shapes in these docstrings, such as (B, 1, H, W), (n,), () or 'of any shape', or refer to a function "
        f"that has them with :func:`name`:\n{_lines(missing)}"
    )


def test_docstrings_name_the_errors_that_the_function_raises() -> None:
    missing = without_error(package())
    assert not missing, f"name these errors under Raises:\n{_lines(missing)}"


def _lines(found: list[str]) -> str:
    return "\n".join(found)
