"""An overview of a store, with links into MLflow's user interface."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING

from ir_transfer.local_server import open_browser, stop_on_signals
from ir_transfer.tracking.runs import RunStore, describe_start, name_of, short_id, text_of
from ir_transfer.tracking.server import serving

if TYPE_CHECKING:
    from mlflow.entities import Run

_SHOWN = 5
# Without it, MLflow 3 opens its pages for language models.
_WORKFLOW = "?workflowType=machine_learning"


def review(
    uri: str,
    port: int | None,
    browser: bool,
    report: Callable[[str], None],
    on_ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve MLflow's user interface on a store and report an overview, until Ctrl-C or SIGTERM.

    For a store that is a server, only report the overview and open its page.

    Args:
        uri: Tracking URI.
        port: Port of the user interface; None takes a free one.
        browser: Whether to open a browser if a display is available.
        report: Called with lines for the user.
        on_ready: Called once with the URL of the user interface when it answers.

    Raises:
        MissingFileError: The store's database is missing.
        TrackingError: The store, or MLflow's server on it, does not answer.
        InputError: The port is in use, or the store has no experiment of this package.
    """
    store = RunStore(uri)
    if urllib.parse.urlparse(uri).scheme in {"http", "https"}:
        _present(store, uri.rstrip("/"), browser, report, on_ready)
        return
    with stop_on_signals() as stop, serving(uri, port) as server:
        report(f"starting MLflow's user interface at {server.url} ...")
        if not server.wait_until_ready(stop):
            return
        _present(store, server.url, browser, report, on_ready)
        report(f"Ready at {server.url}. Press Ctrl-C to stop.")
        while not stop.wait(1):
            server.check()
    report("ended")


def _present(
    store: RunStore, url: str, browser: bool, report: Callable[[str], None], on_ready: Callable[[str], None]
) -> None:
    for line in overview(store, url):
        report(line)
    on_ready(url)
    if browser:
        open_browser(f"{url}/{experiment_page(store)}")


def experiment_page(store: RunStore) -> str:
    """Return the path of the list of all runs in the user interface."""
    return f"#/experiments/{store.experiment}/runs{_WORKFLOW}"


def overview(store: RunStore, url: str) -> list[str]:
    """Return lines on the latest trainings with their best metrics, which MLflow's lists lack, and links.

    Args:
        store: The store of the runs.
        url: URL of the user interface, without a slash at the end.
    """
    trainings = store.runs("train")
    lines = [
        f"All runs: {url}/{experiment_page(store)}",
        f"Registered models: {url}/#/models",
        f"Trainings ({len(trainings)}, the latest first; all and their data: ir-transfer runs list)",
    ]
    for run in trainings[:_SHOWN]:
        page = f"{url}/#/experiments/{store.experiment}/runs/{run.info.run_id}/model-metrics{_WORKFLOW}"
        lines += [
            f"  {name_of(run)}  {str(run.info.status).lower()}, started {describe_start(run)}, run {short_id(run)}",
            f"    {best_metrics(store, run)}",
            f"    curves and images  {page}",
        ]
    if not trainings:
        return [*lines, "  none yet: ir-transfer train RECIPE --data ROOT"]
    # In MLflow's small panel the image is hidden below the run's parameters.
    lines.append(
        "  Images are below the curves: enlarge the panel 'validation', and drag its slider through the steps."
    )
    return lines


def best_metrics(store: RunStore, run: Run) -> str:
    """Return a training's validation metrics at its best step."""
    best = store.best_step(run)
    if best is None:
        return "not validated yet"
    step, _ = best
    return f"best at step {step}: " + ", ".join(f"{n} {text_of(v)}" for n, v in store.validation_at(run, step).items())
