"""What the stored numbers of an image file mean: photometric interpretation, orientation, colour profile, alpha."""
