"""Experiment tracking in MLflow; no other package imports MLflow.

It is the layer above conversion, training and evaluation, whose results it records. A training writes a journal of its
own, from which MLflow is updated, so that a slow or unavailable store does not delay it.
"""
