"""``ir-transfer reconstruct``: what a layer of a network keeps of an image, as figure 1 of Gatys et al. shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ir_transfer.cli.console import INTERRUPTED, ProgressBar, set_up_messages
from ir_transfer.cli.execution_options import device_option, threads_option
from ir_transfer.cli.option_types import NAMES, image_size
from ir_transfer.cli.options import max_pixels_option, run_options_option, seed_option, verbosity_options
from ir_transfer.cli.path_checks import check_exists
from ir_transfer.cli.result import give_result


@click.command(short_help="Show what layers of a network keep of an image.")
@click.option("--content", type=click.Path(path_type=Path), metavar="FILE", help="Image whose content is wanted.")
@click.option("--layer", metavar="NAME", help="For --content.  [default: stride8, of a VGG conv4_2]")
@click.option("--style", type=click.Path(path_type=Path), metavar="FILE", help="Image whose texture is wanted.")
@click.option(
    "--layers", type=NAMES, metavar="NAME,...", help="For --style.  [default: all, of a VGG conv1_1,... conv5_1]"
)
@click.option("--size", type=image_size(16), metavar="WxH", help="Of the result of --style.  [default: the image's]")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The .png to write.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option(
    "--weights",
    default="default",
    show_default=True,
    metavar="NAME|FILE",
    help="Whose content encoder: of model adain; or a VGG-19: torchvision, or a .safetensors file.",
)
@click.option(
    "--side",
    type=click.IntRange(min=16),
    default=512,
    show_default=True,
    metavar="N",
    help="Short side in pixels that larger images are brought to.",
)
@run_options_option
@device_option
@threads_option
@seed_option
@max_pixels_option
@verbosity_options
def reconstruct(
    *, content: Path | None, style: Path | None, out: Path, overwrite: bool, verbose: bool, quiet: bool, **given: Any
) -> int:
    """Find, from noise, an image that has the features of one layer, or the Gram matrices of some.

    The deeper the layer, the less of a content is left but what is where, and the larger are the structures that a
    style repeats. All layers of --style give the image's texture.

    Layers are stride2, stride4, stride8, stride16 and stride32 of the content encoder, conv1_1 to conv5_1 of a VGG-19.

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
        raise click.UsageError(f"expected no --{wrong[0]} with {'--content' if content else '--style'}: leave it out")
    if out.suffix.lower() != ".png":
        raise click.UsageError(f"expected -o to end in .png, got {out}")
    if out.exists() and not overwrite:
        raise click.UsageError(f"expected a new file, got {out}, which exists: use --overwrite or another -o")
    set_up_messages(verbose=verbose, quiet=quiet)
    check_exists(content, "an image file")
    check_exists(style, "an image file")
    try:
        with ProgressBar(quiet=quiet, label="reconstructing") as progress:
            _write(content, style, out, given, progress)
    except KeyboardInterrupt:
        click.echo("Interrupted: nothing has been written", err=True)
        return INTERRUPTED
    give_result({"out": out})
    if not quiet:
        click.echo(f"wrote {click.format_filename(out)}")
    return 0


def _write(content: Path | None, style: Path | None, out: Path, given: dict[str, Any], progress: ProgressBar) -> None:
    import torch

    from ir_transfer import model_info
    from ir_transfer.conversion.patience import report_steps
    from ir_transfer.conversion.styles.exemplar import read_exemplar
    from ir_transfer.conversion.translate import pick_device
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
        shown = read_image(style, given["max_pixels"])  # any texture will do, not infrared alone
        gray = shown.gray() if shown.is_colour else read_exemplar(style, given["max_pixels"])
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
