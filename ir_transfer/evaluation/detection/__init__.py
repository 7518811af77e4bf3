"""Usefulness of translated images as training data of a detector, compared with grayscale RGB images."""
