"""Apparent intensity by class: what rules ask for, who finds the objects, which pixels they have."""
