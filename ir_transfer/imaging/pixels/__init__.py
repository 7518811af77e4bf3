"""Interpretation of stored numbers: photometric interpretation, orientation, colour profile, alpha."""
