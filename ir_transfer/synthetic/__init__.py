"""Rendered scenes: small physical models whose photograph and infrared picture truly belong together."""
