"""Rendered scenes: small physical models whose RGB image and infrared image truly belong together."""
