"""Limits of all models; does not import torch."""

SMALLEST_SIDE = 16
"""Smallest height and width in pixels of an input image."""
