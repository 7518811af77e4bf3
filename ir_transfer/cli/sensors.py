"""``ir-transfer sensors``: the bundled models of infrared cameras."""

import click

from ir_transfer.cli.console import print_table
from ir_transfer.cli.result import give_result


@click.command
@click.argument("name", required=False)
def sensors(*, name: str | None) -> int:
    """List the bundled infrared sensors, or show the parameters of one with their sources.

    NAME is the name of a bundled sensor, or the path of a .yaml file, which is validated.

    \b
    Examples:
      ir-transfer sensors
      ir-transfer sensors boson-640
      ir-transfer sensors mine.yaml
    """
    import yaml

    from ir_transfer.sensor import list_sensors, load_sensor

    if name is not None:
        sensor = load_sensor(name)
        shown = {**sensor.look(), "description": sensor.description, "provenance": sensor.provenance}
        give_result(shown)
        click.echo(yaml.safe_dump(shown, sort_keys=False, width=120), nl=False)
        return 0
    models = [load_sensor(known) for known in list_sensors()]
    give_result([{**model.look(), "description": model.description} for model in models])
    rows = []
    for model in models:
        grid = "-" if model.sampling is None else f"{model.sampling.width}x{model.sampling.height}"
        netd = "-" if model.temporal is None or model.temporal.netd_mk is None else f"{model.temporal.netd_mk:g} mK"
        bits = "-" if model.adc is None else str(model.adc.bits)
        rows.append([model.name, model.band, grid, netd, bits, model.agc.kind, model.description])
    print_table(["sensor", "band", "grid", "NETD", "bits", "AGC", "description"], rows)
    return 0
