"""Layers and formulas shared by several systems, as functions and modules on tensors."""
