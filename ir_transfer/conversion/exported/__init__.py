"""Exported files: made from a choice of model and style, and used in place of a model."""
