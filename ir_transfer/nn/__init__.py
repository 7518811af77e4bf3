"""Layers that two systems or more share: pure tensors in, tensors out."""
