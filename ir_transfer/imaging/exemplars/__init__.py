"""Reads style exemplars (infrared images) as cameras save them: ranges, palettes, overlays, masks, radiometric data."""
