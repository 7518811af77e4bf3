"""The web server of the page, bound to the loopback address; the page loads nothing from other hosts."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.errors import InputError, MissingPackageError
from ir_transfer.local_server import HOST, choose_port, open_browser, stop_on_signals

if TYPE_CHECKING:
    from fastapi import FastAPI

DEFAULT_PORT = 7860
# Read by gradio when it is imported.
_SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}
# Restricts the page to resources of this server. Gradio's pages need inline scripts and eval.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "frame-ancestors 'self'; form-action 'self'"
)


def serve(port: int | None, browser: bool, say: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C or SIGTERM; uploads and results are removed at the end.

    Args:
        port: To listen on; None uses the first free port from 7860.
        browser: Whether to open a browser if a display is available.
        say: Receives lines for the user.

    Raises:
        MissingPackageError: gradio is not installed.
        InputError: The port is taken, or none is free.
    """
    chosen = choose_port(port, DEFAULT_PORT)
    with (
        tempfile.TemporaryDirectory(prefix="ir-transfer-app-", ignore_cleanup_errors=True) as folder,
        stop_on_signals() as stop,
    ):
        say("loading the models and the gallery ...")
        with running(make_app(Path(folder)), chosen):
            url = f"http://{HOST}:{chosen}"
            say(f"Ready at {url} (this machine only). Press Ctrl-C to stop; uploaded files are then removed.")
            if browser:
                open_browser(url)
            stop.wait()
    say("stopped")


def make_app(folder: Path) -> FastAPI:
    """Return the web application.

    Args:
        folder: For uploads and results.

    Raises:
        MissingPackageError: gradio is not installed.
    """
    os.environ.update({**_SETTINGS, "GRADIO_TEMP_DIR": str(folder)})
    try:
        import gradio
    except ImportError as error:
        raise MissingPackageError("expected gradio for the page, found none: pip install 'ir-transfer[app]'") from error
    from fastapi import FastAPI, Request, Response
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from ir_transfer.app.page import CSS, HEAD, build_page, theme

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    # Against DNS rebinding: other sites cannot reach the page under their own host name.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])

    @app.middleware("http")
    async def keep_to_this_machine(request: Request, call_next: Callable[[Request], object]) -> Response:
        response: Response = await call_next(request)  # type: ignore[misc]
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    page = build_page(folder)
    gradio.mount_gradio_app(
        app,
        page,
        path="/",
        server_name=HOST,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        show_error=True,
        theme=theme(),
        css=CSS,
        head=HEAD,
    )
    return app


@contextmanager
def running(app: FastAPI, port: int) -> Iterator[None]:
    """Serve an application in a thread within the block; it is ready when the block begins.

    Raises:
        InputError: It could not listen.
    """
    import uvicorn

    config = uvicorn.Config(app, host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=2)
    # The stream of a page that is still open is cancelled when the server stops; that is not an error.
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="page", daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
        if not thread.is_alive():
            raise InputError(f"expected to listen on port {port}, got an error: choose another --port")
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
