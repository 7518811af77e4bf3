"""What there is to see in a store, in words and links into MLflow's user interface."""

from __future__ import annotations

import os
import sys
import time
import urllib.parse
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING

from ir_transfer.tracking import figures
from ir_transfer.tracking.client import CANDIDATE, CHAMPION
from ir_transfer.tracking.find_runs import RunStore, describe_start, name_of, short_id
from ir_transfer.tracking.server import serving, until_asked_to_stop

if TYPE_CHECKING:
    from mlflow.entities import Run

_SHOWN = 5
# Without it MLflow 3 opens its pages for language models.
_WORKFLOW = "?workflowType=machine_learning"


def review(
    uri: str,
    port: int | None,
    browser: bool,
    say: Callable[[str], None],
    on_ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Open MLflow's user interface on a store, say what to look at, and stay until Ctrl-C or SIGTERM.

    A store that is a server already is only opened.

    Args:
        uri: Tracking URI.
        port: Of the user interface; None takes a free one.
        browser: Whether to open a browser, where there is a screen.
        say: Receives lines for the user.
        on_ready: Called once with the address of the user interface when it answers.

    Raises:
        MissingFileError: The store's database is not there.
        TrackingError: The store, or MLflow's server on it, does not answer.
        InputError: The port is taken, or the store has no experiment of ours.
    """
    if is_server(uri):
        on_ready(uri.rstrip("/"))
        _present(uri.rstrip("/"), uri, browser, say)
        return
    store = RunStore(uri)
    with until_asked_to_stop() as stop, serving(uri, port) as server:
        say(f"starting MLflow's user interface at {server.url} ...")
        lines = overview(store, server.url)
        if not server.wait_until_ready(stop):
            return
        for line in lines:
            say(line)
        say(f"Ready at {server.url}. Ctrl-C ends it.")
        on_ready(server.url)
        if browser:
            open_browser(f"{server.url}/{experiment_page(store)}")
        while not stop.wait(1):
            server.check()
    say("ended")


def is_server(uri: str) -> bool:
    """Return whether a tracking URI is that of a server."""
    return urllib.parse.urlparse(uri).scheme in {"http", "https"}


def _present(url: str, uri: str, browser: bool, say: Callable[[str], None]) -> None:
    store = RunStore(uri)
    for line in overview(store, url):
        say(line)
    if browser:
        open_browser(f"{url}/{experiment_page(store)}")


def open_browser(url: str) -> bool:
    """Open a page where there is a screen or a browser is named; a browser in the terminal would cover the links."""
    screen = sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return screen and webbrowser.open(url)


def experiment_page(store: RunStore) -> str:
    """Return the path of the list of all runs."""
    return f"#/experiments/{store.experiment}/runs{_WORKFLOW}"


def run_page(run: Run, tab: str = "") -> str:
    """Return the path of a run's page, or of one of its tabs: ``model-metrics``, ``artifacts``."""
    return f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}{'/' + tab if tab else ''}{_WORKFLOW}"


def overview(store: RunStore, url: str) -> list[str]:
    """Return what to look at: trainings with their best figures, models and their aliases, the last evaluation.

    Args:
        store: Where the runs are.
        url: Of the user interface, without a slash at the end.
    """
    trainings = store.runs("train")
    lines = [f"All runs: {url}/{experiment_page(store)}", "", f"Trainings ({len(trainings)}, the latest first)"]
    for run in trainings[:_SHOWN]:
        lines += [
            f"  {name_of(run)}  {state_of(run)}",
            f"    {best_figures(store, run)}",
            f"    curves and pictures  {url}/{run_page(run, 'model-metrics')}",
            f"    recipe, data, model  {url}/{run_page(run)}",
        ]
    if trainings:
        # MLflow fills the small panel with the run's parameters, so that the picture lies below its edge.
        lines.append(
            "  Pictures are below the curves: enlarge the panel 'validation', and drag its slider through the steps."
        )
    else:
        lines.append("  none yet: ir-transfer train RECIPE --data ROOT")
    if len(trainings) > 1:
        lines.append(f"  Side by side: ir-transfer runs compare {short_id(trainings[1])} {short_id(trainings[0])}")
    return [*lines, "", *_models(store, url), "", *_evaluation(store, url)]


def state_of(run: Run) -> str:
    """Return how a run stands, such as ``finished, begun 2026-01-31 09:15``."""
    status = str(run.info.status).lower()
    if status == "running" and run.info.end_time is None:
        hours = (time.time() - run.info.start_time / 1000) / 3600
        status = f"running for {hours:.1f} h" if hours >= 0.1 else "running"
    return f"{status}, begun {describe_start(run)}, run {short_id(run)}"


def best_figures(store: RunStore, run: Run) -> str:
    """Return a training's validation figures at its best step."""
    names = sorted(name for name in run.data.metrics if name.startswith(figures.VALIDATION))
    curves = {name: store.history(run, name) for name in names}
    step = figures.best_step(curves)
    if step is None:
        return "not validated yet"
    values = {name.removeprefix(figures.VALIDATION): figures.at_step(curve, step) for name, curve in curves.items()}
    return f"best at step {step}: " + ", ".join(f"{n} {figures.text_of(v)}" for n, v in values.items() if v is not None)


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
        f"    figures  {url}/{run_page(run)}",
        f"    report, table, sheet  {url}/{run_page(run, 'artifacts')}",
    ]
