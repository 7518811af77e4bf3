"""Distillation of the content encoder from soft labels and, optionally, from the features of an ImageNet network."""
