"""Checks of an installation: packages, devices, memory, bundled files, caches, and an end-to-end conversion."""
