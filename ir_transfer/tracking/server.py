"""MLflow's user interface as a child process, which is ended with all its children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ir_transfer.errors import TrackingError
from ir_transfer.local_server import HOST, choose_port
from ir_transfer.tracking.store import SQLITE

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
