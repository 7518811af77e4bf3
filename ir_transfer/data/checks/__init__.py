"""Checks a data set before use: measurements of its files, findings, and the worst pairs."""
