"""Evaluation: metrics, comparisons with baselines, reports and benchmarks."""
