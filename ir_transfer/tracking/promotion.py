"""The champion of a registered model moves only when an evaluation shows that the candidate is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.errors import UnknownNameError
from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.composite import refuse_changed
from ir_transfer.evaluation.harness import BASELINES
from ir_transfer.evaluation.ranking import composite_lead, composites
from ir_transfer.evaluation.summary import Score
from ir_transfer.tracking.client import CANDIDATE, CHAMPION, told_plainly
from ir_transfer.tracking.evaluation_log import log_comparison
from ir_transfer.tracking.fetch import Fetched, fetch_version, find_version

if TYPE_CHECKING:
    from mlflow import MlflowClient

Compare = Callable[[Sequence[str], Mapping[str, Sequence[str]]], Comparison]
"""Compares models, given their names and their weights by name, on scenes that the caller has chosen."""


@dataclass(frozen=True)
class Verdict:
    """What became of a candidate.

    Attributes:
        candidate: The version that was judged.
        champion: The champion before; None if there was none.
        leads: By how much the candidate's composite is above those it had to beat, by row; empty if it is itself the
            champion and nothing was compared.
        compared: The comparison; None likewise.
        run_id: Its run in MLflow; empty likewise.
    """

    candidate: Fetched
    champion: Fetched | None
    leads: Mapping[str, Score]
    compared: Comparison | None = None
    run_id: str = ""

    @property
    def promoted(self) -> bool:
        """Whether it beats every one of them: the interval of the difference is above 0."""
        return bool(self.leads) and all(lead.low > 0 for lead in self.leads.values())

    @property
    def reasons(self) -> list[str]:
        """A line for each row that it had to beat."""
        if not self.leads:
            return [f"{self.candidate.title} is the champion already: there is nothing to compare"]
        texts = []
        for rival, lead in self.leads.items():
            found = f"composite {lead.mean:+.4f} [{lead.low:+.4f}, {lead.high:+.4f}] against {rival}"
            texts.append(
                f"{found}: {'better' if lead.low > 0 else 'worse' if lead.high < 0 else 'no clear difference'}"
            )
        return texts


def promote(client: MlflowClient, name: str, compare: Compare, folder: Path) -> Verdict:
    """Compare a model's candidate with its champion, log that, and make it the champion if it is better.

    Without a champion it must beat every trivial row. The alias moves last, after all is logged.

    Args:
        client: Of the store.
        name: Registered name.
        compare: Does the comparison.
        folder: Receives the weights.

    Raises:
        UnknownNameError: No such model, or it has no candidate.
        TrackingError: The store does not answer.
        InputError: What the comparison refuses, or a composite that is none or not that of the protocol.
    """
    candidate = fetch_version(client, find_version(client, name, alias=CANDIDATE), folder)
    champion = _champion(client, name, folder)
    if champion is not None and champion.version == candidate.version:
        return Verdict(candidate, champion, {})
    judged = [candidate] if champion is None else [candidate, champion]
    weights: dict[str, list[str]] = {}
    for one in judged:
        weights.setdefault(one.weights.model, []).append(str(one.weights.path))
    compared = compare([*weights], weights)
    refuse_changed(compared.changes)
    # The rows come in the order of the weights, which is that of the judged: both of one model, or one of each.
    labels = [method.label for method in compared.methods if method.label not in BASELINES]
    rows = dict(zip(labels, judged, strict=True))
    rivals = labels[1:] or list(BASELINES)
    leads = {rival: composite_lead(compared.results, labels[0], rival) for rival in rivals}
    with told_plainly(client.tracking_uri):
        run_id = log_comparison(client, compared, f"promote {candidate.title}", rows, {"ir_transfer.promotion": name})
        verdict = Verdict(candidate, champion, leads, compared, run_id)
        _tag(client, verdict, rows)
        if verdict.promoted:
            client.set_registered_model_alias(name, CHAMPION, candidate.version)
    return verdict


def _champion(client: MlflowClient, name: str, folder: Path) -> Fetched | None:
    try:
        version = find_version(client, name, alias=CHAMPION)
    except UnknownNameError:
        return None
    return fetch_version(client, version, folder)


def _tag(client: MlflowClient, verdict: Verdict, rows: Mapping[str, Fetched]) -> None:
    """Note the figures on the versions, where the registry shows them."""
    compared = verdict.compared
    if compared is None:
        return
    found = composites(compared.results)
    for label, version in rows.items():
        score = found[label].score
        tags = {
            "composite": f"{score.mean:.4f} [{score.low:.4f}, {score.high:.4f}]",
            "evaluated_on": compared.title,
            "evaluation_run": verdict.run_id,
        }
        if version is verdict.candidate:
            tags["promoted"] = str(verdict.promoted).lower()
            tags["verdict"] = "; ".join(verdict.reasons)
        for key, text in tags.items():
            client.set_model_version_tag(version.name, version.version, f"ir_transfer.{key}", text)
    client.set_tag(verdict.run_id, "ir_transfer.promoted", str(verdict.promoted).lower())
