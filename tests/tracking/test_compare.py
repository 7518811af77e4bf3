from __future__ import annotations

import re
from pathlib import Path

import pytest

from ir_transfer.errors import InputError
from ir_transfer.tracking.compare import (
    Compared,
    compare_runs,
    conclusions,
    validation_rows,
    write_comparison,
)
from ir_transfer.tracking.runs import RunStore
from ir_transfer.tracking.store import KIND, connect, experiment_id
from tests.evaluation.test_report import Parts
from tests.tracking.tracked_runs import NAMES, TrackedRuns, log_data


@pytest.fixture(scope="module")
def store(tracked_runs: TrackedRuns) -> RunStore:
    return RunStore(tracked_runs.uri)


@pytest.fixture(scope="module")
def compared(store: RunStore) -> Compared:
    return compare_runs(store, NAMES)


@pytest.fixture(scope="module")
def text(store: RunStore, compared: Compared, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "compare.html"
    assert write_comparison(store, compared, path) == []
    assert [entry.name for entry in path.parent.iterdir()] == ["compare.html"]
    return path.read_text(encoding="utf-8")


def test_the_page_is_whole_and_needs_nothing_else(text: str) -> None:
    parts = Parts(text)
    assert [a["id"] for a in parts.all("h2")] == [
        "figures", "evaluation", "recipe", "data", "code", "grids",
    ]  # fmt: skip
    for _, attributes in parts.found:
        for key in ("src", "href", "action"):
            assert (attributes.get(key) or "data:").startswith("data:")
    assert not re.search(r"@import|url\(|<link", text)
    assert all(image["alt"] for image in parts.all("img"))
    assert "&lt;street&gt;" in text
    assert "<street>" not in text


def test_what_differs_comes_before_what_is_equal(text: str) -> None:
    recipe = text[text.index('id="recipe"') : text.index('id="data"')]
    shown, _, folded = recipe.partition("<details>")
    assert "training.lr" in shown
    assert "losses.tv" in shown
    assert "model.name" not in shown
    assert "model.name" in folded


def test_best_and_last_figures_are_marked_by_direction(compared: Compared) -> None:
    rows = {row["name"]: row for row in validation_rows(compared)}
    assert [cell["text"] for cell in rows["validation/psnr"]["best"]] == ["17", "16"]
    assert [cell["best"] for cell in rows["validation/psnr"]["best"]] == [True, False]
    assert [cell["text"] for cell in rows["validation/psnr"]["last"]] == ["16", "15"]
    assert [cell["best"] for cell in rows["validation/contrast"]["best"]] == [
        False,
        True,
    ]  # 1.1 is nearer to 1 than 0.8
    assert conclusions(compared)[0].startswith("A: steady has the best rank")


def test_images_of_the_steps_that_both_have(text: str) -> None:
    parts = Parts(text)
    assert [a["data-step"] for a in parts.all("section", "stage")] == ["200", "400"]
    assert [a["data-run"] for a in parts.all("figure") if "data-run" in a] == ["0", "1"] * 2


def test_evaluations_are_compared_with_the_baselines(compared: Compared) -> None:
    assert compared.evaluation is not None
    assert compared.evaluation.methods == ["A: adain", "B: adain"]
    rows = {row.name: row for row in compared.evaluation.rows}
    assert [*rows] == ["composite", "psnr", "perceptual", "people_heat"]
    assert rows["composite"].texts == ["0.400", "0.500"]
    assert (rows["psnr"].best, rows["psnr"].worse_than) == ([False, True], ["constant", ""])
    assert rows["psnr"].baseline == "constant 15.00"
    assert rows["perceptual"].best == [False, False]
    assert rows["people_heat"].best == [False, True]  # nearer to the ground truth's


def test_composites_of_different_settings_are_left_out(tracking_uri: str) -> None:
    client = connect(tracking_uri)
    experiment = experiment_id(client)
    for name in ("one", "two"):
        run = client.create_run(experiment, run_name=name, tags={KIND: "train"}).info.run_id
        tags = {KIND: "evaluate", "ir_transfer.training_run": run}
        own = client.create_run(experiment, run_name=f"evaluation of {name}", tags=tags).info.run_id
        client.log_param(own, "composite", f"feature_network {name}")
        client.log_metric(own, "adain/composite", 0.5)
        client.log_metric(own, "adain/psnr", 14.0)
        client.set_terminated(own)
    found = compare_runs(RunStore(tracking_uri), ["one", "two"]).evaluation
    assert found is not None
    assert [row.name for row in found.rows] == ["psnr"]
    assert (
        "have different settings and are left out (A: feature_network one; B: feature_network two)"
        in found.warnings[-1]
    )


def test_other_training_data_warns_and_other_validation_data_stops_the_conclusions(
    compared: Compared, tracking_uri: str
) -> None:
    assert compared.comparable
    assert [row.context for row in compared.inputs if row.warning] == ["training"]
    client = connect(tracking_uri)
    for k, name in enumerate(("one", "two")):
        run = client.create_run(experiment_id(client), run_name=name, tags={KIND: "train"}).info.run_id
        client.log_metric(run, "validation/rank", float(k), step=1)
        log_data(client, run, {"validation": f"0000000{k}"})
    other = compare_runs(RunStore(tracking_uri), ["one", "two"])
    assert not other.comparable
    assert "validation metrics are not comparable" in other.warnings[0]
    assert conclusions(other) == ["No run is called better: their validation metrics are not comparable."]
    assert not any(cell["best"] for row in validation_rows(other) for cell in row["best"])


def test_bare_runs_make_a_page_and_lost_images_are_said(tracking_uri: str, tmp_path: Path) -> None:
    client = connect(tracking_uri)
    runs = [client.create_run(experiment_id(client), run_name=name).info for name in ("bare", "lost")]
    for step in (1, 2):
        client.log_text(runs[1].run_id, "no image", f"images/validation+step+{step}+timestamp+5+0.png")
    store = RunStore(tracking_uri)
    lines = write_comparison(store, compare_runs(store, ["bare", "lost"]), tmp_path / "page.html")
    assert [f"validation+step+{step}" in line for step, line in enumerate(lines, 1)] == [True, True]
    page = (tmp_path / "page.html").read_text()
    assert "No images were logged" in page
    assert "it is unknown whether these runs read the same images" in page
    assert "validation+step+2" in page


def test_the_same_run_twice_is_refused(store: RunStore) -> None:
    with pytest.raises(InputError, match="different runs"):
        compare_runs(store, ["steady", "steady"])
