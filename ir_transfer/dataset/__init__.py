"""Generating a labelled infrared set from a labelled RGB set, for training detectors."""
