"""Image files: decoding, encoding, colour, validity, rasters and infrared exemplars."""
