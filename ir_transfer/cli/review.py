"""``ir-transfer review``: MLflow's user interface for tracked runs, with links to views."""

import click

from ir_transfer.cli.options import tracking_uri_option
from ir_transfer.cli.result import give_result


@click.command
@tracking_uri_option
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Port to listen on.  [default: first free one from 5000]",
)
@click.option("--no-browser", is_flag=True, help="Only print the links.")
def review(*, tracking_uri: str | None, port: int | None, no_browser: bool) -> None:
    """Serve MLflow's user interface for the tracked runs, with links to useful views, until Ctrl-C.

    \b
    Examples:
      ir-transfer review
      ir-transfer review --tracking-uri sqlite:///experiments/mlflow.db --port 8080
      ir-transfer review --tracking-uri http://tracking:5000
    """
    from ir_transfer.tracking.review import review as show
    from ir_transfer.tracking.store import resolve_uri

    uri = resolve_uri(tracking_uri)

    def ready(url: str) -> None:
        give_result({"tracking_uri": uri, "url": url}, at_once=True)

    show(uri, port, not no_browser, click.echo, ready)
