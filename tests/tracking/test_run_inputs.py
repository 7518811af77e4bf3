import json
from pathlib import Path

from ir_transfer.tracking.run_inputs import RunInput, content_digest, data_input


def test_digest_depends_on_names_and_bytes_but_not_order(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    files = [tmp_path / "a", tmp_path / "b"]
    digest = content_digest(tmp_path, files)
    assert len(digest) == 8
    assert content_digest(tmp_path, files[::-1]) == digest
    (tmp_path / "b").write_text("c")
    assert content_digest(tmp_path, files) != digest
    (tmp_path / "b").write_text("b")
    assert content_digest(tmp_path, files) == digest
    (tmp_path / "b").rename(tmp_path / "c")
    assert content_digest(tmp_path, [tmp_path / "a", tmp_path / "c"]) != digest


def test_data_set_is_logged_as_input_with_its_counts(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    summary = RunInput("pairs", "training", tmp_path, [tmp_path / "a"], {"band": "lwir", "pairs": 1}).summary()
    noted = data_input(summary)
    assert (noted.dataset.name, noted.dataset.digest) == ("pairs", summary["digest"])
    assert noted.dataset.profile is not None
    assert json.loads(noted.dataset.profile) == {"band": "lwir", "pairs": 1, "files": 1}
    assert str(tmp_path) in noted.dataset.source
    assert [(tag.key, tag.value) for tag in noted.tags] == [("mlflow.data.context", "training")]
