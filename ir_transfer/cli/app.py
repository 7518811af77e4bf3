"""``ir-transfer app``: a page to try conversions in a browser."""

from __future__ import annotations

import click


@click.command(short_help="Open a page to try conversions in a browser.")
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="N", help="Listen here.  [default: first free from 7860]"
)
@click.option("--no-browser", is_flag=True, help="Open no browser; print the address only.")
def app(*, port: int | None, no_browser: bool) -> int:
    """Serve a page for this machine alone, until Ctrl-C: drop RGB images, choose a look, see and download results.

    It shows the command line of ir-transfer convert that writes the same bytes. It works offline and sends nothing
    anywhere; what was uploaded is removed when it ends.

    \b
    Examples:
      ir-transfer app
      ir-transfer app --port 8080 --no-browser
    """
    from ir_transfer.app.server import serve

    serve(port, not no_browser, click.echo)
    return 0
