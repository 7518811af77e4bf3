"""``ir-transfer doctor``: checks of the installation, and versions for a bug report."""

import dataclasses
from collections.abc import Callable
from functools import partial

import click

from ir_transfer.cli.console import set_up_messages
from ir_transfer.cli.execution_options import device_option
from ir_transfer.cli.result import give_result

_COLOURS = {"ok": "green", "note": "yellow", "failed": "red"}


@click.command
@device_option
@click.option("--self-test/--no-self-test", default=True, show_default=True, help="Convert a test image.")
def doctor(*, device: str, self_test: bool) -> int:
    """Check packages, extras, devices, memory, bundled weights and styles and caches, and convert a generated image.

    Nothing is downloaded or sent. Notes concern optional components. Exit code: 0 all passed, 1 a check failed.

    \b
    Examples:
      ir-transfer doctor
      ir-transfer doctor --json > doctor.json
    """
    set_up_messages(quiet=True)
    from ir_transfer.diagnosis.check import Check, run_checks
    from ir_transfer.diagnosis.files import check_caches, check_styles, check_weights
    from ir_transfer.diagnosis.packages import check_devices, check_extras, check_memory, check_packages, versions
    from ir_transfer.diagnosis.self_test import check_conversion

    groups: list[tuple[str, Callable[[], list[Check]]]] = [
        ("packages", check_packages),
        ("extras", check_extras),
        ("memory", check_memory),
        ("devices", check_devices),
        ("weights", check_weights),
        ("styles", check_styles),
        ("caches", check_caches),
        *([("self-test", partial(check_conversion, device))] if self_test else []),
    ]
    checks = run_checks(groups)
    facts = versions()
    failed = [check for check in checks if check.status == "failed"]
    give_result({"healthy": not failed, "checks": [dataclasses.asdict(check) for check in checks], "versions": facts})
    for check in checks:
        remedy = f" ({check.remedy})" if check.remedy else ""
        status = click.style(f"{check.status:6}", fg=_COLOURS[check.status])
        click.echo(f"{status}  {check.name}: {check.detail}{remedy}")
    click.echo()
    for name, version in facts.items():
        click.echo(f"{name} {version}")
    click.echo()
    click.echo(f"{len(failed)} of {len(checks)} checks failed" if failed else f"none of {len(checks)} checks failed")
    return 1 if failed else 0
