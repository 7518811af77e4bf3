"""``ir-transfer evaluate --task detect``: detectors trained on translated images."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ir_transfer.cli.option_types import PATH
from ir_transfer.cli.paths import check_exists, check_fresh, check_policies
from ir_transfer.cli.result import give_result
from ir_transfer.cli.tracking import check_tracking, track

if TYPE_CHECKING:
    from ir_transfer.evaluation.detection.experiment import Outcome
    from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
    from ir_transfer.imaging.exemplars.range import AskedRange

_OWN = ("test", "test_boxes", "steps", "seeds")
_SHARED = (
    *(
        "task",
        "root",
        "card",
        "split",
        "exemplars",
        "exemplar_polarity",
        "exemplar_range",
        "protocol",
        "models",
        "weights",
        "boxes",
        "label",
        "max_side",
    ),
    *("tracking_uri", "tracking", "device", "out", "overwrite"),
)


def with_detect_task(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--task`` to ``evaluate``, and the options of the task ``detect``, which this module runs."""

    @click.option(
        "--task",
        type=click.Choice(["translate", "detect"]),
        default="translate",
        show_default=True,
        help="translate: measure translated images. detect: train detectors on --data (real infrared, gray, "
        "translated, gray + translated) and test them on real infrared.",
    )
    @click.option("--test", type=PATH, metavar="ROOT", help="detect: test pairs of other scenes.")
    @click.option(
        "--test-boxes",
        type=PATH,
        metavar="FILE|FOLDER",
        help="detect: boxes of --test, in the format of --boxes.  [default: --boxes]",
    )
    @click.option("--steps", type=click.IntRange(1), default=400, show_default=True, help="detect: training steps.")
    @click.option(
        "--seeds",
        type=click.IntRange(1),
        default=3,
        show_default=True,
        help="detect: trainings per row.",
    )
    @click.pass_context
    @functools.wraps(command)
    def either(context: click.Context, /, **given: Any) -> Any:
        task = given.pop("task")
        own = {name: given.pop(name) for name in _OWN}
        _refuse_other_options(context, task)
        return _detect(**own, **given) if task == "detect" else command(**given)

    return either


def _refuse_other_options(context: click.Context, task: str) -> None:
    """Raise a usage error for options that the task does not use."""
    options = {
        parameter.name or "": parameter.opts[-1]
        for parameter in context.command.params
        if parameter.name in context.params  # without --json and --config, which apply to every task
    }
    given = [name for name in options if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
    foreign = set(_OWN) if task == "translate" else options.keys() - {*_OWN, *_SHARED}
    if unexpected := [options[name] for name in given if name in foreign and context.params[name] is not None]:
        other = "detect" if task == "translate" else "translate"
        raise click.UsageError(f"expected {', '.join(unexpected)} with --task {other} only: omit it, or change --task")
    if task == "detect" and context.params["boxes"] is None:
        raise click.UsageError("expected --boxes with --task detect, got none: a folder of VOC .xml files, or a .json")


def _detect(
    *,
    root: Path,
    card: str | None,
    split: Path | None,
    test: Path | None,
    boxes: Path,
    test_boxes: Path | None,
    label: str | None,
    exemplars: tuple[str, ...],
    exemplar_polarity: ExemplarPolarity,
    exemplar_range: AskedRange,
    models: tuple[str, ...],
    weights: tuple[str, ...],
    protocol: str | None,
    max_side: int | None,
    tracking_uri: str | None,
    tracking: bool,
    steps: int,
    seeds: int,
    device: str,
    out: Path,
    overwrite: bool,
    **_: Any,
) -> None:
    check_exists(split, "a split file", "make one with ir-transfer datasets split")
    for path, name in ((root, "data"), (test, "test"), (boxes, "boxes"), (test_boxes, "test-boxes")):
        check_exists(path, f"the path of --{name}")
    check_policies(exemplars)
    from ir_transfer.cli.tracking import local_weights
    from ir_transfer.conversion.devices import pick_device
    from ir_transfer.data.cards import load_card
    from ir_transfer.evaluation.detection.experiment import Training
    from ir_transfer.evaluation.detection.from_files import DetectionFiles, detect_on_files
    from ir_transfer.evaluation.detection.result_files import FILES, write_all
    from ir_transfer.evaluation.methods import parse_weights
    from ir_transfer.evaluation.protocol import NONE, load_protocol

    check_fresh(out, FILES, overwrite=overwrite)
    if tracking:
        check_tracking(tracking_uri)
    files = DetectionFiles(root, boxes, test, test_boxes, split, load_card(card) if card else None, label)
    outcome, protocol_title, settings = detect_on_files(
        files,
        exemplars,
        models,
        {name: [local_weights(one, tracking_uri) for one in found] for name, found in parse_weights(weights).items()},
        Training(steps, tuple(range(seeds)), str(pick_device(device))),
        protocol=load_protocol(protocol) if protocol else NONE,
        max_side=max_side,
        exemplar_polarity=exemplar_polarity,
        exemplar_range=exemplar_range,
        report=lambda text: click.echo(text, err=True),
    )
    write_all(outcome, out, protocol_title, settings)
    _print(outcome, protocol_title)
    give_result(json.loads((out / "detect.json").read_text(encoding="utf-8")))
    for name in FILES:
        click.echo(out / name)
    if tracking:
        from ir_transfer.tracking.evaluation_log import log_detection

        track(tracking_uri, lambda client: log_detection(client, outcome, out, protocol_title, settings))


def _print(outcome: Outcome, protocol: str) -> None:
    from ir_transfer.cli.console import print_table
    from ir_transfer.evaluation.detection.result_files import LEGEND, made_with, table

    click.echo(f"detectors tested on real infrared; {made_with(outcome, protocol)}")
    print_table(*table(outcome))
    click.echo(LEGEND)
    if outcome.left_out:
        click.echo(f"ignored labels that are in only one of the two sets: {', '.join(outcome.left_out)}")
    if outcome.alike:
        count = len(outcome.alike)
        click.echo(
            f"{count} test scenes resemble a training scene, such as {outcome.alike[0]}: results may be too optimistic"
        )
