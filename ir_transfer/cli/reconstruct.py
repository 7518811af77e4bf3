"""``ir-transfer reconstruct``: an image reconstructed from network features, as in figure 1 of Gatys et al."""

from pathlib import Path
from typing import Any

import click

from ir_transfer.cli.console import INTERRUPTED, ProgressBar, set_up_messages
from ir_transfer.cli.execution_options import device_option, threads_option
from ir_transfer.cli.option_types import NAMES, PATH, image_size
from ir_transfer.cli.options import (
    max_pixels_option,
    model_options_option,
    overwrite_option,
    seed_option,
    verbosity_options,
)
from ir_transfer.cli.paths import check_exists, check_new_file
from ir_transfer.cli.result import give_result


@click.command
@click.option("--content", type=PATH, metavar="FILE", help="Image whose content features to match.")
@click.option("--layer", metavar="NAME", help="Layer for --content.  [default: stride8; conv4_2 of a VGG]")
@click.option("--style", type=PATH, metavar="FILE", help="Image whose texture (Gram matrices) to match.")
@click.option(
    "--layers", type=NAMES, metavar="NAME,...", help="Layers for --style.  [default: all; conv1_1 to conv5_1 of a VGG]"
)
@click.option(
    "--size", type=image_size(16), metavar="WxH", help="Size of the result of --style.  [default: that of the image]"
)
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="PNG file to write.")
@overwrite_option("Replace an existing file.")
@click.option(
    "--weights",
    default="default",
    show_default=True,
    metavar="NAME|FILE",
    help="Network: the content encoder of these weights of adain; or a VGG-19: torchvision or a .safetensors file.",
)
@click.option(
    "--side",
    type=click.IntRange(min=16),
    default=512,
    show_default=True,
    metavar="N",
    help="Downscale larger images to this short side, in pixels.",
)
@model_options_option
@device_option
@threads_option
@seed_option
@max_pixels_option
@verbosity_options
def reconstruct(
    *, content: Path | None, style: Path | None, out: Path, overwrite: bool, verbose: bool, quiet: bool, **given: Any
) -> int:
    """Visualise what network layers encode: optimise noise to match the features of an image.

    --content matches the features of one layer; deeper layers encode the arrangement of a scene rather than its pixels.
    --style matches the Gram matrices of several layers; deeper layers encode larger textures.

    Layers are stride2, stride4, stride8, stride16 and stride32 of the content encoder, or conv1_1 to conv5_1 of a
    VGG-19.

    \b
    Examples:
      ir-transfer reconstruct --content photo.jpg --layer stride8 -o content.png
      ir-transfer reconstruct --content photo.jpg --layer conv4_2 --weights torchvision -o content.png
      ir-transfer reconstruct --style thermal.png --layers stride2,stride4 -o style.png
      ir-transfer reconstruct --style thermal.png --size 640x512 --option steps=200 -o texture.png
    """
    if (content is None) == (style is None):
        raise click.UsageError("expected --content FILE or --style FILE, got both or none: give one")
    other = ("layers", "size") if content is not None else ("layer",)
    if wrong := [name for name in other if given[name] is not None]:
        raise click.UsageError(f"expected no --{wrong[0]} with {'--content' if content else '--style'}: omit it")
    check_new_file(out, overwrite=overwrite, suffix=".png")
    set_up_messages(verbose=verbose, quiet=quiet)
    check_exists(content, "an image file")
    check_exists(style, "an image file")
    try:
        with ProgressBar(quiet=quiet, label="reconstructing") as progress:
            _write(content, style, out, given, progress)
    except KeyboardInterrupt:
        click.echo("Interrupted: no file was written", err=True)
        return INTERRUPTED
    give_result({"out": out})
    if not quiet:
        click.echo(f"wrote {click.format_filename(out)}")
    return 0


def _write(content: Path | None, style: Path | None, out: Path, given: dict[str, Any], progress: ProgressBar) -> None:
    import torch

    from ir_transfer import model_info
    from ir_transfer.conversion.devices import pick_device
    from ir_transfer.conversion.styles.exemplar import read_exemplar
    from ir_transfer.conversion.timing import report_steps
    from ir_transfer.imaging.image_io import encode_gray, read_image, to_levels, write_whole
    from ir_transfer.models.gatys.model import Gatys
    from ir_transfer.models.gatys.paper import PaperGatys
    from ir_transfer.models.gatys.reconstruct import reconstruct_content, reconstruct_style
    from ir_transfer.nn.resize import resize_short_side

    device = pick_device(given["device"])
    if given["threads"] is not None:
        torch.set_num_threads(given["threads"])
    torch.manual_seed(given["seed"])
    if content is not None:
        gray = read_image(content, given["max_pixels"]).gray()
    elif style is not None:
        source = read_image(style, given["max_pixels"])  # any image with a texture, not only infrared
        gray = source.gray() if source.is_colour else read_exemplar(style, given["max_pixels"])
    image = torch.from_numpy(gray)[None]
    image = resize_short_side(image, min(given["side"], *image.shape[-2:])).to(device)
    model = Gatys.build(model_info("gatys"), given["weights"], None)
    assert isinstance(model, Gatys | PaperGatys)
    model.configure(given["model_options"])
    report_steps(model.to(device), progress.step)
    progress.start(1)
    if content is not None:
        found = reconstruct_content(model, image, given["layer"])
    else:
        size = None if given["size"] is None else given["size"][::-1]
        found = reconstruct_style(model, image, given["layers"], size)
    write_whole(out, encode_gray(to_levels(found[0, 0].float().cpu().numpy())))
