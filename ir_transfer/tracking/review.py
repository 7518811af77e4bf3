"""An overview of a store, with links into MLflow's user interface."""

from __future__ import annotations

import os
import sys
import time
import urllib.parse
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING

from ir_transfer.tracking.run_metrics import VALIDATION, at_step, best_step, text_of
from ir_transfer.tracking.runs import RunStore, describe_start, name_of, short_id
from ir_transfer.tracking.server import serving, stop_on_signals
from ir_transfer.tracking.store import CANDIDATE, CHAMPION

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
        browser: Whether to open a browser, if there is a screen.
        report: Called with lines for the user.
        on_ready: Called once with the URL of the user interface when it answers.

    Raises:
        MissingFileError: The store's database is missing.
        TrackingError: The store, or MLflow's server on it, does not answer.
        InputError: The port is in use, or the store has no experiment of this package.
    """
    if is_server(uri):
        on_ready(uri.rstrip("/"))
        _present(uri.rstrip("/"), uri, browser, report)
        return
    store = RunStore(uri)
    with stop_on_signals() as stop, serving(uri, port) as server:
        report(f"starting MLflow's user interface at {server.url} ...")
        lines = overview(store, server.url)
        if not server.wait_until_ready(stop):
            return
        for line in lines:
            report(line)
        report(f"Ready at {server.url}. Ctrl-C ends it.")
        on_ready(server.url)
        if browser:
            open_browser(f"{server.url}/{experiment_page(store)}")
        while not stop.wait(1):
            server.check()
    report("ended")


def is_server(uri: str) -> bool:
    """Return whether a tracking URI is that of a server."""
    return urllib.parse.urlparse(uri).scheme in {"http", "https"}


def _present(url: str, uri: str, browser: bool, report: Callable[[str], None]) -> None:
    store = RunStore(uri)
    for line in overview(store, url):
        report(line)
    if browser:
        open_browser(f"{url}/{experiment_page(store)}")


def open_browser(url: str) -> bool:
    """Open a page if there is a screen or ``BROWSER`` is set; a browser in the terminal would hide the links."""
    screen = sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return screen and webbrowser.open(url)


def experiment_page(store: RunStore) -> str:
    """Return the path of the list of all runs in the user interface."""
    return f"#/experiments/{store.experiment}/runs{_WORKFLOW}"


def run_page(run: Run, tab: str = "") -> str:
    """Return the path of a run's page in the user interface, or of its tab ``model-metrics`` or ``artifacts``."""
    return f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}{'/' + tab if tab else ''}{_WORKFLOW}"


def overview(store: RunStore, url: str) -> list[str]:
    """Return lines on the latest trainings with their best metrics, on models with their aliases, and on evaluations.

    Args:
        store: The store of the runs.
        url: URL of the user interface, without a slash at the end.
    """
    trainings = store.runs("train")
    lines = [f"All runs: {url}/{experiment_page(store)}", "", f"Trainings ({len(trainings)}, the latest first)"]
    for run in trainings[:_SHOWN]:
        lines += [
            f"  {name_of(run)}  {state_of(run)}",
            f"    {best_metrics(store, run)}",
            f"    curves and images  {url}/{run_page(run, 'model-metrics')}",
            f"    recipe, data, model  {url}/{run_page(run)}",
        ]
    if trainings:
        # In MLflow's small panel the image is hidden below the run's parameters.
        lines.append(
            "  Images are below the curves: enlarge the panel 'validation', and drag its slider through the steps."
        )
    else:
        lines.append("  none yet: ir-transfer train RECIPE --data ROOT")
    if len(trainings) > 1:
        lines.append(f"  Side by side: ir-transfer runs compare {short_id(trainings[1])} {short_id(trainings[0])}")
    return [*lines, "", *_models(store, url), "", *_evaluation(store, url)]


def state_of(run: Run) -> str:
    """Return the status of a run, such as ``finished, begun 2026-01-31 09:15, run 3f2a91bc``."""
    status = str(run.info.status).lower()
    if status == "running" and run.info.end_time is None:
        hours = (time.time() - run.info.start_time / 1000) / 3600
        status = f"running for {hours:.1f} h" if hours >= 0.1 else "running"
    return f"{status}, begun {describe_start(run)}, run {short_id(run)}"


def best_metrics(store: RunStore, run: Run) -> str:
    """Return a training's validation metrics at its best step."""
    curves = store.validation_curves(run)
    step = best_step(curves)
    if step is None:
        return "not validated yet"
    values = {name.removeprefix(VALIDATION): at_step(curve, step) for name, curve in curves.items()}
    return f"best at step {step}: " + ", ".join(f"{n} {text_of(v)}" for n, v in values.items() if v is not None)


def _models(store: RunStore, url: str) -> list[str]:
    models = store.client.search_registered_models(max_results=100)
    lines = [f"Registered models: {url}/#/models"]
    for model in models:
        aliases = [
            f"{alias} is version {model.aliases[alias]}" for alias in (CHAMPION, CANDIDATE) if alias in model.aliases
        ]
        page = f"{url}/#/models/{urllib.parse.quote(model.name, safe='')}"
        lines.append(f"  {model.name}  {', '.join(aliases) or 'neither champion nor candidate'}  {page}")
    return lines if models else ["Registered models: none yet; a training registers its best weights when it ends"]


def _evaluation(store: RunStore, url: str) -> list[str]:
    found = store.runs("evaluate")
    if not found:
        return ["Evaluations: none yet; ir-transfer evaluate --data ROOT --exemplar POLICY"]
    run = found[0]
    return [
        f"Latest evaluation (of {len(found)}): {name_of(run)}, {state_of(run)}",
        f"    metrics  {url}/{run_page(run)}",
        f"    report, table, sheet  {url}/{run_page(run, 'artifacts')}",
    ]
