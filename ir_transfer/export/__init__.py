"""Exported files: a compact system as one graph of any size, written, checked, and run without torch."""
