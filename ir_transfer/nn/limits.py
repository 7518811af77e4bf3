"""Limits that hold for every model; free of torch."""

SMALLEST_SIDE = 16
"""Least height and width in pixels of an image that a model takes."""
