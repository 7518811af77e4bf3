"""``ir-transfer app``: a local page to try conversions in a browser."""

import click


@click.command
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Port to listen on.  [default: first free one from 7860]",
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def app(*, port: int | None, no_browser: bool) -> int:
    """Serve a local page to convert RGB images, compare styles and download results, until Ctrl-C.

    The page is available only on this machine, works offline and sends no data. It shows the equivalent ir-transfer
    convert command, which writes identical files. Uploaded files are deleted when the server stops.

    \b
    Examples:
      ir-transfer app
      ir-transfer app --port 8080 --no-browser
    """
    from ir_transfer.app.server import serve

    serve(port, not no_browser, click.echo)
    return 0
