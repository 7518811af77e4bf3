"""MLflow's own user interface as a child process that is never left behind."""

from __future__ import annotations

import os
import signal
import socket
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
from types import FrameType

from ir_transfer.errors import InputError, TrackingError

HOST = "127.0.0.1"
DEFAULT_PORT = 5000
_TRIED_PORTS = 50
_SQLITE = "sqlite:///"
_START_SECONDS = 180.0
_END_SECONDS = 3.0  # open pages keep connections, which a server would wait for
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its queue of jobs would be four more processes
}


class Server:
    """A running server of MLflow's user interface.

    Attributes:
        url: Where it answers, without a slash at the end.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.url = url
        self._process, self._log = process, log

    def wait_until_ready(self, stop: threading.Event) -> bool:
        """Wait until the server answers; return whether it does, or was asked to stop before.

        Raises:
            TrackingError: It ended, or does not answer in time.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not stop.is_set():
            self.check()
            with suppress(urllib.error.URLError, OSError):
                # No proxy: it would not find this machine's loopback.
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with opener.open(f"{self.url}/health", timeout=5) as answer:
                    if answer.status == 200:
                        return True
            if time.monotonic() > deadline:
                raise TrackingError(
                    f"expected MLflow's server to answer at {self.url} within {_START_SECONDS:.0f} s, got no answer: "
                    f"{self._last_words()}"
                )
            stop.wait(0.2)
        return False

    def check(self) -> None:
        """Refuse to go on without the server.

        Raises:
            TrackingError: It has ended by itself.
        """
        if (code := self._process.poll()) is not None:
            raise TrackingError(
                f"expected MLflow's server to stay up, got its end with code {code}: {self._last_words()}"
            )

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " / ".join([line.strip() for line in lines if line.strip()][-4:])[:600] or "it said nothing"


@contextmanager
def serving(uri: str, port: int | None) -> Iterator[Server]:
    """Serve a store on this machine within the block; the server and all it started are gone after it.

    Args:
        uri: A store that is no server itself.
        port: To listen on; None takes the first free one from 5000 on.

    Raises:
        InputError: The port is taken.
    """
    chosen = free_port() if port is None else port
    if port is not None and not is_free(port):
        raise InputError(f"expected a free port, got {port}, which is taken: choose another --port, or leave it out")
    options = ["--backend-store-uri", uri, "--host", HOST, "--port", str(chosen), "--workers", "1"]
    if uri.startswith(_SQLITE):
        artifacts = Path(uri.removeprefix(_SQLITE)).absolute().parent / "mlartifacts"
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
                start_new_session=True,  # a group of its own, which ends as one; Ctrl-C comes to us alone
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
        os.killpg(process.pid, signal.SIGKILL)  # what is left of the group
    process.wait()


def is_free(port: int) -> bool:
    """Return whether a port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: a lingering one is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return the first free port from 5000 on.

    Raises:
        InputError: None of fifty is free.
    """
    last = DEFAULT_PORT + _TRIED_PORTS - 1
    for port in range(DEFAULT_PORT, last + 1):
        if is_free(port):
            return port
    raise InputError(f"expected a free port from {DEFAULT_PORT} to {last}, got none: choose one with --port")


@contextmanager
def until_asked_to_stop() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C, SIGTERM and a closed terminal set, instead of ending the process on the spot."""
    stop = threading.Event()
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in signals}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
