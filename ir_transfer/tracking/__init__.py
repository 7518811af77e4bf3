"""Experiment tracking in MLflow; no other package imports MLflow.

This layer is above conversion, training and evaluation, whose results it records. Training writes its own journal, from
which MLflow is updated, so that a slow or unavailable store does not delay training.
"""
