"""Generation of a labelled infrared data set from a labelled RGB data set, for training detectors."""
