"""Styles: what was named to what a model takes: presets, saved codes, exemplars, looks."""
