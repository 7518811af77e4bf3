"""Evaluation: metrics, comparison with baselines, reports and benchmarks."""
