from __future__ import annotations

import json
from pathlib import Path

import pytest

from ir_transfer.errors import InputError
from ir_transfer.labels.json_text import value_at
from ir_transfer.labels.open import open_labelled
from tests.labels.sets import coco_content, text, write_image


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("key", ["bbox", "area", "segmentation", "score"])
def test_coco_file_with_nan_or_infinity_is_rejected(tmp_path: Path, value: str, key: str) -> None:
    write_image(tmp_path / "images/a.jpg")
    content = coco_content()
    content["annotations"] = [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [3, 4, 5, 6], key: float(value)}]
    text(tmp_path / "labels.json", json.dumps(content, indent=1))
    with pytest.raises(InputError, match=rf"labels.json: expected standard JSON, got {value} in the value .* of line "):
        open_labelled(tmp_path, "coco")


def test_error_names_the_value_and_its_line() -> None:
    with pytest.raises(InputError, match=r"got NaN in the value '\[1, NaN\]' of line 3: write"):
        value_at("\n\n[1, NaN]", 2)
    assert value_at("[1e3, null]", 0).value == [1000.0, None]
