"""Conversion of images: planning, reading, translating and writing, with a manifest and resumption."""
