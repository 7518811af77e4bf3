"""HTML pages from templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from ir_transfer.data.image_io import write_whole


def render_page(template: Path, content: Mapping[str, Any]) -> str:
    """Return a page: values are escaped, and one that the template names and nobody gives is an error.

    Raises:
        jinja2.UndefinedError: A value is missing.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(content)


def write_page(path: Path, template: Path, content: Mapping[str, Any]) -> None:
    """Render a page into a file, which appears whole or not at all.

    Raises:
        EncodeError: It cannot be written.
    """
    write_whole(path, render_page(template, content).encode())
