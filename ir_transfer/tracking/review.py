"""MLflow's user interface as a child process, and an overview of a store with links into it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.errors import TrackingError
from ir_transfer.local_server import HOST, choose_port, open_browser, stop_on_signals
from ir_transfer.tracking.runs import RunStore, describe_start, name_of, short_id, text_of
from ir_transfer.tracking.store import SQLITE

if TYPE_CHECKING:
    from mlflow.entities import Run

DEFAULT_PORT = 5000
_START_SECONDS = 180.0
_END_SECONDS = 3.0  # a server waits for the connections of open pages
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its job queue would start four more processes
}


class Server:
    """A running server of MLflow's user interface.

    Attributes:
        url: Its URL, without a slash at the end.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.url = url
        self._process, self._log = process, log

    def wait_until_ready(self, stop: threading.Event) -> bool:
        """Wait until the server answers; return False if ``stop`` is set before.

        Raises:
            TrackingError: It has ended, or does not answer within 180 s.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not stop.is_set():
            self.check()
            with suppress(urllib.error.URLError, OSError):
                # Without a proxy, which could not reach the loopback address.
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with opener.open(f"{self.url}/health", timeout=5) as answer:
                    if answer.status == 200:
                        return True
            if time.monotonic() > deadline:
                raise TrackingError(
                    f"expected MLflow's server to answer at {self.url} within {_START_SECONDS:.0f} s, got no answer: "
                    f"{self._last_output()}"
                )
            stop.wait(0.2)
        return False

    def check(self) -> None:
        """Check that the server runs.

        Raises:
            TrackingError: It has ended.
        """
        if (code := self._process.poll()) is not None:
            raise TrackingError(
                f"expected MLflow's server to keep running, got exit code {code}: {self._last_output()}"
            )

    def _last_output(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " / ".join([line.strip() for line in lines if line.strip()][-4:])[:600] or "no output"


@contextmanager
def serving(uri: str, port: int | None) -> Iterator[Server]:
    """Serve a store on this machine within the block, and end the server and its children afterwards.

    Args:
        uri: A store that is not a server.
        port: Port to listen on; None takes the first free one from 5000 on.

    Raises:
        InputError: The port is in use, or none is free.
    """
    chosen = choose_port(port, DEFAULT_PORT)
    options = ["--backend-store-uri", uri, "--host", HOST, "--port", str(chosen), "--workers", "1"]
    if uri.startswith(SQLITE):
        artifacts = Path(uri.removeprefix(SQLITE)).absolute().parent / "mlartifacts"
        options += ["--default-artifact-root", artifacts.as_uri(), "--artifacts-destination", str(artifacts)]
    with tempfile.TemporaryDirectory(prefix="ir-transfer-review-") as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_SETTINGS},
                start_new_session=True,  # a process group to end as a whole, which does not receive Ctrl-C
            )
        try:
            yield Server(process, f"http://{HOST}:{chosen}", log)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its whole group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)  # the remaining processes of the group
    process.wait()


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
