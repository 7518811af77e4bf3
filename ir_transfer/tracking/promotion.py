"""Promotion of a candidate to champion of a registered model, if an evaluation shows that it is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.errors import UnknownNameError
from ir_transfer.evaluation.bootstrap import Score
from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.composite import refuse_changed
from ir_transfer.evaluation.methods import BASELINES
from ir_transfer.evaluation.ranking import composite_lead, composites
from ir_transfer.tracking.evaluation_log import log_comparison
from ir_transfer.tracking.fetch import Fetched, fetch_version, find_version
from ir_transfer.tracking.store import CANDIDATE, CHAMPION, translate_store_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

Compare = Callable[[Sequence[str], Mapping[str, Sequence[str]]], Comparison]
"""Compares models, given their names and their weights by name, on the caller's scenes."""


@dataclass(frozen=True)
class PromotionResult:
    """The result of a promotion.

    Attributes:
        candidate: The evaluated version.
        champion: The previous champion; None if there was none.
        leads: Composite of the candidate minus that of each rival, by label; empty if nothing was compared because the
            candidate is already the champion.
        compared: The comparison; None if nothing was compared.
        run_id: Identifier of its run in MLflow; empty if nothing was compared.
    """

    candidate: Fetched
    champion: Fetched | None
    leads: Mapping[str, Score]
    compared: Comparison | None = None
    run_id: str = ""

    @property
    def promoted(self) -> bool:
        """Whether the candidate is better than every rival, that is, the interval of each difference is above 0."""
        return bool(self.leads) and all(lead.low > 0 for lead in self.leads.values())

    @property
    def reasons(self) -> list[str]:
        """One line per rival."""
        if not self.leads:
            return [f"{self.candidate.title} is already the champion: there is nothing to compare"]
        texts = []
        for rival, lead in self.leads.items():
            found = f"composite {lead.mean:+.4f} [{lead.low:+.4f}, {lead.high:+.4f}] against {rival}"
            texts.append(
                f"{found}: {'better' if lead.low > 0 else 'worse' if lead.high < 0 else 'no clear difference'}"
            )
        return texts


def promote(client: MlflowClient, name: str, compare: Compare, folder: Path) -> PromotionResult:
    """Compare a model's candidate with its champion, log the comparison, and make it the champion if it is better.

    Without a champion it must be better than every baseline. The alias is set last, after everything is logged.

    Raises:
        UnknownNameError: No such model, or it has no candidate.
        TrackingError: The store does not answer.
        InputError: Invalid input of the comparison, or a composite that is missing or not that of the protocol.
    """
    candidate = fetch_version(client, find_version(client, name, alias=CANDIDATE), folder)
    champion = _champion(client, name, folder)
    if champion is not None and champion.version == candidate.version:
        return PromotionResult(candidate, champion, {})
    versions = [candidate] if champion is None else [candidate, champion]
    weights: dict[str, list[str]] = {}
    for version in versions:
        weights.setdefault(version.weights.model, []).append(str(version.weights.path))
    compared = compare([*weights], weights)
    refuse_changed(compared.changes)
    # The methods are in the order of the weights, which is that of the versions: both of one model, or one of each.
    labels = [method.label for method in compared.methods if method.label not in BASELINES]
    rows = dict(zip(labels, versions, strict=True))
    rivals = labels[1:] or list(BASELINES)
    leads = {rival: composite_lead(compared.results, labels[0], rival) for rival in rivals}
    with translate_store_errors(client.tracking_uri):
        run_id = log_comparison(client, compared, f"promote {candidate.title}", rows, {"ir_transfer.promotion": name})
        result = PromotionResult(candidate, champion, leads, compared, run_id)
        _tag(client, result, rows)
        if result.promoted:
            client.set_registered_model_alias(name, CHAMPION, candidate.version)
    return result


def _champion(client: MlflowClient, name: str, folder: Path) -> Fetched | None:
    try:
        version = find_version(client, name, alias=CHAMPION)
    except UnknownNameError:
        return None
    return fetch_version(client, version, folder)


def _tag(client: MlflowClient, result: PromotionResult, rows: Mapping[str, Fetched]) -> None:
    """Tag the versions with the results, which the registry displays."""
    compared = result.compared
    if compared is None:
        return
    found = composites(compared.results)
    for label, version in rows.items():
        score = found[label].score
        tags = {
            "composite": f"{score.mean:.4f} [{score.low:.4f}, {score.high:.4f}]",
            "evaluated_on": compared.title,
            "evaluation_run": result.run_id,
        }
        if version is result.candidate:
            tags["promoted"] = str(result.promoted).lower()
            tags["verdict"] = "; ".join(result.reasons)
        for key, text in tags.items():
            client.set_model_version_tag(version.name, version.version, f"ir_transfer.{key}", text)
    client.set_tag(result.run_id, "ir_transfer.promoted", str(result.promoted).lower())
