"""Checks of an installation: packages, devices, memory, shipped files, caches, and a conversion from end to end."""
