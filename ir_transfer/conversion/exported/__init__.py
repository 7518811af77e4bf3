"""Exported files: created from a model and a style, and used in place of a model."""
