"""Execution of a run: workers that process images, and the engines that run workers locally or in a cluster."""
