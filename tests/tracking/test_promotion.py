from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ir_transfer import create_model
from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.evaluation.bootstrap import Score
from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.evaluator import EvalSettings
from ir_transfer.evaluation.methods import Method
from ir_transfer.tracking.promotion import promote
from ir_transfer.tracking.store import connect
from tests.evaluation.compared_street import BLURRED, compared_street
from tests.tracking.registered import register


@pytest.fixture
def client(tracking_uri: str) -> MlflowClient:
    return connect(tracking_uri)


def street(folder: Path, asked: list[list[str]]) -> Callable[..., Comparison]:
    """A comparison of a candidate (the blurred ground truth) and a champion (a copy of a baseline)."""

    def compare(names: Sequence[str], weights: Mapping[str, Sequence[str]]) -> Comparison:
        asked.append([Path(path).stem for name in names for path in weights[name]])
        others = [Method("other", create_model("histogram"))][: len(asked[-1]) - 1]
        return compared_street(
            folder / f"set{len(asked)}", others, 3, EvalSettings(columns=("ssim", "gradient_truth_3px"))
        )

    return compare


def alias(client: MlflowClient, name: str) -> str | None:
    found = client.get_registered_model("adain-lwir").aliases.get(name)
    return None if found is None else str(found)


def test_composite_with_other_settings_than_the_protocol_is_rejected(client: MlflowClient, tmp_path: Path) -> None:
    register(client, tmp_path)
    compare = street(tmp_path, [])

    def changed(names: Sequence[str], weights: Mapping[str, Sequence[str]]) -> Comparison:
        return replace(compare(names, weights), changes=["composite heat none instead of object_heat"])

    with pytest.raises(InputError, match="expected the composite of the protocol, got composite heat none"):
        promote(client, "adain-lwir", changed, tmp_path / "fetched")
    assert alias(client, "champion") is None


def test_first_champion_must_beat_every_baseline(client: MlflowClient, tmp_path: Path) -> None:
    trained = register(client, tmp_path).run_id
    asked: list[list[str]] = []
    result = promote(client, "adain-lwir", street(tmp_path, asked), tmp_path / "fetched")
    assert asked == [["adain-lwir-1"]]
    assert result.promoted
    assert result.champion is None
    assert result.leads.keys() == {"constant", "gray", "inverted", "histogram", "fda"}
    assert alias(client, "champion") == "1"
    run = client.get_run(result.run_id)
    assert run.data.tags["ir_transfer.kind"] == "evaluate"
    assert run.data.tags["mlflow.parentRunId"] == run.data.tags["ir_transfer.training_run"] == trained
    assert run.data.metrics[f"{BLURRED}/composite"] > run.data.metrics["gray/composite"]
    assert run.data.params["protocol"].startswith("protocol street version 2")
    inputs = run.inputs.model_inputs if run.inputs else []
    assert [model.model_id for model in inputs] == [result.candidate.model_id]
    assert {item.path for item in client.list_artifacts(result.run_id)} == {
        "report.html",
        "results.json",
        "sheet.png",
        "table.csv",
    }
    tags = client.get_model_version("adain-lwir", "1").tags
    assert tags["ir_transfer.evaluation_run"] == result.run_id
    assert tags["ir_transfer.promoted"] == "true"
    assert tags["ir_transfer.composite"].startswith("0.")
    assert "against gray: better" in tags["ir_transfer.verdict"]
    again = promote(client, "adain-lwir", street(tmp_path, asked), tmp_path / "fetched")
    assert len(asked) == 1
    assert not again.promoted
    assert again.reasons == ["adain-lwir version 1 is already the champion: there is nothing to compare"]


def test_champion_is_replaced_only_by_a_better_candidate(client: MlflowClient, tmp_path: Path) -> None:
    for seed in (0, 1):
        register(client, tmp_path, seed)
    client.set_registered_model_alias("adain-lwir", "champion", "1")
    asked: list[list[str]] = []
    result = promote(client, "adain-lwir", street(tmp_path, asked), tmp_path / "fetched")
    assert asked == [["adain-lwir-2", "adain-lwir-1"]]
    assert result.leads.keys() == {"other"}
    assert result.leads["other"].low > 0
    assert alias(client, "champion") == "2"
    assert alias(client, "candidate") == "2"
    assert "ir_transfer.composite" in client.get_model_version("adain-lwir", "1").tags


@pytest.mark.parametrize(
    ("lead", "promoted", "said"),
    [
        (Score(0.01, -0.001, 0.02), False, "no clear difference"),
        (Score(0.01, 0.0, 0.02), False, "no clear difference"),
        (Score(-0.01, -0.02, -0.001), False, "worse"),
        (Score(0.01, 0.001, 0.02), True, "better"),
    ],
    ids=["contains_0", "touches_0", "below_0", "above_0"],
)
@pytest.mark.parametrize("with_champion", [True, False])
def test_interval_that_contains_0_prevents_promotion(
    lead: Score,
    promoted: bool,
    said: str,
    with_champion: bool,
    client: MlflowClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seed in (0, 1):
        register(client, tmp_path, seed)
    if with_champion:
        client.set_registered_model_alias("adain-lwir", "champion", "1")
    clear = Score(0.2, 0.1, 0.3)
    # Without a champion, one baseline that is not clearly beaten is enough.
    monkeypatch.setattr(
        "ir_transfer.tracking.promotion.composite_lead",
        lambda results, first, second: lead if second in {"other", "fda"} else clear,
    )
    result = promote(client, "adain-lwir", street(tmp_path, []), tmp_path / "fetched")
    assert result.promoted is promoted
    assert alias(client, "champion") == ("2" if promoted else "1" if with_champion else None)
    assert any(reason.endswith(f"against {'other' if with_champion else 'fda'}: {said}") for reason in result.reasons)
    assert client.get_model_version("adain-lwir", "2").tags["ir_transfer.promoted"] == str(promoted).lower()


def test_missing_candidate_is_an_error(client: MlflowClient, tmp_path: Path) -> None:
    register(client, tmp_path)
    client.delete_registered_model_alias("adain-lwir", "candidate")
    with pytest.raises(UnknownNameError, match="alias of adain-lwir 'candidate'"):
        promote(client, "adain-lwir", street(tmp_path, []), tmp_path / "fetched")
