"""One file per metric. Pictures are float (B, 1, H, W) in [0, 1]; a metric answers with one value per picture (B,)."""
