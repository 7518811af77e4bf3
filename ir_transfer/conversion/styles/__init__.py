"""Styles of a run, from names to style codes: exemplars, presets, saved codes, fixed styles of a model."""
