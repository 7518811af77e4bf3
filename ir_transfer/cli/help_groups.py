"""Sections in the ``--help`` of commands with many options."""

import click

SECTIONS: dict[str, tuple[str, ...]] = {
    "Style": (
        *("styles", "style_weights", "strength", "polarity", "exemplar_range", "exemplar_polarity"),
        *("variants", "assign", "rule_texts", "include_gray", "flip_share", "strengths"),
    ),
    "Model": ("model", "weights", "runtime", "model_options", "tracking_uri", "seed"),
    "Controls": (
        *("keep_tone", "style_masks", "content_masks", "exemplar_masks", "fit_masks", "style_grid"),
        *("layer_weights", "brush_size", "heat_texts", "heat_weights", "sensor", "agc", "agc_window"),
        *("smoothing", "flow"),
    ),
    "Input": ("labels", "max_pixels", "bands", "levels", "orientation", "page", "nodata", "fps"),
    "Output": (
        *("out", "format_", "bit_depth", "compression", "codec", "quality", "cog", "overviews", "preview", "report"),
        *("tracked", "resume", "overwrite", "dry_run", "fail_fast", "shard"),
    ),
    "Speed and memory": (
        *("device", "threads", "precision", "batch_size", "workers", "memory", "tile_size"),
        *("engine", "address", "ray_workers"),
    ),
    "Messages": ("verbose", "quiet", "json", "config", "help"),
}
"""Parameter names of all commands by section; others are listed under *Other*."""


class SectionedCommand(click.Command):
    """A command whose help lists its options by topic."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each topic."""
        options = (param for param in self.get_params(ctx) if isinstance(param, click.Option))
        named = [(_name(option), option.get_help_record(ctx)) for option in options]
        records = {name: record for name, record in named if record is not None}
        for title, names in SECTIONS.items():
            if rows := [records.pop(name) for name in names if name in records]:
                with formatter.section(title):
                    formatter.write_dl(rows)
        if records:
            with formatter.section("Other"):
                formatter.write_dl([*records.values()])


def _name(option: click.Option) -> str:
    """Return the name of an option; click uses another parameter name for ``--help``."""
    return "help" if "--help" in option.opts else str(option.name)
