"""Exemplars as cameras save them: ranges, palettes, burnt-in overlays, masks and radiometric files."""
