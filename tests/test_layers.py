"""The layers of ``lint-imports`` are those of the package and of the documentation, and modules are short."""

from __future__ import annotations

import re
import tomllib

from tests.docs.pages import CHECKOUT

LAYERS: list[str] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
][0]["layers"]


def test_documentation_lists_the_layers_in_their_order() -> None:
    packages = {path.parent.name for path in (CHECKOUT / "ir_transfer").glob("*/__init__.py")}
    page = (CHECKOUT / "docs/explanation/code.md").read_text(encoding="utf-8")
    rows = [re.findall(r"`([a-z]+)`", row.split("|")[1]) for row in page.splitlines() if row.startswith("| `")]
    listed = [[name for name in row if name in packages] for row in rows]
    configured = [[name for name in layer.split(" | ") if name in packages] for layer in LAYERS]
    assert [set(row) for row in listed if row] == [set(layer) for layer in configured if layer]
    assert {name for row in listed for name in row} == packages


def test_no_module_is_longer_than_300_lines() -> None:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in (CHECKOUT / "ir_transfer").rglob("*.py")
    }
    assert len(lengths) > 400
    assert not {str(path): length for path, length in lengths.items() if length > 300}
