"""Experiments in MLflow; no other room knows MLflow.

A training writes its own journal, so MLflow is a reader that may be late, slow or away.
"""
