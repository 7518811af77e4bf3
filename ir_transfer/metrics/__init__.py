"""Metrics by what they compare. Images are float (B, 1, H, W) in [0, 1]; a metric returns one value per image (B,)."""
