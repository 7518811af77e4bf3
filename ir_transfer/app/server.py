"""The page on this machine's loopback: nothing is fetched from elsewhere, nothing is sent there."""

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
# A browser refuses what the page would fetch from another server. Gradio's own pages need inline scripts and eval.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "frame-ancestors 'self'; form-action 'self'"
)


def serve(port: int | None, browser: bool, say: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C or SIGTERM; what visitors uploaded and made is removed at the end.

    Args:
        port: To listen on; None takes the first free one from 7860 on.
        browser: Whether to open a browser, where there is a screen.
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
            say(f"Ready at {url} (this machine only). Ctrl-C ends it and removes what was uploaded.")
            if browser:
                open_browser(url)
            stop.wait()
    say("ended")


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
    # A page of another site that points its own name at this address is refused.
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
    """Serve an application in a thread within the block; it answers from the start of the block on.

    Raises:
        InputError: It could not listen.
    """
    import uvicorn

    config = uvicorn.Config(app, host=HOST, port=port, log_level="warning", timeout_graceful_shutdown=2)
    # A page that is still open when the server stops has its stream cancelled, which is no fault.
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
