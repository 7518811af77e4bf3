"""Data sets: a labelled RGB set becomes an infrared one that a detector can be trained on."""
