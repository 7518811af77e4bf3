"""Metrics, baselines' rows and reports."""
