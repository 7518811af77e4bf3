"""Self-contained HTML pages from templates, and the bars in their charts."""

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import jinja2
from PIL import Image

from ir_transfer.evaluation.bootstrap import Score
from ir_transfer.imaging.image_io import write_whole


def write_page(path: Path, template: Path, content: Mapping[str, Any]) -> None:
    """Render a template into a file atomically; values are escaped.

    Raises:
        EncodeError: It cannot be written.
        jinja2.UndefinedError: The template uses a value that is missing from the content.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    write_whole(path, environment.get_template(template.name).render(content).encode())


def data_uri(image: Image.Image, kind: Literal["jpeg", "png", "webp"], quality: int = 85) -> str:
    """Return an image as a data URL for an ``img`` element.

    Args:
        image: The image.
        kind: File format.
        quality: From 1 to 95, of JPEG and WebP.
    """
    file = io.BytesIO()
    image.save(file, kind, quality=quality)
    return f"data:image/{kind};base64," + base64.b64encode(file.getvalue()).decode()


def bar(score: Score, low: float, high: float) -> dict[str, float]:
    """Return ``start`` and ``width`` of a bar from 0, ``low`` and ``spread`` of its interval, in percent of a range.

    Args:
        score: The value, which is cut to the range.
        low: Left end of the chart, at most 0.
        high: Right end of the chart.
    """
    ends = (0.0, score.mean, score.low, score.high)
    zero, mean, least, most = (100 * (min(max(end, low), high) - low) / (high - low) for end in ends)
    found = {"start": min(zero, mean), "width": abs(mean - zero), "low": least, "spread": most - least}
    return {name: round(percent, 2) for name, percent in found.items()}
