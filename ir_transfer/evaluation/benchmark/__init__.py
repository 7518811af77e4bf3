"""Seconds and memory of models, of folder conversions and of data loaders."""
